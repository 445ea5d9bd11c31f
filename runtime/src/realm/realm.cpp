// SPDX-License-Identifier: MIT
#include "vesc/realm/realm.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "config.hpp"
#include "keeper.hpp"
#include "vesc/base/process.hpp"
#include "vesc/wan/wan.hpp"

namespace vesc::realm {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kStateFile = "/realm.json";

struct State {
  std::vector<std::pair<std::string, ProcessId>> keepers;  // host, controller first
  bool plugins = false;
};

Result<Paths> paths_of(const std::string& wan_name) {
  auto wan = wan::load(wan_name);
  if (!wan) return wan.error();
  return Paths{wan->directory + "/realm"};
}

Result<void> write_text(const std::string& path, const std::string& text, mode_t mode = 0644,
                        uid_t uid = 0, gid_t gid = 0) {
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("cannot write " + path, errno);
  bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
              fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0;
  int error = errno;
  close(fd);
  if (!done) return system_error("cannot write " + path, error);
  return {};
}

Result<void> make_directory(const std::string& path, mode_t mode, uid_t uid = 0, gid_t gid = 0) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return Error{ErrorCode::kSystem, "cannot make " + path + ": " + error.message()};
  if (chown(path.c_str(), uid, gid) != 0 || chmod(path.c_str(), mode) != 0) {
    return system_error("cannot set the owner of " + path, errno);
  }
  return {};
}

struct SystemUser {
  uid_t uid;
  gid_t gid;
};

Result<SystemUser> system_user(const char* name) {
  const passwd* entry = getpwnam(name);
  if (entry == nullptr) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("there is no user '{}': its Debian package is missing. Run: "
                             "sudo cmake/bootstrap.sh build",
                             name)};
  }
  return SystemUser{entry->pw_uid, entry->pw_gid};
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<void> write_state(const Paths& paths, const State& state) {
  nlohmann::json json;
  json["plugins"] = state.plugins;
  for (const auto& [host, id] : state.keepers) {
    json["keepers"].push_back({{"host", host}, {"pid", id.pid}, {"start_ticks", id.start_ticks}});
  }
  std::string path = paths.root + kStateFile;
  if (auto written = write_text(path + ".new", json.dump(2) + "\n"); !written) return written;
  if (rename((path + ".new").c_str(), path.c_str()) != 0)
    return system_error("cannot rename " + path, errno);
  return {};
}

Result<State> read_state(const Paths& paths) {
  auto json = nlohmann::json::parse(read_text(paths.root + kStateFile), nullptr, false);
  if (json.is_discarded() || !json.contains("keepers")) {
    return Error{ErrorCode::kNotFound, "no realm is up here. Start one with: vesc realm up"};
  }
  State state;
  state.plugins = json.value("plugins", false);
  for (const auto& keeper : json["keepers"]) {
    state.keepers.emplace_back(
        keeper.value("host", ""),
        ProcessId{keeper.value("pid", 0), keeper.value("start_ticks", std::uint64_t{0})});
  }
  return state;
}

Result<void> write_users(const Paths& paths, gid_t slurm_gid) {
  std::string passwd_text = read_text("/etc/passwd");
  passwd_text +=
      fmt::format("vesc-schedd:x:{}:{}::/nonexistent:/usr/sbin/nologin\n", kScheddUid, slurm_gid);
  passwd_text += fmt::format("{}:x:{}:{}::/home/{}:/bin/bash\n", kResearcher, kResearcherUid,
                             kResearcherUid, kResearcher);
  std::string group_text = read_text("/etc/group");
  group_text += fmt::format("{}:x:{}:\n", kResearcher, kResearcherUid);
  if (auto done = write_text(paths.etc() + "/passwd", passwd_text); !done) return done;
  return write_text(paths.etc() + "/group", group_text);
}

Result<void> write_munge_key(const Paths& paths, const SystemUser& munge) {
  std::random_device entropy;  // /dev/urandom or the processor's own, as libstdc++ has it
  std::string key(128, '\0');
  for (char& byte : key) byte = static_cast<char>(entropy() & 0xff);
  return write_text(paths.munge_key(), key, 0400, munge.uid, munge.gid);
}

