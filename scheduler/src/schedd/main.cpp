// SPDX-License-Identifier: MIT
//
// vesc-schedd: forms groups from a measured matrix and publishes the snapshot that the Slurm
// plugins read. Watches the matrix file; publishes again when it changes, and every `interval` with
// the same groups and a new time, so that a snapshot that has grown old means that this daemon
// died.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "slots.hpp"
#include "vesc/base/version.hpp"
#include "vesc/forming/matrix.hpp"
#include "vesc/forming/partition.hpp"
#include "vesc/forming/tiers.hpp"

namespace vesc::schedd {
namespace {

constexpr int kPollMs = 200;

struct Options {
  std::string matrix, names, snapshot;
  std::uint32_t slots_per_tier = 8;
  bool once = false;
  double interval_s = 60;
};

struct FileIdentity {
  ino_t inode = 0;
  std::int64_t changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

std::optional<FileIdentity> identity(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return FileIdentity{info.st_ino, info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec};
}

Result<std::vector<std::string>> read_names(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::kNotFound, "cannot read the names in " + path};
  std::vector<std::string> names;
  std::string name;
  while (file >> name) names.push_back(name);
  return names;
}

Result<snapshot::Snapshot> form(const Options& options, const snapshot::Snapshot& previous) {
  auto matrix = forming::read_matrix(options.matrix);
  if (!matrix) return matrix.error();
  auto names = read_names(options.names);
  if (!names) return names.error();
  if (names->size() != matrix->size()) {
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} has {} names and {} has {} rows: they must be as many",
                             options.names, names->size(), options.matrix, matrix->size())};
  }
  auto tiers = forming::tier_ladder_us(matrix->largest_pair_us());
  return next_snapshot(previous, *names, tiers, forming::partition_ladder(forming::Pairs(*matrix), tiers),
                       options.slots_per_tier);
}

class Publisher {
 public:
  explicit Publisher(const Options& options) : options_(options) {
    auto before = snapshot::read_file(options.snapshot, geteuid());
    if (before) current_ = std::move(*before);
  }

  Result<void> form_and_publish() {
    auto formed = form(options_, current_);
    if (!formed) return formed.error();
    current_ = std::move(*formed);
    valid_ = true;
    auto done = write();
    if (done)
      spdlog::info("published {}: {} nodes, {} groups in {} tiers", current_.sequence,
                   current_.nodes.size(), current_.groups.size(), current_.tiers_us.size());
    return done;
  }

  Result<void> publish_again() {
    if (!valid_) return {};
    ++current_.sequence;
    return write();
  }

 private:
  Result<void> write() {
    current_.published_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count();
    return snapshot::write_file(current_, options_.snapshot);
  }

  const Options& options_;
  snapshot::Snapshot current_;
  bool valid_ = false;
};

int serve(const Options& options, Publisher& publisher) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  pollfd end{signalfd(-1, &signals, SFD_CLOEXEC), POLLIN, 0};
  std::optional<FileIdentity> seen;
  auto published = std::chrono::steady_clock::now();
  spdlog::info("vesc-schedd {} ({}) watches {}", version(), git_revision(), options.matrix);
  for (;;) {
    auto now = identity(options.matrix);
    bool changed = now && now != seen;
    bool due = std::chrono::steady_clock::now() - published >
               std::chrono::duration<double>(options.interval_s);
    if (changed || due) {
      auto done = changed ? publisher.form_and_publish() : publisher.publish_again();
      if (!done) spdlog::error("{}; the former snapshot stays", done.error().message);
      published = std::chrono::steady_clock::now();
      if (changed) seen = now;
    }
    if (poll(&end, 1, kPollMs) > 0) {
      spdlog::info("ended by a signal");
      return 0;
    }
  }
}

}  // namespace
}  // namespace vesc::schedd

int main(int argc, char** argv) {
  vesc::schedd::Options options;
  CLI::App app(
      "Forms mini-supercomputers from measured round-trip times and publishes them for Slurm.");
  app.set_version_flag("--version",
                       fmt::format("vesc-schedd {} ({})", vesc::version(), vesc::git_revision()));
  app.add_option("--matrix", options.matrix, "the measured matrix (milliseconds)")->required();
  app.add_option("--names", options.names, "the Slurm name of each row, one a line")->required();
  app.add_option("--snapshot", options.snapshot, "the file to publish")->required();
  app.add_option("--slots-per-tier", options.slots_per_tier,
                 "size of each tier's pool of slots, as in slurm.conf")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_flag("--once", options.once, "publish once and end");
  app.add_option("--interval", options.interval_s,
                 "seconds after which an unchanged snapshot is published again")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.footer(
      "Example:\n  vesc-schedd --matrix rtt.matrix --names names --snapshot /var/lib/vesc/snapshot "
      "--once\n\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage or input.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_st("schedd"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  vesc::schedd::Publisher publisher(options);
  if (!options.once) return vesc::schedd::serve(options, publisher);
  auto done = publisher.form_and_publish();
  if (done) return 0;
  fmt::print(stderr, "vesc-schedd: {}\n", done.error().message);
  return vesc::exit_code(done.error().code);
}
