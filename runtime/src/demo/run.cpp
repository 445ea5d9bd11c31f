// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "demo.hpp"
#include "vesc/base/duration.hpp"
#include "vesc/forming/query.hpp"
#include "vesc/realm/realm.hpp"
#include "vesc/wan/wan.hpp"

namespace vesc::demo {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr double kClientTimeoutS = 20;  // of one Slurm client command
constexpr double kJobTimeoutS = 240;    // of one run of the MPI job
constexpr double kGroupsTimeoutS = 20;  // from the measurement to slots in slurmctld

Result<std::string> client(const Options& options, const std::vector<std::string>& argv) {
  auto output = realm::capture(options.wan, argv,
                               {realm::kControllerHost, realm::kResearcher, kClientTimeoutS});
  if (!output) return output.error();
  if (output->exit_code != 0) {
    return Error{ErrorCode::kUnavailable, fmt::format("{} failed: {}", argv[0], output->errors)};
  }
  return output->text + output->errors;
}

Result<void> give_job_to_researcher(const Options& options) {
  std::string home = realm::researcher_home(options.wan);
  std::error_code error;
  auto overwrite = fs::copy_options::overwrite_existing;
  fs::copy_file(options.job_program, home + "/poisson", overwrite, error);
  if (!error) fs::copy_file(options.job_script, home + "/poisson.sbatch", overwrite, error);
  if (error)
    return Error{ErrorCode::kNotFound,
                 fmt::format("cannot copy {}: {}", options.job_program, error.message())};
  return {};
}

struct Submitted {
  int job_id = 0;
  std::string said;
};

Result<Submitted> submit(const Options& options, const std::vector<std::string>& extra) {
  std::vector<std::string> argv = {"sbatch", "-N4"};
  argv.insert(argv.end(), extra.begin(), extra.end());
  argv.push_back("poisson.sbatch");
  auto said = client(options, argv);
  if (!said) return said.error();
  std::size_t at = said->find("Submitted batch job ");
  if (at == std::string::npos) return Error{ErrorCode::kUnavailable, "sbatch said: " + *said};
  return Submitted{std::atoi(said->c_str() + at + 20), *said};
}

std::string field(const std::string& text, const std::string& key) {
  std::size_t at = text.find(" " + key + "=");
  if (at == std::string::npos) return "";
  at += key.size() + 2;
  return text.substr(at, text.find_first_of(" \n", at) - at);
}

Result<void> wait_for_job(const Options& options, int job_id) {
  auto deadline = Clock::now() + std::chrono::duration<double>(kJobTimeoutS);
  std::string state;
  while (Clock::now() < deadline) {
    auto shown = client(options, {"scontrol", "-o", "show", "job", std::to_string(job_id)});
    if (!shown) return shown.error();
    state = field(*shown, "JobState");
    if (state == "COMPLETED" || state == "COMPLETING") return {};
    if (state != "PENDING" && state != "RUNNING" && state != "CONFIGURING") {
      return Error{ErrorCode::kUnavailable,
                   fmt::format("job {} ended as {}. Last lines of slurmctld:\n{}", job_id, state,
                               realm::log_tail(options.wan, "slurmctld"))};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  return Error{ErrorCode::kTimeout,
               fmt::format("job {} was still {} after {:.0f} s. Last lines of slurmctld:\n{}",
                           job_id, state, kJobTimeoutS, realm::log_tail(options.wan, "slurmctld"))};
}

// The line of JSON among what the job printed.
Result<nlohmann::json> job_answer(const Options& options, int job_id) {
  std::string path = fmt::format("{}/poisson-{}.out", realm::researcher_home(options.wan), job_id);
  std::ifstream file(path);
  std::string line, all;
  while (std::getline(file, line)) {
    all += "    " + line + "\n";
    if (line.empty() || line.front() != '{') continue;
    auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_discarded() && json.contains("ms_per_iteration")) return json;
  }
  return Error{ErrorCode::kUnavailable, fmt::format("job {} printed no result:\n{}", job_id, all)};
}

Result<Run> read_run(const Report& report, const nlohmann::json& answer, const std::string& said) {
  if (!answer.value("ok", false)) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("the MPI job's answer is wrong: error norm {} above {}",
                             answer.value("error_norm", 0.0), answer.value("error_bound", 0.0))};
  }
  Run run;
  run.ms_per_iteration = answer.value("ms_per_iteration", 0.0);
  run.mpi_share = answer.value("mpi_share", 0.0);
  run.error_norm = answer.value("error_norm", 0.0);
  run.iterations = answer.value("iterations", 0);
  run.sbatch_said = said;
  for (const auto& name : answer.value("hosts", std::vector<std::string>())) {
    auto at = std::find(report.hosts.begin(), report.hosts.end(), name);
    if (at == report.hosts.end())
      return Error{ErrorCode::kCorrupt, "the job ran on an unknown host " + name};
    run.nodes.push_back(static_cast<std::size_t>(at - report.hosts.begin()));
  }
  std::sort(run.nodes.begin(), run.nodes.end());
  run.nodes.erase(std::unique(run.nodes.begin(), run.nodes.end()), run.nodes.end());
  if (run.nodes.size() != kJobNodes) {
    return Error{ErrorCode::kCorrupt,
                 fmt::format("the job ran on {} hosts instead of {}", run.nodes.size(), kJobNodes)};
  }
  return run;
}

Result<Run> run_job(const Options& options, const Report& report) {
  auto submitted = submit(options, {});
  if (!submitted) return submitted.error();
  if (auto done = wait_for_job(options, submitted->job_id); !done) return done.error();
  auto answer = job_answer(options, submitted->job_id);
  if (!answer) return answer.error();
  return read_run(report, *answer, submitted->said);
}

