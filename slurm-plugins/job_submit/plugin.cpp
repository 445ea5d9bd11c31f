// SPDX-License-Identifier: GPL-2.0-or-later
//
// job_submit/vesc: the C boundary. Turns slurmctld's records into a Request, asks decision.cpp, and
// writes the answer back.
//
// Locks held on entry: job_submit has CONF, JOB, NODE and PART read; job_modify has JOB and NODE
// write. Both hold Slurm's plugin mutex, so every microsecond here is one of the whole controller:
// no I/O, no lock but that of a shared_ptr.
extern "C" {
#include "src/common/slurm_xlator.h"
#include "src/common/hostlist.h"
#include "src/common/log.h"
#include "src/common/xmalloc.h"
#include "src/common/xstring.h"
#include "src/slurmctld/slurmctld.h"
}

#include <ctime>

#include "decision.hpp"
#include "shared.hpp"

static_assert(SLURM_VERSION_NUMBER == SLURM_VERSION_NUM(22, 5, 8));
static_assert(sizeof(job_desc_msg_t) == 880);

using namespace vesc::plugin;

namespace {

std::string text_of(const char* text) {
  return text == nullptr ? "" : text;
}

bool is_set(std::uint32_t value) {
  return value != NO_VAL && value != INFINITE && value != 0;
}

// The SPANK plugin's word: "VESC_MAX_RTT=10ms", with or without a prefix that the client put there.
std::optional<std::string> max_rtt_of(const job_desc_msg_t* job) {
  for (std::uint32_t i = 0; i < job->spank_job_env_size; ++i) {
    const char* at = strstr(job->spank_job_env[i], "VESC_MAX_RTT=");
    if (at != nullptr) return at + strlen("VESC_MAX_RTT=");
  }
  return std::nullopt;
}

std::vector<std::string> names_of(const char* hosts) {
  std::vector<std::string> names;
  if (hosts == nullptr || *hosts == '\0') return names;
  hostlist_t list = hostlist_create(hosts);
  if (list == nullptr) return names;
  char* name = nullptr;
  while ((name = hostlist_shift(list)) != nullptr) {
    names.emplace_back(name);
    free(name);
  }
  hostlist_destroy(list);
  return names;
}

// Job ids after "expand:" in a dependency.
bool expands(const job_desc_msg_t* job, bool& promised) {
  const char* at = job->dependency == nullptr ? nullptr : strstr(job->dependency, "expand:");
  if (at == nullptr) return false;
  job_record_t* target =
      find_job_record(static_cast<std::uint32_t>(strtoul(at + strlen("expand:"), nullptr, 10)));
  if (target != nullptr && target->details != nullptr) {
    auto written = parse_written(text_of(target->details->features));
    promised = written && written->limit_us != 0;
  }
  return true;
}

Request request_of(const job_desc_msg_t* job) {
  Request request;
  request.max_rtt = max_rtt_of(job);
  request.features = text_of(job->features);
  request.prefer = text_of(job->prefer);
  request.nodes_min = is_set(job->min_nodes) ? job->min_nodes : 1;
  request.nodes_max = is_set(job->max_nodes) ? job->max_nodes : 0;
  request.tasks = is_set(job->num_tasks) ? job->num_tasks : request.nodes_min;
  request.cpus_per_task =
      job->cpus_per_task == NO_VAL16 || job->cpus_per_task == 0 ? 1 : job->cpus_per_task;
  request.nodes_wanted = names_of(job->req_nodes);
  request.nodes_excluded = names_of(job->exc_nodes);
  request.spread = (job->bitflags & SPREAD_JOB) != 0;
  request.contiguous = job->contiguous != NO_VAL16 && job->contiguous != 0;
  request.expand = expands(job, request.expands_promised_job);
  request.held = job->priority == 0;
  // For a batch job 22.05.8 leaves het_job_offset unset, here its components cannot be told.
  request.compound =
      job->array_inx != nullptr || (job->script == nullptr && job->het_job_offset != NO_VAL);
  return request;
}

int code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccept:
      return SLURM_SUCCESS;
    case Verdict::kRefuseNodes:
      return ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE;
    case Verdict::kRefuseDependency:
      return ESLURM_DEPENDENCY;
    case Verdict::kRefuseFeature:
      return ESLURM_INVALID_FEATURE;
  }
  return SLURM_ERROR;
}

