// SPDX-License-Identifier: GPL-2.0-or-later
//
// Changing slot features live. Slurm's own way, update_node(), splits config records and never
// merges them, walks every feature for every node, and is one RPC a set of nodes, so not atomic.
// Here all nodes that change are moved at once.
//
// Why records matter: _valid_features() (node_scheduler.c, 22.05.8) tests features against the
// union of a config record's nodes, and the candidates of a job are the whole record. A record with
// nodes of different slots would leak nodes over the wall; so a node that changes leaves its record
// and joins the one that equals it in everything, features included, or a new one. Records that
// have become empty are deleted and equal ones merged, or they would pile up with every change.
extern "C" {
#include "src/common/slurm_xlator.h"
#include "src/common/hostlist.h"
#include "src/common/log.h"
#include "src/common/node_conf.h"
#include "src/common/read_config.h"
#include "src/common/xmalloc.h"
#include "src/common/xstring.h"
#include "src/slurmctld/job_scheduler.h"
#include "src/slurmctld/locks.h"
#include "src/slurmctld/node_scheduler.h"
#include "src/slurmctld/read_config.h"
#include "src/slurmctld/slurmctld.h"
}

#include "tables.hpp"

#include <algorithm>
#include <ctime>
#include <string_view>
#include <unordered_set>

#include "vesc/snapshot/snapshot.hpp"

// Compiled against another layout, every field below would be another: better no build at all.
static_assert(SLURM_VERSION_NUMBER == SLURM_VERSION_NUM(22, 5, 8));
static_assert(sizeof(job_record_t) == 1048 && sizeof(node_record_t) == 472);