// Installs the plugins where slurmctld's user can read them, wherever the build tree is.
Result<void> copy_plugins(const std::string& from, const std::string& to) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    if (entry.path().extension() != ".so") continue;
    fs::copy_file(entry.path(), fs::path(to) / entry.path().filename(),
                  fs::copy_options::overwrite_existing, error);
    if (error) break;
  }
  if (error)
    return Error{ErrorCode::kSystem,
                 "cannot copy the plugins from " + from + ": " + error.message()};
  if (!fs::exists(to + "/job_submit_vesc.so")) {
    return Error{ErrorCode::kNotFound,
                 from + " has no job_submit_vesc.so. Build it with: sudo cmake/bootstrap.sh build"};
  }
  return {};
}

struct Users {
  SystemUser slurm;
  SystemUser munge;
};

Result<void> write_directories(const Paths& paths, const Users& users) {
  struct Item {
    std::string path;
    mode_t mode;
    uid_t uid;
    gid_t gid;
  };
  const Item items[] = {
      {paths.root, 0755, 0, 0},
      {paths.etc(), 0755, 0, 0},
      {paths.slurm_etc(), 0755, 0, 0},
      {paths.logs(), 0755, users.slurm.uid, users.slurm.gid},
      {paths.spool(), 0755, 0, 0},
      {paths.state(), 0700, users.slurm.uid, users.slurm.gid},
      {paths.plugins(), 0755, 0, 0},
      {paths.home(), 0755, 0, 0},
      {paths.home() + "/" + kResearcher, 0755, kResearcherUid, kResearcherUid},
      {paths.measured(), 0755, 0, 0},
      // schedd writes, slurmctld reads: the group is slurm's and files made here inherit it.
      {paths.published(), 02750, kScheddUid, users.slurm.gid},
  };
  for (const Item& item : items) {
    if (auto made = make_directory(item.path, item.mode, item.uid, item.gid); !made) return made;
  }
  return {};
}

Result<void> write_files(const Paths& paths, const Users& users, const wan::State& wan,
                         const Options& options) {
  bool plugins = !options.plugin_dir.empty();
  SlurmConfig config;
  config.plugins = plugins;
  config.slots_per_tier = options.slots_per_tier;
  std::string names;
  for (const auto& host : wan.hosts) {
    if (host.name == kControllerHost) {
      config.controller_address = host.address;
    } else {
      ++config.nodes;
      names += host.name + "\n";
    }
    if (auto made = make_directory(paths.spool() + "/" + host.name, 0755); !made) return made;
  }
  const std::pair<std::string, std::string> files[] = {
      {paths.slurm_etc() + "/slurm.conf", slurm_conf(paths, config) + options.more_slurm_conf},
      {paths.slurm_etc() + "/cgroup.conf", cgroup_conf()},
      {paths.slurm_etc() + "/plugstack.conf", plugstack_conf(paths, plugins)},
      {paths.slurm_etc() + "/vesc.conf", vesc_conf(paths, options.verify_tables)},
      {paths.slurm_etc() + "/mpi.env", mpi_env()},
      {paths.names(), names},
  };
  for (const auto& [path, text] : files) {
    if (auto written = write_text(path, text); !written) return written;
  }
  if (auto written = write_users(paths, users.slurm.gid); !written) return written;
  if (auto written = write_munge_key(paths, users.munge); !written) return written;
  if (plugins) return copy_plugins(options.plugin_dir, paths.plugins());
  return {};
}

