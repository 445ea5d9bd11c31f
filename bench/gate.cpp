// SPDX-License-Identifier: GPL-2.0-or-later
//
// vesc-bench-gate: what the plugins cost slurmctld, measured on real daemons. Two realms stand side
// by side, one stock and one with the plugins, and take turns, so that the machine's noise meets
// both. Figures from inside slurmctld are those the plugins keep themselves.
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "vesc/base/version.hpp"
#include "vesc/forming/tiers.hpp"
#include "vesc/realm/realm.hpp"
#include "vesc/snapshot/snapshot.hpp"
#include "vesc/wan/wan.hpp"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using vesc::Error;
using vesc::ErrorCode;
using vesc::Result;

struct Options {
  std::string json, raw;
  int rounds = 10;
  int per_round = 500;
  int limited = 5000;  // further submissions with --max-rtt, on the side with the plugins
  int waiting = 500;
  int changes = 200;
  std::string submit_as;  // child mode: "default" or a limit
  int submit_count = 0;
};

constexpr int kManyNodes = 2000, kManyGroups = 200;

// Child mode, inside a realm as its researcher: submits jobs of tomorrow through libslurm, prints the
// rate.
int submit(const Options& options) {
  slurm_init(nullptr);
  std::string limit = "VESC_MAX_RTT=" + options.submit_as;
  char* spank[] = {limit.data()};
  char path[] = "PATH=/usr/bin:/bin";
  char* environment[] = {path};
  char script[] = "#!/bin/sh\ntrue\n", name[] = "bench", directory[] = "/tmp",
       output[] = "/dev/null";
  auto start = Clock::now();
  for (int i = 0; i < options.submit_count; ++i) {
    job_desc_msg_t job;
    slurm_init_job_desc_msg(&job);
    job.script = script;
    job.name = name;
    job.work_dir = directory;
    job.std_out = output;
    job.min_nodes = 2;
    job.num_tasks = 2;
    job.user_id = getuid();
    job.group_id = getgid();
    job.environment = environment;
    job.env_size = 1;
    job.begin_time = time(nullptr) + 86400;  // waits: only the submission is measured
    if (options.submit_as != "default") {
      job.spank_job_env = spank;
      job.spank_job_env_size = 1;
    }
    submit_response_msg_t* response = nullptr;
    if (slurm_submit_batch_job(&job, &response) != SLURM_SUCCESS) {
      std::fprintf(stderr, "submission %d: %s\n", i, slurm_strerror(slurm_get_errno()));
      return 1;
    }
    slurm_free_submit_response_response_msg(response);
  }
  std::chrono::duration<double> took = Clock::now() - start;
  std::printf("%.3f\n", options.submit_count / took.count());
  return 0;
}