void set_constraint(job_desc_msg_t* job, const Decision& decision) {
  if (decision.features) {
    xfree(job->features);
    job->features = xstrdup(decision.features->c_str());
  }
  if (decision.prefer) {
    xfree(job->prefer);
    job->prefer = xstrdup(decision.prefer->c_str());
  }
}

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// What the change leaves unsaid is as the job has it.
Update change_of(const job_desc_msg_t* change, const job_record_t* job) {
  Request request = request_of(change);
  request.compound =
      job->array_recs != nullptr || job->array_task_id != NO_VAL || job->het_job_id != 0;
  const struct job_details* now = job->details;
  if (!is_set(change->min_nodes)) request.nodes_min = is_set(now->min_nodes) ? now->min_nodes : 1;
  if (!is_set(change->max_nodes)) request.nodes_max = is_set(now->max_nodes) ? now->max_nodes : 0;
  if (!is_set(change->num_tasks))
    request.tasks = is_set(change->min_nodes)
                        ? request.nodes_min
                        : std::max<std::uint32_t>(now->num_tasks == NO_VAL ? 1 : now->num_tasks,
                                                  request.nodes_min);
  if (change->req_nodes == nullptr) request.nodes_wanted = names_of(now->req_nodes);
  if (change->exc_nodes == nullptr) request.nodes_excluded = names_of(now->exc_nodes);
  if (change->cpus_per_task == NO_VAL16)
    request.cpus_per_task = now->orig_cpus_per_task == NO_VAL16 || now->orig_cpus_per_task == 0
                                ? 1
                                : now->orig_cpus_per_task;
  return {request, change->features != nullptr, change->prefer != nullptr};
}

}  // namespace

extern "C" {

#pragma GCC visibility push(default)
extern const char plugin_name[];  // const alone would keep them inside this file
extern const char plugin_type[];
extern const std::uint32_t plugin_version;
const char plugin_name[] = "VESC: round-trip limits for jobs";
const char plugin_type[] = "job_submit/vesc";
const std::uint32_t plugin_version = SLURM_VERSION_NUMBER;

int init(void) {
  start_worker();
  return SLURM_SUCCESS;
}

int fini(void) {
  stop_worker();
  return SLURM_SUCCESS;
}

int job_submit(job_desc_msg_t* job, std::uint32_t, char** err_msg) {
  std::int64_t start_ns = now_ns();
  int code = SLURM_SUCCESS;
  try {
    Decision decision = decide(*current_view(), request_of(job));
    set_constraint(job, decision);
    if (!decision.message.empty()) *err_msg = xstrdup(decision.message.c_str());
    code = code_of(decision.verdict);
  } catch (...) {
    // Out of memory: a job with a limit must not slip through.
    code = max_rtt_of(job) ? ESLURM_INVALID_FEATURE : SLURM_SUCCESS;
  }
  count_submission(now_ns() - start_ns);
  return code;
}

int job_modify(job_desc_msg_t* change, job_record_t* job, std::uint32_t submit_uid) {
  try {
    if (job->details == nullptr) return SLURM_SUCCESS;
    Constraint current{text_of(job->details->features), text_of(job->details->prefer)};
    Decision decision = decide_change(*current_view(), current, change_of(change, job));
    if (IS_JOB_PENDING(job)) set_constraint(change, decision);
    // 22.05 gives job_modify no way to speak to the user: the reason is in the log.
    if (decision.verdict != Verdict::kAccept)
      info("vesc: job %u, change by uid %u refused: %s", job->job_id, submit_uid,
           decision.message.c_str());
    return code_of(decision.verdict);
  } catch (...) {
    return ESLURM_INVALID_FEATURE;
  }
}
#pragma GCC visibility pop

}  // extern "C"
