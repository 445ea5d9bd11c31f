// SPDX-License-Identifier: GPL-2.0-or-later
//
// The worker thread: follows configuration and snapshot, keeps slurmctld's tables and the view in
// step, writes statistics. No Slurm headers; what it does to slurmctld goes through tables.hpp.
#include "shared.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>
#include <tuple>

#include <fmt/format.h>

#include "durations.hpp"
#include "settings.hpp"
#include "tables.hpp"
#include "vesc/snapshot/snapshot.hpp"

namespace vesc::plugin {
namespace {

using Clock = std::chrono::steady_clock;

struct FileIdentity {
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0, size = -1;
  bool operator==(const FileIdentity&) const = default;
};

FileIdentity identity(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_ino, info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec, info.st_size};
}

std::int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class Worker {
 public:
  Worker() {
    auto first = std::make_shared<View>();
    first->why_not = "the plugin has not read a snapshot yet";
    view_ = first;
  }

  void start() {
    std::lock_guard guard(users_mutex_);
    if (++users_ == 1 && in_slurmctld()) {
      stop_ = false;
      thread_ = std::thread([this] { run(); });
    }
  }

  void stop() {
    std::lock_guard guard(users_mutex_);
    if (--users_ > 0 || !thread_.joinable()) return;
    {
      std::lock_guard wake(mutex_);
      stop_ = true;
    }
    woken_.notify_all();
    thread_.join();
  }

  std::shared_ptr<const View> view() const { return std::atomic_load(&view_); }
  Durations submissions;

 private:
  void run() {
    pthread_setname_np(pthread_self(), "vesc-worker");
    while (!stopped()) {
      try {
        tick();
      } catch (const std::exception& problem) {
        say_once(true, fmt::format("the worker failed and goes on: {}", problem.what()));
      }
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, std::chrono::milliseconds(settings_.poll_ms), [this] { return stop_; });
    }
  }

  bool stopped() {
    std::lock_guard guard(mutex_);
    return stop_ || shutting_down();
  }

  void tick() {
    if (!tables_ready()) return;
    read_settings();
    bool fresh = read_snapshot();
    std::string why_not = problem_.empty() ? staleness() : problem_;
    bool usable = why_not.empty();
    bool changed = fresh || usable != view()->usable || settings_changed_;
    std::int64_t stamp = node_table_stamp();
    // A stale or missing snapshot takes no slots away: running and waiting jobs keep theirs.
    // Jobs come and go without a stamp to see it by.
    bool due = Clock::now() - arranged_ >= std::chrono::seconds(1);
    if (changed || due || stamp != stamp_) {
      arranged_ = Clock::now();
      auto next = build_view(why_not);
      apply(next, changed || !same_decisions(*next, *view()));
      // The change itself touches the table's stamp, which has a grain of one second.
      stamp_ = stamp == std::time(nullptr) ? stamp - 1 : stamp;
    }
    if (usable)
      say_once(false,
               fmt::format("groups of snapshot {} and later are in force", snapshot_.sequence),
               "in force");
    else
      say_once(true,
               fmt::format("--max-rtt is refused, other jobs run as in stock Slurm: {}", why_not),
               why_not.substr(0, 24));
    settings_changed_ = false;
    write_statistics();
  }

  void read_settings() {
    std::string path = configuration_directory() + "/vesc.conf";
    FileIdentity now = identity(path);
    if (now == settings_seen_) return;
    settings_seen_ = now;
    settings_changed_ = true;
    try {
      settings_ = plugin::read_settings(path);
    } catch (const std::exception& problem) {
      log_line(true, fmt::format("{} cannot be used ({}); the former settings stay", path,
                                 problem.what()));
    }
  }

  // True if a new snapshot was taken over.
  bool read_snapshot() {
    FileIdentity now = identity(settings_.snapshot);
    if (now == seen_ && now.size >= 0 && !settings_changed_) return false;
    if (now.size < 0 && seen_ == now && !settings_changed_) return false;
    seen_ = now;
    auto read = snapshot::read_file(settings_.snapshot, settings_.snapshot_owner);
    if (!read) {
      problem_ = read.error().message;
      return false;
    }
    problem_.clear();
    bool same_groups = read->sequence != 0 && same(*read, snapshot_);
    snapshot_ = std::move(*read);
    if (same_groups) return false;
    wanted_.clear();
    for (const auto& group : snapshot_.groups) {
      if (group.slot == 0) continue;
      std::string slot = snapshot::slot_feature(group.tier_us, group.slot);
      for (std::uint32_t node : group.nodes) wanted_[snapshot_.nodes[node].name].push_back(slot);
    }
    return true;
  }

  static bool same(const snapshot::Snapshot& a, const snapshot::Snapshot& b) {
    auto equal_nodes = [](const auto& x, const auto& y) { return x.name == y.name; };
    auto equal_groups = [](const auto& x, const auto& y) {
      return std::tie(x.id, x.tier_us, x.slot, x.nodes) ==
             std::tie(y.id, y.tier_us, y.slot, y.nodes);
    };
    return a.tiers_us == b.tiers_us && std::ranges::equal(a.nodes, b.nodes, equal_nodes) &&
           std::ranges::equal(a.groups, b.groups, equal_groups);
  }