KeeperPlan plan_for(const wan::Host& host, const Paths& paths, const Users& users,
                    const Options& options) {
  KeeperPlan plan;
  plan.host = host.name;
  plan.log_directory = paths.logs();
  plan.binds = {{paths.slurm_etc(), "/etc/slurm"},
                {paths.etc() + "/passwd", "/etc/passwd"},
                {paths.etc() + "/group", "/etc/group"},
                {paths.home(), "/home"}};
  plan.run_directories = {{"/run/munge", users.munge.uid}};
  plan.daemons.push_back({"munged-" + host.name,
                          {"/usr/sbin/munged", "--foreground", "--key-file=" + paths.munge_key(),
                           "--seed-file=/run/munge/seed", "--pid-file=/run/munge/munged.pid"},
                          users.munge.uid,
                          users.munge.gid,
                          "/run/munge/munge.socket.2"});
  if (host.name != kControllerHost) {
    plan.daemons.push_back(
        {"slurmd-" + host.name,
         {"/usr/sbin/slurmd", "-D", "-Z", "-N", host.name, "--conf", node_conf()},
         0,
         0,
         ""});
    return plan;
  }
  plan.daemons.push_back({"slurmctld", {"/usr/sbin/slurmctld", "-D"}, 0, 0, ""});
  if (!options.plugin_dir.empty()) {
    plan.daemons.push_back({"vesc-schedd",
                            {paths.plugins() + "/vesc-schedd", "--matrix", paths.matrix(),
                             "--names", paths.names(), "--snapshot", paths.snapshot(),
                             "--slots-per-tier", std::to_string(options.slots_per_tier)},
                            kScheddUid,
                            users.slurm.gid,
                            ""});
  }
  return plan;
}

// Node name -> state, from the controller; empty while it does not answer.
std::map<std::string, std::string> node_states(const std::string& wan_name) {
  std::map<std::string, std::string> states;
  ExecOptions as_root{kControllerHost, "root", 5};
  auto answer = capture(wan_name, {"sinfo", "-h", "-N", "-o", "%N %t"}, as_root);
  if (!answer || answer->exit_code != 0) return states;
  std::istringstream lines(answer->text);
  std::string name, state;
  while (lines >> name >> state) states[name] = state;
  return states;
}