namespace vesc::plugin {
namespace {

constexpr std::uint32_t kFeatureMagic = 0x34dfd8b5;  // FEATURE_MAGIC of read_config.c

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

class Locked {
 public:
  explicit Locked(slurmctld_lock_t locks) : locks_(locks) { lock_slurmctld(locks_); }
  ~Locked() { unlock_slurmctld(locks_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  slurmctld_lock_t locks_;
};

constexpr slurmctld_lock_t kRead = {READ_LOCK, READ_LOCK, READ_LOCK, NO_LOCK, NO_LOCK};
constexpr slurmctld_lock_t kWrite = {READ_LOCK, WRITE_LOCK, WRITE_LOCK, WRITE_LOCK, READ_LOCK};

bool is_ours(const std::string& feature) {
  std::uint32_t tier_us = 0, slot = 0;
  return feature == snapshot::kAnywhereFeature ||
         snapshot::parse_slot_feature(feature, tier_us, slot);
}

std::vector<std::string> split(const char* features) {
  std::vector<std::string> list;
  for (const char* at = features; at != nullptr && *at != '\0';) {
    const char* comma = strchr(at, ',');
    list.emplace_back(at, comma == nullptr ? strlen(at) : static_cast<std::size_t>(comma - at));
    at = comma == nullptr ? nullptr : comma + 1;
  }
  return list;
}

// The node's other features, "anywhere", then its slots.
std::string wanted_features(const std::string& name, const char* features,
                            const SlotsOfNode& wanted) {
  std::string text;
  auto add = [&](const std::string& feature) { text += (text.empty() ? "" : ",") + feature; };
  for (const std::string& feature : split(features)) {
    if (!is_ours(feature)) add(feature);
  }
  add(snapshot::kAnywhereFeature);
  if (auto at = wanted.find(name); at != wanted.end()) {
    for (const std::string& slot : at->second) add(slot);
  }
  return text;
}

// The placeholder that holds the pool of names keeps them.
bool is_live(const node_record_t* node) {
  return node != nullptr && node->name != nullptr && !IS_NODE_FUTURE(node);
}

bool wrong_port(const node_record_t* node) {
  // 22.05.8 keeps a dynamic node's CPU count in its port during a reconfigure and leaves it there
  // (read_config.c, read_slurm_conf), so slurmctld talks to port 2 of a 2-CPU node for ever after.
  return IS_NODE_DYNAMIC_NORM(node) && node->port != slurm_conf.slurmd_port;
}

const char* text_of(const char* text) {
  return text == nullptr ? "" : text;
}

// Equal but for the nodes they hold; `features` instead of a's own.
bool equal_records(const config_record_t* a, const char* features, const config_record_t* b) {
  auto same = [](const char* x, const char* y) { return strcmp(text_of(x), text_of(y)) == 0; };
  return a->boards == b->boards && a->core_spec_cnt == b->core_spec_cnt && a->cores == b->cores &&
         a->cpu_bind == b->cpu_bind && a->cpus == b->cpus &&
         a->mem_spec_limit == b->mem_spec_limit && a->real_memory == b->real_memory &&
         a->threads == b->threads && a->tmp_disk == b->tmp_disk &&
         a->tot_sockets == b->tot_sockets && a->weight == b->weight &&
         same(a->cpu_spec_list, b->cpu_spec_list) && same(a->gres, b->gres) &&
         same(a->tres_weights_str, b->tres_weights_str) && same(features, b->feature);
}

config_record_t* duplicate(const config_record_t* from, const std::string& features) {
  config_record_t* record = create_config_record();
  record->boards = from->boards;
  record->core_spec_cnt = from->core_spec_cnt;
  record->cores = from->cores;
  record->cpu_bind = from->cpu_bind;
  record->cpu_spec_list = xstrdup(from->cpu_spec_list);
  record->cpus = from->cpus;
  record->feature = features.empty() ? nullptr : xstrdup(features.c_str());
  record->gres = xstrdup(from->gres);
  record->magic = CONFIG_MAGIC;
  record->mem_spec_limit = from->mem_spec_limit;
  record->node_bitmap = bit_alloc(node_record_count);
  record->real_memory = from->real_memory;
  record->threads = from->threads;
  record->tmp_disk = from->tmp_disk;
  record->tot_sockets = from->tot_sockets;
  record->weight = from->weight;
  if (from->tres_weights != nullptr) {
    record->tres_weights = static_cast<double*>(xcalloc(slurmctld_tres_cnt, sizeof(double)));
    memcpy(record->tres_weights, from->tres_weights, slurmctld_tres_cnt * sizeof(double));
  }
  record->tres_weights_str = xstrdup(from->tres_weights_str);
  return record;
}

int is_empty_record(void* item, void*) {
  auto* record = static_cast<config_record_t*>(item);
  return record->nodes == nullptr && record->node_bitmap != nullptr &&
                 bit_ffs(record->node_bitmap) == -1
             ? 1
             : 0;
}

class Records {
 public:
  Records() {
    ListIterator at = list_iterator_create(config_list);
    while (auto* record = static_cast<config_record_t*>(list_next(at))) records_.push_back(record);
    list_iterator_destroy(at);
    rebuild_bitmaps();
    for (config_record_t* record : records_) {
      if (record->node_bitmap == nullptr) continue;
      if (holds_future(record)) continue;
      if (config_record_t* same = find(record, text_of(record->feature)))
        merge(record, same);
      else
        by_features_.emplace(text_of(record->feature), record);
    }
  }

  void move(node_record_t* node, const std::string& features) {
    config_record_t* from = node->config_ptr;
    config_record_t* to = find(from, features.c_str());
    if (to == nullptr) {
      to = duplicate(from, features);
      by_features_.emplace(text_of(to->feature), to);
    }
    if (to == from) return;
    bit_clear(from->node_bitmap, node->index);
    bit_set(to->node_bitmap, node->index);
    node->config_ptr = to;
    touched_.insert({from, true});
    touched_.insert({to, true});
  }

  void finish() {
    for (auto [record, _] : touched_) {
      xfree(record->nodes);
      if (bit_ffs(record->node_bitmap) != -1) record->nodes = bitmap2node_name(record->node_bitmap);
    }
    if (!touched_.empty()) list_delete_all(config_list, is_empty_record, nullptr);
  }

 private:
  config_record_t* find(const config_record_t* like, const char* features) const {
    auto [at, end] = by_features_.equal_range(features);
    for (; at != end; ++at) {
      if (equal_records(like, features, at->second)) return at->second;
    }
    return nullptr;
  }

  // What the nodes say counts: indices move in a reconfigure.
  void rebuild_bitmaps() {
    for (config_record_t* record : records_) {
      if (record->node_bitmap == nullptr || bit_size(record->node_bitmap) != node_record_count) {
        FREE_NULL_BITMAP(record->node_bitmap);
        record->node_bitmap = bit_alloc(node_record_count);
      } else {
        bit_clear_all(record->node_bitmap);
      }
    }
    for (int i = 0; i < node_record_count; ++i) {
      const node_record_t* node = node_record_table_ptr[i];
      if (node != nullptr && node->config_ptr != nullptr) bit_set(node->config_ptr->node_bitmap, i);
    }
  }

  static bool holds_future(const config_record_t* record) {
    int first = static_cast<int>(bit_ffs(record->node_bitmap));
    return first >= 0 && !is_live(node_record_table_ptr[first]);
  }

  void merge(config_record_t* from, config_record_t* to) {
    for (int i = 0; i < node_record_count; ++i) {
      if (!bit_test(from->node_bitmap, i)) continue;
      bit_clear(from->node_bitmap, i);
      bit_set(to->node_bitmap, i);
      if (node_record_table_ptr[i] != nullptr) node_record_table_ptr[i]->config_ptr = to;
    }
    touched_.insert({from, true});
    touched_.insert({to, true});
  }

  std::vector<config_record_t*> records_;
  // Views into the records' own texts, which live as long as this object.
  std::unordered_multimap<std::string_view, config_record_t*> by_features_;
  std::unordered_map<config_record_t*, bool> touched_;
};

// avail_feature_list or active_feature_list by name. The lists hold the whole pool of slots, a
// thousand names and more, of which a change touches a few.
class Features {
 public:
  Features(List list, const std::unordered_set<std::string_view>& names) : list_(list) {
    if (list == nullptr) return;
    ListIterator at = list_iterator_create(list);
    while (auto* feature = static_cast<node_feature_t*>(list_next(at))) {
      if (names.contains(feature->name)) by_name_.emplace(feature->name, feature);
    }
    list_iterator_destroy(at);
  }

  void set(std::string_view name, int node, bool on) {
    if (list_ == nullptr) return;
    auto at = by_name_.find(name);
    if (at == by_name_.end()) {
      if (!on) return;
      auto* feature = static_cast<node_feature_t*>(xmalloc(sizeof(node_feature_t)));
      feature->magic = kFeatureMagic;
      feature->name = xstrdup(std::string(name).c_str());
      feature->node_bitmap = bit_alloc(node_record_count);
      list_append(list_, feature);
      at = by_name_.emplace(feature->name, feature).first;
    }
    if (on)
      bit_set(at->second->node_bitmap, node);
    else
      bit_clear(at->second->node_bitmap, node);
  }

 private:
  List list_;
  std::unordered_map<std::string_view, node_feature_t*> by_name_;
};

void set_features(node_record_t* node, const std::string& features, Features& available,
                  Features& active) {
  for (const std::string& old : split(node->features)) {
    if (!is_ours(old)) continue;
    available.set(old, node->index, false);
    active.set(old, node->index, false);
  }
  for (const std::string& name : split(features.c_str())) {
    available.set(name, node->index, true);
    active.set(name, node->index, true);
  }
  xfree(node->features);
  xfree(node->features_act);
  node->features = xstrdup(features.c_str());
  node->features_act = xstrdup(features.c_str());
}

std::vector<std::string> names_of(const char* hosts) {
  std::vector<std::string> names;
  hostlist_t list = hosts == nullptr ? nullptr : hostlist_create(hosts);
  char* name = nullptr;
  while (list != nullptr && (name = hostlist_shift(list)) != nullptr) {
    names.emplace_back(name);
    free(name);
  }
  if (list != nullptr) hostlist_destroy(list);
  return names;
}

std::uint32_t stated(std::uint32_t value, std::uint32_t otherwise) {
  return value == NO_VAL || value == 0 ? otherwise : value;
}

Request request_of(const job_record_t* job) {
  Request request;
  const struct job_details* details = job->details;
  request.nodes_min = stated(details->min_nodes, 1);
  request.nodes_max = stated(details->max_nodes, 0);
  request.tasks = stated(details->num_tasks, request.nodes_min);
  request.cpus_per_task =
      details->orig_cpus_per_task == NO_VAL16 || details->orig_cpus_per_task == 0
          ? 1
          : details->orig_cpus_per_task;
  request.nodes_wanted = names_of(details->req_nodes);
  request.nodes_excluded = names_of(details->exc_nodes);
  request.spread = (job->bit_flags & SPREAD_JOB) != 0;
  request.contiguous = details->contiguous != 0;
  request.expand = details->expanding_jobid != 0;
  request.compound =
      job->array_recs != nullptr || job->array_task_id != NO_VAL || job->het_job_id != 0;
  return request;
}

Constraint constraint_of(const job_record_t* job) {
  return {text_of(job->details->features), text_of(job->details->prefer)};
}

bool is_waiting(const job_record_t* job) {
  return IS_JOB_PENDING(job) && job->details != nullptr;
}

// One of a waiting job's two texts becomes `text`; its old one stays if slurmctld does not
// understand the new one.
bool rewrite(job_record_t* job, bool prefer, const std::string& text) {
  struct job_details* details = job->details;
  char*& written = prefer ? details->prefer : details->features;
  List& parsed = prefer ? details->prefer_list : details->feature_list;
  char* written_before = written;
  List parsed_before = parsed;
  written = text.empty() ? nullptr : xstrdup(text.c_str());
  parsed = nullptr;
  bool understood = text.empty() || build_feature_list(job, prefer) == SLURM_SUCCESS;
  if (!understood) {
    error("vesc: job %u keeps its constraint: '%s' was not understood", job->job_id, text.c_str());
    std::swap(written, written_before);
    std::swap(parsed, parsed_before);
  }
  xfree(written_before);
  FREE_NULL_LIST(parsed_before);
  set_job_features_use(details);
  return understood;
}

void free_if_stuck(job_record_t* job) {
  if (job->state_reason != FAIL_BAD_CONSTRAINTS) return;
  job->state_reason = WAIT_NO_REASON;
  xfree(job->state_desc);
  if (job->priority == 0) set_job_prio(job);
}

}  // namespace

struct Plan {
  struct Node {
    bool live = false;
    std::string name, features, wanted;
  };
  std::vector<Node> nodes;  // by index in slurmctld's table
  std::vector<Waiting> jobs;
  std::unordered_map<std::uint32_t, std::size_t> job_at;  // by id
  bool changes_anything = false;
};

void PlanDeleter::operator()(Plan* plan) const {
  delete plan;
}

namespace {

bool same_request(const Request& a, const Request& b) {
  return a.nodes_min == b.nodes_min && a.nodes_max == b.nodes_max && a.tasks == b.tasks &&
         a.cpus_per_task == b.cpus_per_task && a.nodes_wanted == b.nodes_wanted &&
         a.nodes_excluded == b.nodes_excluded;
}

std::size_t rewrite_jobs(const Plan& plan, const JobRules& rules) {
  std::size_t changed = 0;
  ListIterator at = list_iterator_create(job_list);
  while (auto* job = static_cast<job_record_t*>(list_next(at))) {
    if (!is_waiting(job)) continue;
    Constraint now = constraint_of(job);
    Request request = request_of(job);
    auto at_plan = plan.job_at.find(job->job_id);
    const Waiting* seen = at_plan == plan.job_at.end() ? nullptr : &plan.jobs[at_plan->second];
    bool planned = seen != nullptr && seen->now == now && same_request(seen->request, request);
    Constraint next = planned ? seen->wanted : rules.refresh(now, request);
    bool rewritten = false;
    if (next.features != now.features) rewritten |= rewrite(job, false, next.features);
    if (next.prefer != now.prefer) rewritten |= rewrite(job, true, next.prefer);
    if (rewritten) ++changed;
    if (parse_written(next.features)) free_if_stuck(job);
  }
  list_iterator_destroy(at);
  if (changed > 0) last_job_update = time(nullptr);
  return changed;
}

// 22.05.8 keeps a dynamic node's record over a reconfigure, counters included, and then counts
// every running job on it once more (_preserve_dynamic_nodes(), _sync_nodes_to_active_job()): after
// its jobs have ended such a node stays ALLOCATED for ever. The jobs themselves say what is right.
void mend_counters() {
  for (int i = 0; i < node_record_count; ++i) {
    node_record_t* node = node_record_table_ptr[i];
    if (!is_live(node) || !IS_NODE_DYNAMIC_NORM(node)) continue;
    node->run_job_cnt = node->comp_job_cnt = node->sus_job_cnt = node->no_share_job_cnt = 0;
  }
  ListIterator at = list_iterator_create(job_list);
  while (const auto* job = static_cast<const job_record_t*>(list_next(at))) {
    bool completing = IS_JOB_COMPLETING(job);
    bool holds = IS_JOB_RUNNING(job) || IS_JOB_SUSPENDED(job);
    const bitstr_t* nodes =
        completing && job->node_bitmap_cg != nullptr ? job->node_bitmap_cg : job->node_bitmap;
    if (nodes == nullptr || (!completing && !holds)) continue;
    for (int i = 0; i < node_record_count; ++i) {
      node_record_t* node = node_record_table_ptr[i];
      if (!is_live(node) || !IS_NODE_DYNAMIC_NORM(node) ||
          !bit_test(const_cast<bitstr_t*>(nodes), i))
        continue;
      if (completing)
        ++node->comp_job_cnt;
      else
        ++node->run_job_cnt;
      if (IS_JOB_SUSPENDED(job)) ++node->sus_job_cnt;
      if (!completing && job->details != nullptr && job->details->share_res == 0)
        ++node->no_share_job_cnt;
    }
  }
  list_iterator_destroy(at);
  for (int i = 0; i < node_record_count; ++i) {
    node_record_t* node = node_record_table_ptr[i];
    if (!is_live(node) || !IS_NODE_DYNAMIC_NORM(node) || !IS_NODE_ALLOCATED(node)) continue;
    if (node->run_job_cnt + node->comp_job_cnt + node->sus_job_cnt > 0) continue;
    node->node_state = NODE_STATE_IDLE | (node->node_state & NODE_STATE_FLAGS);
    bit_set(idle_node_bitmap, i);
  }
}

}  // namespace

bool in_slurmctld() {
  return running_in_slurmctld();
}

bool shutting_down() {
  return slurmctld_config.shutdown_time != 0;
}

bool tables_ready() {
  Locked locked(kRead);
  return node_record_table_ptr != nullptr && config_list != nullptr && job_list != nullptr &&
         avail_feature_list != nullptr && active_feature_list != nullptr;
}

std::string configuration_directory() {
  std::string path = text_of(slurm_conf.slurm_conf);
  std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "/etc/slurm" : path.substr(0, slash);
}

std::int64_t node_table_stamp() {
  return last_node_update;
}

std::unordered_map<std::string, std::uint32_t> node_cpus() {
  std::unordered_map<std::string, std::uint32_t> cpus;
  Locked locked(kRead);
  for (int i = 0; i < node_record_count; ++i) {
    const node_record_t* node = node_record_table_ptr[i];
    if (is_live(node)) cpus[node->name] = node->cpus;
  }
  return cpus;
}

PlanPointer plan_change(const SlotsOfNode& wanted, const JobRules& rules) {
  PlanPointer plan(new Plan);
  {
    Locked locked(kRead);
    plan->nodes.resize(static_cast<std::size_t>(node_record_count));
    for (int i = 0; i < node_record_count; ++i) {
      const node_record_t* node = node_record_table_ptr[i];
      if (!is_live(node)) continue;
      plan->changes_anything |= wrong_port(node) || strcmp(text_of(node->features),
                                                           text_of(node->config_ptr->feature)) != 0;
      plan->nodes[static_cast<std::size_t>(i)] = {true, node->name, text_of(node->features), ""};
    }
    ListIterator at = list_iterator_create(job_list);
    while (auto* job = static_cast<job_record_t*>(list_next(at))) {
      if (!is_waiting(job)) continue;
      // Of a job that cannot start yet and has no constraint there is nothing to do, and there may
      // be many.
      bool not_yet = job->priority == 0 || job->details->begin_time > time(nullptr);
      if (not_yet && job->details->features == nullptr && job->details->prefer == nullptr) continue;
      plan->jobs.push_back(
          {job->job_id, not_yet ? 0 : job->priority, constraint_of(job), request_of(job), {}});
    }
    list_iterator_destroy(at);
  }
  for (Plan::Node& node : plan->nodes) {
    if (!node.live) continue;
    node.wanted = wanted_features(node.name, node.features.c_str(), wanted);
    plan->changes_anything |= node.wanted != node.features;
  }
  rules.arrange(plan->jobs);
  for (std::size_t i = 0; i < plan->jobs.size(); ++i) {
    plan->job_at[plan->jobs[i].id] = i;
    plan->changes_anything |= plan->jobs[i].wanted != plan->jobs[i].now;
  }
  return plan;
}

bool changes_anything(const Plan& plan) {
  return plan.changes_anything;
}

Change change_tables(const Plan& plan, const SlotsOfNode& wanted,
                     const std::function<void()>& publish, const JobRules& rules) {
  Change change;
  Locked locked(kWrite);
  if (shutting_down()) return change;
  std::int64_t start_ns = now_ns();
  // Index -> what its features shall be, for the nodes that differ.
  std::vector<std::pair<int, std::string>> differing;
  for (int i = 0; i < node_record_count; ++i) {
    node_record_t* node = node_record_table_ptr[i];
    if (!is_live(node)) continue;
    if (wrong_port(node)) {
      node->port = static_cast<std::uint16_t>(slurm_conf.slurmd_port);
      ++change.ports;
    }
    const char* now = text_of(node->features);
    auto at = static_cast<std::size_t>(i);
    bool planned = at < plan.nodes.size() && plan.nodes[at].live &&
                   plan.nodes[at].name == node->name && plan.nodes[at].features == now;
    bool record_differs = strcmp(now, text_of(node->config_ptr->feature)) != 0;
    if (planned && !record_differs && plan.nodes[at].wanted == now) continue;
    std::string features =
        planned ? plan.nodes[at].wanted : wanted_features(node->name, now, wanted);
    if (features != now || record_differs) differing.emplace_back(i, std::move(features));
  }
  if (!differing.empty()) {
    std::vector<std::vector<std::string>> texts;
    std::unordered_set<std::string_view> names;
    for (const auto& [index, features] : differing) {
      for (const char* text : {text_of(node_record_table_ptr[index]->features), features.c_str()})
        texts.push_back(split(text));
    }
    for (const auto& text : texts) names.insert(text.begin(), text.end());
    Features available(avail_feature_list, names), active(active_feature_list, names);
    Records records;
    for (const auto& [index, features] : differing) {
      node_record_t* node = node_record_table_ptr[index];
      set_features(node, features, available, active);
      records.move(node, features);
    }
    records.finish();
    change.nodes = differing.size();
  }
  if (change.ports > 0) mend_counters();
  publish();
  change.jobs = rewrite_jobs(plan, rules);
  if (change.nodes > 0 || change.ports > 0) {
    last_node_update = time(nullptr);
    node_features_updated = true;
  }
  change.held_ns = now_ns() - start_ns;
  if (change.nodes > 0 || change.jobs > 0) queue_job_scheduler();
  return change;
}

std::string first_fault() {
  Locked locked(kRead);
  std::vector<const config_record_t*> records;
  ListIterator at = list_iterator_create(config_list);
  while (auto* record = static_cast<config_record_t*>(list_next(at))) records.push_back(record);
  list_iterator_destroy(at);
  for (int i = 0; i < node_record_count; ++i) {
    const node_record_t* node = node_record_table_ptr[i];
    if (!is_live(node)) continue;
    if (strcmp(text_of(node->features), text_of(node->config_ptr->feature)) != 0)
      return std::string("node ") + node->name + " and its config record differ in features";
    for (const config_record_t* record : records) {
      if (record->node_bitmap != nullptr &&
          (bit_test(record->node_bitmap, i) != 0) != (record == node->config_ptr))
        return std::string("node ") + node->name + " is in another config record's bitmap";
    }
  }
  for (std::size_t a = 0; a < records.size(); ++a) {
    for (std::size_t b = a + 1; b < records.size(); ++b) {
      if (records[a]->nodes != nullptr && records[b]->nodes != nullptr &&
          equal_records(records[a], text_of(records[a]->feature), records[b]))
        return std::string("config records of ") + records[a]->nodes + " and " + records[b]->nodes +
               " are equal";
    }
  }
  for (List list : {avail_feature_list, active_feature_list}) {
    std::vector<std::vector<std::string>> features_of(static_cast<std::size_t>(node_record_count));
    for (int i = 0; i < node_record_count; ++i) {
      const node_record_t* node = node_record_table_ptr[i];
      if (is_live(node))
        features_of[static_cast<std::size_t>(i)] =
            split(list == avail_feature_list ? node->features : node->features_act);
    }
    at = list_iterator_create(list);
    std::string fault;
    while (auto* feature = static_cast<node_feature_t*>(list_next(at))) {
      if (!fault.empty() || !is_ours(feature->name)) continue;
      for (int i = 0; i < node_record_count; ++i) {
        const node_record_t* node = node_record_table_ptr[i];
        if (!is_live(node)) continue;
        const auto& names = features_of[static_cast<std::size_t>(i)];
        bool has = std::find(names.begin(), names.end(), feature->name) != names.end();
        if (has != (bit_test(feature->node_bitmap, i) != 0))
          fault = std::string("feature ") + feature->name + " of node " + node->name +
                  " disagrees with its bitmap";
      }
    }
    list_iterator_destroy(at);
    if (!fault.empty()) return fault;
  }
  return "";
}

void log_line(bool is_error, const std::string& text) {
  if (is_error)
    error("vesc: %s", text.c_str());
  else
    info("vesc: %s", text.c_str());
}

}  // namespace vesc::plugin
