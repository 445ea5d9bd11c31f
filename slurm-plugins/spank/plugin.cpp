// SPDX-License-Identifier: GPL-2.0-or-later
//
// spank_vesc: --max-rtt for sbatch, salloc and srun, and the environment that makes an unmodified
// MPI program work over the WAN. One function a context below; the exported ones only dispatch.
extern "C" {
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <slurm/spank.h>
}

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "vesc/base/duration.hpp"
#include "vesc/snapshot/snapshot.hpp"

#pragma GCC visibility push(default)
extern "C" {
extern const char plugin_name[];  // const alone would keep them inside this file
extern const char plugin_type[];
extern const unsigned int plugin_version;
extern const unsigned int spank_plugin_version;
SPANK_PLUGIN(vesc, 1)
}
#pragma GCC visibility pop

namespace {

constexpr const char* kEnvironmentOption = "mpi_env=";
constexpr const char* kVariable = "VESC_MAX_RTT";

char g_max_rtt[64];  // as the user wrote it; empty: not asked for

int take_max_rtt(int, const char* text, int remote) {
  if (remote != 0) return ESPANK_SUCCESS;
  auto limit = vesc::parse_rtt_us(text == nullptr ? "" : text);
  if (!limit) {
    slurm_error("vesc: --max-rtt: %s", limit.error().message.c_str());
    return ESPANK_BAD_ARG;
  }
  std::strncpy(g_max_rtt, text, sizeof(g_max_rtt) - 1);
  return ESPANK_SUCCESS;
}

char g_name[] = "max-rtt";
char g_argument[] = "TIME";
char g_usage[] =
    "run on nodes whose every pair is within this round trip, for example 10ms or 250us";
spank_option g_option = {g_name, g_argument, g_usage, 1, 0, take_max_rtt};

// The tightest limit that all nodes of an allocation are known to keep: 0 if none.
std::uint32_t common_tier_us(const char* nodes) {
  node_info_msg_t* table = nullptr;
  if (slurm_load_node(0, &table, SHOW_ALL) != SLURM_SUCCESS) return 0;
  std::vector<std::vector<std::string>> slots;
  hostlist_t list = slurm_hostlist_create(nodes);
  char* name = nullptr;
  while ((name = slurm_hostlist_shift(list)) != nullptr) {
    slots.emplace_back();
    for (std::uint32_t i = 0; i < table->record_count; ++i) {
      const node_info_t& node = table->node_array[i];
      if (node.name == nullptr || std::strcmp(node.name, name) != 0 || node.features_act == nullptr)
        continue;
      std::string all = node.features_act;
      for (std::size_t at = 0; at < all.size();) {
        std::size_t end = std::min(all.find(',', at), all.size());
        slots.back().push_back(all.substr(at, end - at));
        at = end + 1;
      }
    }
    free(name);
  }
  slurm_hostlist_destroy(list);
  slurm_free_node_info_msg(table);
  std::uint32_t tightest_us = 0;
  for (const std::string& slot : slots.empty() ? std::vector<std::string>() : slots.front()) {
    std::uint32_t tier_us = 0, number = 0;
    if (!vesc::snapshot::parse_slot_feature(slot, tier_us, number)) continue;
    bool shared = true;
    for (const auto& other : slots)
      shared = shared && std::find(other.begin(), other.end(), slot) != other.end();
    if (shared && (tightest_us == 0 || tier_us < tightest_us)) tightest_us = tier_us;
  }
  return tightest_us;
}

// The limit that the job itself was promised, from its constraint: 0 if none.
std::uint32_t promised_us(const char* features) {
  std::string text = features == nullptr ? "" : features;
  std::size_t at = text.rfind("vesc_max_");
  std::uint32_t limit_us = 0;
  if (at == std::string::npos) return 0;
  std::string marker = text.substr(at, text.find(']', at) - at);
  return vesc::snapshot::parse_limit_feature(marker, limit_us) ? limit_us : 0;
}

// srun --max-rtt inside an allocation: its nodes are given, so the limit is only checked.
int check_allocation(std::uint32_t job_id) {
  job_info_msg_t* jobs = nullptr;
  if (slurm_load_job(&jobs, job_id, SHOW_ALL) != SLURM_SUCCESS || jobs->record_count == 0) {
    slurm_error("vesc: --max-rtt=%s cannot be checked: slurmctld does not tell about job %u",
                g_max_rtt, job_id);
    return ESPANK_ERROR;
  }
  const slurm_job_info_t& job = jobs->job_array[0];
  std::uint32_t limit_us = *vesc::parse_rtt_us(g_max_rtt);
  std::uint32_t promise_us = promised_us(job.features);
  std::uint32_t known_us = job.num_nodes > 1 && (promise_us == 0 || promise_us > limit_us)
                               ? common_tier_us(job.nodes)
                               : promise_us;
  bool kept = job.num_nodes <= 1 || (known_us != 0 && known_us <= limit_us);
  std::string text = known_us == 0 ? "no limit" : vesc::format_rtt_ms(known_us);
  slurm_free_job_info_msg(jobs);
  if (kept) return ESPANK_SUCCESS;
  slurm_error(
      "vesc: --max-rtt=%s: the nodes of job %u are known to keep %s. Ask for the limit when the "
      "job is submitted: sbatch --max-rtt=%s",
      g_max_rtt, job_id, text.c_str(), g_max_rtt);
  return ESPANK_ERROR;
}

int in_client(spank_t spank) {
  if (g_max_rtt[0] == '\0') return ESPANK_SUCCESS;
  if (spank_context() == S_CTX_LOCAL) {
    if (const char* id = getenv("SLURM_JOB_ID"))
      return check_allocation(static_cast<std::uint32_t>(strtoul(id, nullptr, 10)));
  }
  spank_err_t error = spank_job_control_setenv(spank, kVariable, g_max_rtt, 1);
  if (error != ESPANK_SUCCESS)
    slurm_error("vesc: --max-rtt cannot be passed on: %s", spank_strerror(error));
  return error;
}

// NAME=value lines of a file into the task's environment, unless the user has set them.
int in_task(spank_t spank, int count, char** arguments) {
  for (int i = 0; i < count; ++i) {
    if (std::strncmp(arguments[i], kEnvironmentOption, std::strlen(kEnvironmentOption)) != 0)
      continue;
    std::ifstream file(arguments[i] + std::strlen(kEnvironmentOption));
    for (std::string line; std::getline(file, line);) {
      std::size_t equals = line.find('=');
      if (line.empty() || line.front() == '#' || equals == std::string::npos) continue;
      spank_setenv(spank, line.substr(0, equals).c_str(), line.substr(equals + 1).c_str(), 0);
    }
  }
  return ESPANK_SUCCESS;
}

}  // namespace

extern "C" {
#pragma GCC visibility push(default)

// No exception crosses: what is called allocates little, and a client that is out of memory ends.
int slurm_spank_init(spank_t spank, int, char**) noexcept {
  spank_context_t context = spank_context();
  bool client = context == S_CTX_LOCAL || context == S_CTX_ALLOCATOR;
  if (client || context == S_CTX_REMOTE) return spank_option_register(spank, &g_option);
  return ESPANK_SUCCESS;
}

int slurm_spank_init_post_opt(spank_t spank, int, char**) noexcept {
  spank_context_t context = spank_context();
  if (context == S_CTX_LOCAL || context == S_CTX_ALLOCATOR) return in_client(spank);
  return ESPANK_SUCCESS;
}

int slurm_spank_task_init(spank_t spank, int count, char** arguments) noexcept {
  return in_task(spank, count, arguments);
}

#pragma GCC visibility pop
}