Result<void> wait_until_ready(const Options& options, const wan::State& wan) {
  auto deadline = Clock::now() + std::chrono::duration<double>(options.ready_timeout_s);
  std::map<std::string, std::string> states;
  std::vector<std::string> waiting;
  while (Clock::now() < deadline) {
    states = node_states(options.wan);
    waiting.clear();
    for (const auto& host : wan.hosts) {
      if (host.name == kControllerHost) continue;
      if (auto at = states.find(host.name); at == states.end() || at->second != "idle") {
        waiting.push_back(host.name);
      }
    }
    if (waiting.empty()) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  bool controller = !states.empty();
  std::string log = controller && !waiting.empty() ? "slurmd-" + waiting.front() : "slurmctld";
  return Error{ErrorCode::kTimeout,
               fmt::format("the realm was not ready after {:.0f} s: {}. Last lines of {}:\n{}",
                           options.ready_timeout_s,
                           controller ? fmt::format("not idle: {}", fmt::join(waiting, ", "))
                                      : std::string("slurmctld did not answer with a node"),
                           log, log_tail(options.wan, log))};
}

// Slurm numbers dynamic nodes in the order in which they join, and stock placement goes by number.
// Started all at once, the nodes nearest to the controller would join first, and stock Slurm would
// seem to know distances: so they join one by one, in the order of the hosts, which makes a realm
// the same each time as well. Whoever is late is waited for later, with all others.
void wait_until_joined(const std::string& wan_name, const wan::Host& host) {
  if (host.name == kControllerHost) return;
  auto deadline = Clock::now() + std::chrono::seconds(5);
  while (Clock::now() < deadline && !node_states(wan_name).contains(host.name)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

Result<void> start_all(const Options& options, const wan::State& wan, const Paths& paths,
                       const Progress& progress) {
  auto slurm = system_user("slurm");
  if (!slurm) return slurm.error();
  auto munge = system_user("munge");
  if (!munge) return munge.error();
  Users users{*slurm, *munge};
  if (auto made = write_directories(paths, users); !made) return made;
  if (auto written = write_files(paths, users, wan, options); !written) return written;
  if (!options.plugin_dir.empty()) {
    std::error_code error;
    fs::copy_file(options.program_dir + "/vesc-schedd", paths.plugins() + "/vesc-schedd", error);
    if (error)
      return Error{ErrorCode::kNotFound,
                   "cannot copy vesc-schedd from " + options.program_dir + ": " + error.message()};
  }
  State state;
  state.plugins = !options.plugin_dir.empty();
  std::vector<const wan::Host*> order;
  for (const auto& host : wan.hosts) order.push_back(&host);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return (a->name == kControllerHost) > (b->name == kControllerHost);
  });
  progress(fmt::format("starting munged, slurmctld and {} slurmds", order.size() - 1));
  for (const wan::Host* host : order) {
    auto keeper = start_keeper(host->init.pid, plan_for(*host, paths, users, options));
    if (!keeper) return keeper.error();
    state.keepers.emplace_back(host->name, identify(*keeper));
    if (auto written = write_state(paths, state); !written) return written;
    wait_until_joined(options.wan, *host);
  }
  progress("waiting until every node is idle");
  return wait_until_ready(options, wan);
}

void kill_keepers(const State& state) {
  for (const auto& [host, id] : state.keepers) kill_and_wait(id);
}

Result<ProcessId> keeper_of(const std::string& wan_name, const std::string& host) {
  auto paths = paths_of(wan_name);
  if (!paths) return paths.error();
  auto state = read_state(*paths);
  if (!state) return state.error();
  for (const auto& [name, id] : state->keepers) {
    if (name != host) continue;
    if (!alive(id)) {
      return Error{
          ErrorCode::kUnavailable,
          fmt::format("the keeper of host {} is gone, and its daemons with it. Run: vesc realm "
                      "down, then vesc realm up",
                      host)};
    }
    return id;
  }
  return Error{ErrorCode::kNotFound, "the realm has no host " + host};
}

Result<SpawnOptions> spawn_options(const Paths& paths, const ExecOptions& options) {
  SpawnOptions spawn;
  spawn.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "LANG=C.UTF-8", "USER=" + options.user, "LOGNAME=" + options.user};
  std::istringstream users(read_text(paths.etc() + "/passwd"));
  std::string line;
  while (std::getline(users, line)) {
    std::array<std::string, 7> fields;
    std::istringstream parts(line);
    for (auto& field : fields) std::getline(parts, field, ':');
    if (fields[0] != options.user) continue;
    spawn.uid = static_cast<uid_t>(std::stoul(fields[2]));
    spawn.gid = static_cast<gid_t>(std::stoul(fields[3]));
    bool ordinary = options.user == kResearcher;
    spawn.directory = ordinary ? fields[5] : "/";
    spawn.environment.push_back("HOME=" + fields[5]);
    if (const char* terminal = getenv("TERM"))
      spawn.environment.push_back(std::string("TERM=") + terminal);
    return spawn;
  }
  return Error{ErrorCode::kNotFound, fmt::format("the realm has no user '{}'", options.user)};
}

}  // namespace

Result<Status> up(const Options& options, const Progress& progress) {
  auto wan = wan::load(options.wan);
  if (!wan) return wan.error();
  auto has_controller = std::any_of(wan->hosts.begin(), wan->hosts.end(),
                                    [](const auto& host) { return host.name == kControllerHost; });
  if (!has_controller) {
    return Error{
        ErrorCode::kInvalidInput,
        fmt::format("the WAN '{}' has no host '{}' for slurmctld. Start it with: vesc wan up "
                    "… --attach {}=0",
                    options.wan, kControllerHost, kControllerHost)};
  }
  Paths paths{wan->directory + "/realm"};
  if (auto state = read_state(paths); state.ok()) {
    bool lives = std::any_of(state->keepers.begin(), state->keepers.end(),
                             [](const auto& keeper) { return alive(keeper.second); });
    if (lives)
      return Error{ErrorCode::kAlreadyExists,
                   "a realm is up on this WAN already. End it with: vesc realm down"};
  }
  if (auto cleaned = down(options.wan); !cleaned) return cleaned.error();
  if (auto started = start_all(options, *wan, paths, progress); !started) {
    Error error = started.error();
    if (auto ended = down(options.wan); !ended) error.message += "; and " + ended.error().message;
    return error;
  }
  return status(options.wan);
}