class Side {
 public:
  Side(std::string wan, bool plugins) : wan_(std::move(wan)), plugins_(plugins) {}
  ~Side() {
    if (auto ended = vesc::wan::down(wan_); !ended)
      fmt::print(stderr, "{}\n", ended.error().message);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  const std::string& wan() const { return wan_; }

  Result<void> up(const std::string& matrix, const fs::path& programs) {
    vesc::wan::UpOptions wan;
    wan.name = wan_;
    wan.matrix_path = matrix;
    wan.attach = {{vesc::realm::kControllerHost, 0}};
    wan.dies_with = getpid();
    if (auto state = vesc::wan::up(wan); !state) return state.error();
    vesc::realm::Options realm;
    realm.wan = wan_;
    realm.program_dir = programs;
    realm.slots_per_tier = 64;
    realm.verify_tables = false;
    if (plugins_) realm.plugin_dir = programs.parent_path() / "lib" / "slurm";
    // Nodes that never start but are in every table, on both sides alike.
    realm.more_slurm_conf = fmt::format(
        "NodeName=n[1-{}] CPUs=2 State=CLOUD\nPartitionName=many Nodes=n[1-{}] "
        "State=DOWN\nMaxNodeCount={}\n",
        kManyNodes, kManyNodes, kManyNodes + 64);
    if (auto up = vesc::realm::up(realm, [](const std::string&) {}); !up) return up.error();
    fs::copy_file(programs / "vesc-bench-gate", vesc::realm::researcher_home(wan_) + "/gate");
    return {};
  }

  Result<double> rate(const std::string& as, int count) {
    auto output = run({"./gate", "--submit-as", as, "--submit-count", std::to_string(count)},
                      vesc::realm::kResearcher, 300);
    if (!output) return output.error();
    return std::atof(output->c_str());
  }

  Result<std::string> run(const std::vector<std::string>& argv, const char* user,
                          double timeout_s) {
    auto output = vesc::realm::capture(wan_, argv, {vesc::realm::kControllerHost, user, timeout_s});
    if (!output) return output.error();
    if (output->exit_code != 0)
      return Error{ErrorCode::kUnavailable, argv[0] + ": " + output->errors + "\n" +
                                                vesc::realm::log_tail(wan_, "slurmctld")};
    return output->text;
  }

  void keep_logs(const std::string& raw) const {
    if (raw.empty()) return;
    std::error_code error;
    fs::create_directories(raw, error);
    auto status = vesc::realm::status(wan_);
    std::string to = raw + (plugins_ ? "/plugins" : "/stock");
    if (status)
      fs::copy(status->log_directory, to,
               fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
    if (plugins_)
      fs::copy_file(vesc::realm::plugin_statistics_path(wan_), raw + "/statistics.json",
                    fs::copy_options::overwrite_existing, error);
  }

 private:
  std::string wan_;
  bool plugins_;
};

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

nlohmann::json statistics(const Side& side) {
  std::ifstream file(vesc::realm::plugin_statistics_path(side.wan()));
  std::stringstream text;
  text << file.rdbuf();
  return nlohmann::json::parse(text.str(), nullptr, false);
}

// 200 groups of ten in one tier and 20 of a hundred in the next; from change to change 1 % of the
// nodes are in another group. The snapshot is written by the same library that vesc-schedd uses.
Result<void> publish(const Side& side, int change) {
  vesc::snapshot::Snapshot snapshot;
  snapshot.sequence = static_cast<std::uint64_t>(1000 + change);
  snapshot.published_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count();
  snapshot.slots_per_tier = 64;
  for (std::size_t tier = 0; tier < 8; ++tier)
    snapshot.tiers_us.push_back(vesc::forming::tier_limit_us(tier));
  std::vector<std::vector<std::uint32_t>> groups(kManyGroups);
  for (int node = 0; node < kManyNodes; ++node) {
    snapshot.nodes.push_back({fmt::format("n{}", node + 1)});
    bool moved = node % 100 == change % 100;
    groups[static_cast<std::size_t>((node / 10 + (moved ? 1 : 0)) % kManyGroups)].push_back(
        static_cast<std::uint32_t>(node));
  }
  // A pool holds 64 slots a tier: the groups are spread over four tiers.
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::sort(groups[g].begin(), groups[g].end());
    std::uint32_t tier_us = vesc::forming::tier_limit_us(g / 50);
    snapshot.groups.push_back(
        {g + 1, tier_us, tier_us, static_cast<std::uint32_t>(g % 50 + 1), groups[g]});
  }
  std::string path = vesc::realm::snapshot_path(side.wan());
  if (auto written = vesc::snapshot::write_file(snapshot, path); !written) return written.error();
  // slurmctld's user reads it through the directory's group, as with vesc-schedd.
  return {};
}

Result<double> mean_cycle_us(Side& side, const std::string& section) {
  auto text = side.run({"sdiag"}, "root", 20);
  if (!text) return text.error();
  std::size_t at = text->find(section);
  at = at == std::string::npos ? at : text->find("Mean cycle:", at);
  if (at == std::string::npos)
    return Error{ErrorCode::kUnavailable, "sdiag shows no cycle of " + section};
  return std::atof(text->c_str() + at + std::strlen("Mean cycle:"));
}

// All nodes busy, `waiting` jobs of two nodes behind; the mean of the passes of 20 s.
Result<std::pair<double, double>> passes(Side& side, int waiting) {
  if (auto done = side.run({"scancel", "-u", vesc::realm::kResearcher}, "root", 120); !done)
    return done.error();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  if (auto done = side.run({"sbatch", "-N4", "--exclusive", "-o/dev/null", "--wrap", "sleep 600"},
                           vesc::realm::kResearcher, 20);
      !done)
    return done.error();
  std::this_thread::sleep_for(std::chrono::seconds(4));
  if (auto done = side.run({"sh", "-c",
                            fmt::format("i=0; while [ $i -lt {} ]; do sbatch -N2 --exclusive "
                                        "-o/dev/null --wrap true || exit 1; i=$((i+1)); done",
                                        waiting)},
                           vesc::realm::kResearcher, 200);
      !done)
    return done.error();
  if (auto done = side.run({"sdiag", "-r"}, "root", 20); !done) return done.error();
  std::this_thread::sleep_for(std::chrono::seconds(20));
  auto main = mean_cycle_us(side, "Main schedule");
  if (!main) return main.error();
  auto backfill = mean_cycle_us(side, "Backfilling stats");
  if (!backfill) return backfill.error();
  return std::pair{*main, *backfill};
}

// vesc-schedd publishes the realm's own groups again.
Result<void> restore(const Side& side) {
  std::string path = vesc::realm::measured_matrix_path(side.wan());
  std::error_code error;
  fs::last_write_time(path, fs::file_time_type::clock::now(), error);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  if (error) return vesc::system_error("cannot touch " + path, error.value());
  return {};
}

Result<nlohmann::json> measure(const Options& options) {
  fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
  std::string id = std::to_string(getpid());
  std::string matrix = "/tmp/vesc-bench-gate-" + id;
  std::ofstream(matrix) << "0 1 1 1\n1 0 1 1\n1 1 0 1\n1 1 1 0\n";
  Side stock("gate-stock-" + id, false), ours("gate-vesc-" + id, true);
  for (Side* side : {&stock, &ours}) {
    fmt::print(stderr, "starting {}\n", side->wan());
    if (auto up = side->up(matrix, programs); !up) return up.error();
  }
  fs::copy_file(matrix, vesc::realm::measured_matrix_path(ours.wan()));
  fs::remove(matrix);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  nlohmann::json out = {{"version", fmt::format("{} ({})", vesc::version(), vesc::git_revision())}};
  fmt::print(stderr, "scheduling passes with {} waiting jobs\n", options.waiting);
  auto a = passes(stock, options.waiting);
  if (!a) return a.error();
  auto b = passes(ours, options.waiting);
  if (!b) return b.error();
  out["pass_main_us"] = {{"stock", a->first}, {"vesc", b->first}};
  out["pass_backfill_us"] = {{"stock", a->second}, {"vesc", b->second}};
  out["pass_ratio_main"] = b->first / a->first;
  out["pass_ratio_backfill"] = b->second / a->second;
  fmt::print(stderr, "{} changes of groups of {} nodes, {} jobs waiting\n", options.changes,
             kManyNodes, options.waiting);
  if (auto stopped = ours.run({"pkill", "-STOP", "vesc-schedd"}, "root", 10); !stopped)
    return stopped.error();
  for (int change = 0; change < options.changes; ++change) {
    if (auto published = publish(ours, change); !published) return published.error();
    std::string path = vesc::realm::snapshot_path(ours.wan());
    if (chown(path.c_str(), vesc::realm::kScheddUid, static_cast<gid_t>(-1)) != 0)
      return vesc::system_error("cannot hand over " + path, errno);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  std::this_thread::sleep_for(std::chrono::seconds(2));
  auto figures = statistics(ours);
  out["lock_changes"] = figures["lock_hold"]["changes"];
  out["lock_hold_ms_p50"] = figures["lock_hold"]["us_p50"].get<double>() / 1000;
  out["lock_hold_ms_p99"] = figures["lock_hold"]["us_p99"].get<double>() / 1000;
  if (auto stopped = ours.run({"pkill", "-CONT", "vesc-schedd"}, "root", 10); !stopped)
    return stopped.error();
  if (auto back = restore(ours); !back) return back.error();
  for (Side* side : {&stock, &ours}) {
    if (auto done = side->run({"scancel", "-u", vesc::realm::kResearcher}, "root", 120); !done)
      return done.error();
  }
  std::vector<double> ratios;
  for (int round = 0; round < options.rounds; ++round) {
    fmt::print(stderr, "submissions, round {} of {}\n", round + 1, options.rounds);
    double rates[2] = {};
    for (int turn = 0; turn < 2; ++turn) {
      int which = (turn + round) % 2;
      auto rate = (which == 0 ? stock : ours).rate("default", options.per_round);
      if (!rate) return rate.error();
      rates[which] = *rate;
    }
    out["rounds"].push_back({{"stock_per_s", rates[0]}, {"vesc_per_s", rates[1]}});
    ratios.push_back(rates[1] / rates[0]);
  }
  out["sbatch_rate_ratio"] = quantile(ratios, 0.5);
  out["sbatch_rate_ratio_range"] = {quantile(ratios, 0), quantile(ratios, 1)};
  fmt::print(stderr, "{} submissions with --max-rtt\n", options.limited);
  if (auto rate = ours.rate("10ms", options.limited); !rate) return rate.error();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  figures = statistics(ours);
  if (figures.is_discarded())
    return Error{ErrorCode::kUnavailable, "the plugins wrote no statistics"};
  out["job_submit_calls"] = figures["job_submit"]["calls"];
  out["job_submit_us_p50"] = figures["job_submit"]["us_p50"];
  out["job_submit_us_p99"] = figures["job_submit"]["us_p99"];
  for (Side* side : {&stock, &ours}) side->keep_logs(options.raw);
  return out;
}

void print(const nlohmann::json& out) {
  auto row = [](const std::string& what, double reached, const std::string& goal) {
    fmt::print("{:<58} {:>10.3f}   goal {}\n", what, reached, goal);
  };
  row("job_submit inside slurmctld, p50, us", out["job_submit_us_p50"], "-");
  row("job_submit inside slurmctld, p99, us", out["job_submit_us_p99"], "<= 200");
  row("submissions a second, plugins / stock, median", out["sbatch_rate_ratio"], ">= 0.95");
  row("a main scheduling pass, plugins / stock", out["pass_ratio_main"], "<= 1.3");
  row("a backfill pass, plugins / stock", out["pass_ratio_backfill"], "<= 1.3");
  row("write locks for a change, 2,000 nodes, 500 jobs, p50, ms", out["lock_hold_ms_p50"], "-");
  row("write locks for a change, 2,000 nodes, 500 jobs, p99, ms", out["lock_hold_ms_p99"],
      "2 (aim)");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("What the VESC plugins cost slurmctld, beside stock Slurm.");
  app.add_option("--json", options.json, "write the figures to this file");
  app.add_option("--raw", options.raw, "keep the daemons' logs in this directory");
  app.add_option("--rounds", options.rounds, "rounds of submissions, the sides taking turns")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--per-round", options.per_round, "submissions a round and side")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--limited", options.limited, "further submissions with --max-rtt")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--waiting", options.waiting, "waiting jobs in a pass")
      ->capture_default_str()
      ->check(CLI::Range(1, 5000));
  app.add_option("--changes", options.changes, "changes of groups")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--submit-as", options.submit_as)->group("");
  app.add_option("--submit-count", options.submit_count)->group("");
  app.footer("Needs root. Example:\n  sudo vesc-bench-gate --json gate.json --raw logs");
  CLI11_PARSE(app, argc, argv);
  if (!options.submit_as.empty()) return submit(options);
  auto out = measure(options);
  if (!out) {
    fmt::print(stderr, "vesc-bench-gate: {}\n", out.error().message);
    return vesc::exit_code(out.error().code);
  }
  print(*out);
  if (!options.json.empty()) std::ofstream(options.json) << out->dump(2) << "\n";
  return 0;
}