  std::string staleness() const {
    std::int64_t age_s = (unix_ms() - snapshot_.published_unix_ms) / 1000;
    if (age_s <= settings_.stale_after_s) return "";
    return fmt::format(
        "the snapshot is stale: {} s old, and at most {} s are allowed. Is vesc-schedd running?",
        age_s, settings_.stale_after_s);
  }

  std::shared_ptr<const View> build_view(const std::string& why_not) const {
    auto view = std::make_shared<View>(make_view(snapshot_, node_cpus()));
    view->usable = why_not.empty();
    view->why_not = why_not;
    view->tightest_by_default = settings_.tightest_by_default;
    view->alternatives_max = settings_.alternatives_max;
    view->preferred_max = settings_.preferred_max;
    return view;
  }

  // Makes slurmctld's tables and the view that job_submit sees change together.
  void apply(const std::shared_ptr<const View>& next, bool view_changed) {
    auto publish = [&] { std::atomic_store(&view_, next); };
    // Without a view to trust a waiting job keeps what it has.
    JobRules rules{[&](std::vector<Waiting>& jobs) {
                     if (next->usable) return arrange(*next, jobs);
                     for (Waiting& job : jobs) job.wanted = job.now;
                   },
                   [&](const Constraint& now, const Request& request) {
                     return next->usable ? refreshed(*next, now, request) : now;
                   }};
    PlanPointer plan = plan_change(wanted_, rules);
    if (!view_changed && !changes_anything(*plan)) return;
    Change change = change_tables(*plan, wanted_, publish, rules);
    if (change.nodes + change.jobs + change.ports == 0) return;
    holds_.add(change.held_ns);
    if (change.nodes + change.ports == 0) return;
    ++changes_;
    log_line(false, fmt::format("snapshot {}: features of {} nodes and {} waiting jobs changed, {} "
                                "ports mended; write locks held {:.3f} ms",
                                next->sequence, change.nodes, change.jobs, change.ports,
                                static_cast<double>(change.held_ns) / 1e6));
    if (settings_.verify_tables) verify();
  }

  void verify() {
    std::string fault = first_fault();
    ++verified_;
    if (fault.empty()) return;
    ++faults_;
    log_line(true, "slurmctld's tables are wrong after a change: " + fault);
  }

  // One line a change of state, not one a tick.
  void say_once(bool is_error, const std::string& text, const std::string& state = "failed") {
    if (state == said_) return;
    said_ = state;
    log_line(is_error, text);
  }

  void write_statistics() {
    if (settings_.statistics.empty() || Clock::now() - written_ < std::chrono::seconds(1)) return;
    written_ = Clock::now();
    std::string partial = settings_.statistics + ".partial";
    std::ofstream file(partial);
    file << fmt::format(
        "{{\"job_submit\":{{\"calls\":{},\"us_p50\":{:.2f},\"us_p99\":{:.2f},\"us_max\":{:.2f}}},"
        "\"lock_hold\":{{\"changes\":{},\"us_p50\":{:.2f},\"us_p99\":{:.2f},\"us_max\":{:.2f}}},"
        "\"tables\":{{\"verified\":{},\"faults\":{}}},"
        "\"snapshot\":{{\"sequence\":{},\"usable\":{}}}}}\n",
        submissions.count(), submissions.quantile_us(0.5), submissions.quantile_us(0.99),
        submissions.largest_us(), changes_, holds_.quantile_us(0.5), holds_.quantile_us(0.99),
        holds_.largest_us(), verified_, faults_, snapshot_.sequence, view()->usable);
    file.close();
    if (file) rename(partial.c_str(), settings_.statistics.c_str());
  }

  std::mutex users_mutex_;
  int users_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool stop_ = false;

  std::shared_ptr<const View> view_;  // atomic_load / atomic_store only

  // The rest belongs to the thread.
  Settings settings_;
  FileIdentity settings_seen_{1, 1, -2}, seen_{1, 1, -2};
  bool settings_changed_ = true;
  snapshot::Snapshot snapshot_;
  std::string problem_ = "no snapshot was read yet";
  SlotsOfNode wanted_;
  std::int64_t stamp_ = -1;
  std::string said_;
  std::uint64_t changes_ = 0, verified_ = 0, faults_ = 0;
  Durations holds_;
  Clock::time_point written_, arranged_;
};

// Never destroyed: no destructor may run after slurmctld closed the plugin.
Worker& worker() {
  static auto* instance = new Worker;
  return *instance;
}

}  // namespace

void start_worker() noexcept {
  try {
    worker().start();
  } catch (const std::exception& problem) {
    log_line(true, fmt::format("the worker thread cannot start: {}", problem.what()));
  }
}

void stop_worker() noexcept {
  try {
    worker().stop();
  } catch (...) {
    log_line(true, "the worker thread did not end");
  }
}

std::shared_ptr<const View> current_view() noexcept {
  return worker().view();
}

void count_submission(std::int64_t ns) noexcept {
  worker().submissions.add(ns);
}

}  // namespace vesc::plugin