Result<Status> status(const std::string& wan_name) {
  auto paths = paths_of(wan_name);
  if (!paths) return paths.error();
  auto state = read_state(*paths);
  if (!state) return state.error();
  Status result;
  result.wan = wan_name;
  result.directory = paths->root;
  result.log_directory = paths->logs();
  auto states = node_states(wan_name);
  result.controller_answers = !states.empty();
  for (const auto& [host, id] : state->keepers) {
    Node node{host, alive(id) ? id.pid : 0, ""};
    if (auto at = states.find(host); at != states.end()) node.state = at->second;
    result.nodes.push_back(node);
  }
  return result;
}

Result<void> down(const std::string& wan_name) {
  auto paths = paths_of(wan_name);
  if (!paths)
    return paths.error().code == ErrorCode::kNotFound ? Result<void>()
                                                      : Result<void>(paths.error());
  if (auto state = read_state(*paths); state.ok()) kill_keepers(*state);
  std::error_code error;
  fs::remove_all(paths->root, error);
  if (error)
    return Error{ErrorCode::kSystem, "cannot remove " + paths->root + ": " + error.message()};
  return {};
}

Result<int> exec(const std::string& wan_name, const std::vector<std::string>& argv,
                 const ExecOptions& options) {
  auto keeper = keeper_of(wan_name, options.host);
  if (!keeper) return keeper.error();
  auto paths = paths_of(wan_name);
  if (!paths) return paths.error();
  auto spawn = spawn_options(*paths, options);
  if (!spawn) return spawn.error();
  spawn->namespaces_of = keeper->pid;
  auto child = vesc::spawn(argv, *spawn);
  if (!child) return child.error();
  return wait_for(*child, options.timeout_s);
}

Result<Output> capture(const std::string& wan_name, const std::vector<std::string>& argv,
                       const ExecOptions& options) {
  auto keeper = keeper_of(wan_name, options.host);
  if (!keeper) return keeper.error();
  auto paths = paths_of(wan_name);
  if (!paths) return paths.error();
  auto spawn = spawn_options(*paths, options);
  if (!spawn) return spawn.error();
  spawn->namespaces_of = keeper->pid;
  return vesc::capture(argv, *spawn, options.timeout_s);
}

std::string measured_matrix_path(const std::string& wan_name) {
  auto paths = paths_of(wan_name);
  return paths ? paths->matrix() : "";
}

std::string snapshot_path(const std::string& wan_name) {
  auto paths = paths_of(wan_name);
  return paths ? paths->snapshot() : "";
}

std::string plugin_statistics_path(const std::string& wan_name) {
  auto paths = paths_of(wan_name);
  return paths ? paths->statistics() : "";
}

std::string researcher_home(const std::string& wan_name) {
  auto paths = paths_of(wan_name);
  return paths ? paths->home() + "/" + kResearcher : "";
}

std::string log_tail(const std::string& wan_name, const std::string& daemon, int lines) {
  auto paths = paths_of(wan_name);
  if (!paths) return "";
  std::string text;
  for (const char* suffix : {".log", ".out"}) {
    std::vector<std::string> all;
    std::istringstream file(read_text(paths->logs() + "/" + daemon + suffix));
    std::string line;
    while (std::getline(file, line)) all.push_back(line);
    std::size_t from = all.size() > static_cast<std::size_t>(lines)
                           ? all.size() - static_cast<std::size_t>(lines)
                           : 0;
    for (std::size_t i = from; i < all.size(); ++i) text += "    " + all[i] + "\n";
  }
  return text + "    (all logs: " + paths->logs() + ")";
}

}  // namespace vesc::realm