// Measures, hands the matrix to vesc-schedd, and waits until slurmctld has every slot on its nodes.
Result<void> measure_and_form(const Options& options, Report& report, const Progress& progress) {
  progress(fmt::format("measuring every pair of {} hosts", report.hosts.size()));
  auto measured = wan::ping(options.wan, report.hosts);
  if (!measured) return measured.error();
  report.measured = std::move(*measured);
  progress("forming mini-supercomputers");
  if (auto written =
          forming::write_matrix(report.measured, realm::measured_matrix_path(options.wan));
      !written)
    return written;
  auto deadline = Clock::now() + std::chrono::duration<double>(kGroupsTimeoutS);
  while (Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    auto snapshot = snapshot::read_file(realm::snapshot_path(options.wan), realm::kScheddUid);
    if (!snapshot) continue;
    auto shown = client(options, {"sinfo", "-h", "-N", "-o", "%N %f"});
    if (!shown) continue;
    bool all = true;
    for (const auto& group : snapshot->groups) {
      if (group.slot == 0) continue;
      std::string slot = snapshot::slot_feature(group.tier_us, group.slot);
      std::size_t count = 0;
      for (std::size_t at = shown->find(slot); at != std::string::npos;
           at = shown->find(slot, at + 1)) {
        std::size_t end = at + slot.size();
        if (end == shown->size() || (*shown)[end] == ',' || (*shown)[end] == '\n') ++count;
      }
      all = all && count == group.nodes.size();
    }
    if (!all || snapshot->groups.empty()) continue;
    report.groups = snapshot->groups;
    return {};
  }
  return Error{ErrorCode::kTimeout,
               fmt::format("the groups did not reach slurmctld in {:.0f} s. Last lines:\n{}\n{}",
                           kGroupsTimeoutS, realm::log_tail(options.wan, "vesc-schedd"),
                           realm::log_tail(options.wan, "slurmctld"))};
}

// A limit below what any four hosts can keep, to show how a refusal reads.
std::string refusal(const Options& options, const Report& report) {
  std::string limit =
      fmt::format("--max-rtt={}us", std::max<std::uint32_t>(250, report.optimal_diameter_us / 2));
  auto output = realm::capture(options.wan, {"sbatch", "-N4", limit, "poisson.sbatch"},
                               {realm::kControllerHost, realm::kResearcher, kClientTimeoutS});
  if (!output || output->exit_code == 0) return "";
  return "$ sbatch -N4 " + limit + " poisson.sbatch\n" + output->errors;
}

void keep_logs(const Options& options, std::uint64_t seed) {
  if (options.raw_dir.empty()) return;
  std::string to = fmt::format("{}/seed-{}", options.raw_dir, seed);
  std::error_code error;
  fs::create_directories(to, error);
  auto status = realm::status(options.wan);
  if (!status) return;
  fs::copy(status->log_directory, to + "/log",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
  fs::copy(realm::researcher_home(options.wan), to + "/home",
           fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
  fs::copy_file(realm::measured_matrix_path(options.wan), to + "/measured.matrix",
                fs::copy_options::overwrite_existing, error);
}

Result<Report> steps(const Options& options, std::uint64_t seed, const Progress& progress) {
  Report report;
  report.seed = seed;
  progress(fmt::format("drawing {} hosts of a real network, starting the WAN", options.hosts));
  wan::UpOptions wan_options;
  wan_options.name = options.wan;
  wan_options.matrix_path = options.matrix_path;
  wan_options.hosts = options.hosts;
  wan_options.seed = seed;
  wan_options.attach = {{realm::kControllerHost, 0}};
  wan_options.dies_with = getpid();  // even if nobody is left to take it down
  auto wan = wan::up(wan_options);
  if (!wan) return wan.error();
  for (const auto& host : wan->hosts) {
    if (host.name == realm::kControllerHost) continue;
    report.hosts.push_back(host.name);
    report.drawn_rows.push_back(host.matrix_row);
  }
  realm::Options realm_options;
  realm_options.wan = options.wan;
  realm_options.program_dir = options.program_dir;
  realm_options.plugin_dir = options.plugin_dir;
  if (auto up = realm::up(realm_options, progress); !up) return up.error();
  if (auto given = give_job_to_researcher(options); !given) return given.error();

  progress("the MPI job, placed as stock Slurm places it");
  auto stock_job = run_job(options, report);
  if (!stock_job) return stock_job.error();
  if (auto formed = measure_and_form(options, report, progress); !formed) return formed.error();
  forming::Query query;
  query.size = kJobNodes;
  auto best = forming::query(forming::Pairs(report.measured), query);
  if (!best) return best.error();
  report.optimal_diameter_us = best->diameter_us;
  progress("the same MPI job with VESC");
  auto vesc_job = run_job(options, report);
  if (!vesc_job) return vesc_job.error();
  report.stock = *stock_job;
  report.vesc = *vesc_job;
  for (Run* run : {&report.stock, &report.vesc}) {
    for (std::size_t a : run->nodes) {
      for (std::size_t b : run->nodes) {
        if (a != b) run->diameter_us = std::max(run->diameter_us, report.measured.pair_us(a, b));
      }
    }
  }
  report.refused_said = refusal(options, report);
  keep_logs(options, seed);
  return report;
}

}  // namespace

Result<Report> run(const Options& options, std::uint64_t seed, const Progress& progress) {
  auto report = steps(options, seed, progress);
  if (!report.ok()) keep_logs(options, seed);
  progress("taking the realm and the WAN down");
  auto ended = wan::down(options.wan);
  if (!report) return report;
  if (!ended) return ended.error();
  return report;
}

}  // namespace vesc::demo
