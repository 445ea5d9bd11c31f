// SPDX-License-Identifier: MIT
//
// vesc demo. The work is done by a child process; this one only waits, so that Ctrl-C at any
// moment, or the child's death, ends in the same clean-up.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <memory>

#include <fmt/format.h>

#include "../demo/demo.hpp"
#include "commands.hpp"
#include "paths.hpp"
#include "progress.hpp"
#include "vesc/realm/realm.hpp"
#include "vesc/wan/wan.hpp"

namespace vesc::cli {
namespace {

struct DemoArguments {
  std::uint64_t seed = 1;
  std::string seeds;
  std::string json_path;
  std::string raw_dir;
  std::string picture_path = "vesc-demo.svg";
  std::string matrix_path;
};

constexpr std::uint64_t kSeedsMax = 100;

Result<std::vector<std::uint64_t>> seeds_of(const DemoArguments& arguments) {
  if (arguments.seeds.empty()) return std::vector<std::uint64_t>{arguments.seed};
  const std::string& text = arguments.seeds;
  std::uint64_t first = 0, last = 0;
  const char* end = text.data() + text.size();
  auto [dash, bad_first] = std::from_chars(text.data(), end, first);
  bool good = bad_first == std::errc() && dash != end && *dash == '-';
  if (good) {
    auto [rest, bad_last] = std::from_chars(dash + 1, end, last);
    good = bad_last == std::errc() && rest == end && first <= last && last - first < kSeedsMax;
  }
  if (!good) {
    return Error{
        ErrorCode::kInvalidInput,
        fmt::format("'{}' is not a range of at most {} seeds. Write, for example, --seeds 1-5",
                    text, kSeedsMax)};
  }
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = first; seed <= last; ++seed) seeds.push_back(seed);
  return seeds;
}

Result<void> write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return Error{ErrorCode::kSystem, "cannot write " + path};
  return {};
}

std::string numbered(const std::string& path, std::uint64_t seed) {
  std::filesystem::path parts(path);
  return (parts.parent_path() /
          fmt::format("{}-seed-{}{}", parts.stem().string(), seed, parts.extension().string()))
      .string();
}

Result<int> work(const DemoArguments& arguments, const std::vector<std::uint64_t>& seeds,
                 const std::string& wan) {
  demo::Options options;
  options.wan = wan;
  options.program_dir = program_directory();
  options.plugin_dir = plugin_directory();
  options.matrix_path = arguments.matrix_path.empty() ? share_directory() + "/planetlab490.xz"
                                                      : arguments.matrix_path;
  options.job_program = program_directory() + "/jobs/poisson";
  options.job_script = share_directory() + "/poisson.sbatch";
  options.raw_dir = arguments.raw_dir;
  std::vector<demo::Report> reports;
  for (std::uint64_t seed : seeds) {
    fmt::print(stderr, "seed {}\n", seed);
    ProgressLines progress;
    auto report = demo::run(options, seed, [&](const std::string& step) { progress.step(step); });
    if (!report) {
      progress.failed();
      return report.error();
    }
    progress.done();
    std::string path =
        seeds.size() == 1 ? arguments.picture_path : numbered(arguments.picture_path, seed);
    if (auto written = write_file(path, demo::picture(*report)); !written) return written.error();
    if (!report->refused_said.empty()) {
      fmt::print("\na limit that no group can keep is refused at submission:\n{}",
                 report->refused_said);
    }
    fmt::print("\npicture: {}\n", path);
    std::fflush(stdout);
    reports.push_back(std::move(*report));
  }
  fmt::print("{}", demo::table(reports));
  if (!arguments.json_path.empty()) {
    if (auto written = write_file(arguments.json_path, demo::json(reports)); !written)
      return written.error();
  }
  return 0;
}

// Runs `work` in a child and takes the WAN down whatever became of it.
Result<int> guarded(const DemoArguments& arguments, const std::vector<std::uint64_t>& seeds) {
  std::string wan = fmt::format("demo-{}", getpid());
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  pid_t child = fork();
  if (child < 0) return system_error("cannot fork", errno);
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    auto done = work(arguments, seeds, wan);
    if (!done) fmt::print(stderr, "vesc: {}\n", done.error().message);
    std::fflush(nullptr);
    _exit(done ? *done : exit_code(done.error().code));
  }
  int interrupted = 0;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    int number = sigwaitinfo(&signals, nullptr);
    if (number < 0 || number == SIGCHLD) continue;
    interrupted = number;
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    break;
  }
  if (auto ended = wan::down(wan); !ended) return ended.error();
  sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  if (interrupted != 0) {
    fmt::print(stderr, "\nvesc: interrupted; the realm and the WAN are taken down\n");
    return 128 + interrupted;
  }
  if (WIFSIGNALED(status)) {
    return Error{
        ErrorCode::kSystem,
        fmt::format("the demo was ended by signal {}; the realm and the WAN are taken down",
                    WTERMSIG(status))};
  }
  return WEXITSTATUS(status);
}

}  // namespace

void add_demo_command(CLI::App& app) {
  auto arguments = std::make_shared<DemoArguments>();
  auto* demo =
      app.add_subcommand("demo", "scattered hosts become mini-supercomputers and run an MPI job");
  auto* seed = demo->add_option("--seed", arguments->seed, "which 16 hosts are drawn")
                   ->capture_default_str();
  demo->add_option("--seeds", arguments->seeds, "several runs, one after another: FIRST-LAST")
      ->excludes(seed);
  demo->add_option("--json", arguments->json_path, "write the figures to this file");
  demo->add_option("--raw", arguments->raw_dir,
                   "keep the logs the figures come from in this directory");
  demo->add_option("--picture", arguments->picture_path, "where the SVG picture goes")
      ->capture_default_str();
  demo->add_option("--matrix", arguments->matrix_path,
                   "draw the hosts from this matrix instead of PlanetLab's");
  demo->footer(
      "Examples:\n  sudo vesc demo\n  sudo vesc demo --seeds 1-5 --json out.json --raw logs\n\n"
      "Exit codes: 0 done and every answer right; 1 a step failed or an answer is wrong;\n"
      "2 wrong usage; 130 interrupted (nothing is left behind).");
  run(demo, [arguments]() -> Result<int> {
    if (geteuid() != 0) {
      return Error{ErrorCode::kPermission,
                   "the demo makes network namespaces and needs root. Run: sudo vesc demo"};
    }
    auto seeds = seeds_of(*arguments);
    if (!seeds) return seeds.error();
    return guarded(*arguments, *seeds);
  });
}

}  // namespace vesc::cli
