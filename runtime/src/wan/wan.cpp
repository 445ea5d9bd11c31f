// SPDX-License-Identifier: MIT
#include "vesc/wan/wan.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "host.hpp"
#include "links.hpp"
#include "relay.hpp"

namespace vesc::wan {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kAttachedRttUs = 200;
constexpr std::size_t kNameBytesMax = 40;

std::string state_root() {
  const char* set = getenv("VESC_STATE_DIR");
  return set != nullptr && *set == '/' ? set : "/run/vesc";
}

Result<std::string> directory_of(const std::string& name) {
  auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (name.empty() || name.size() > kNameBytesMax || !std::all_of(name.begin(), name.end(), good)) {
    return Error{
        ErrorCode::kInvalidInput,
        fmt::format("'{}' is not a name for a WAN: use a-z, 0-9 and '-', at most {} of them", name,
                    kNameBytesMax)};
  }
  return state_root() + "/" + name;
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<void> write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return system_error("cannot write " + path, errno);
  return {};
}

nlohmann::json process_json(const ProcessId& id) {
  return {{"pid", id.pid}, {"start_ticks", id.start_ticks}};
}

ProcessId process_from(const nlohmann::json& json) {
  return {json.value("pid", 0), json.value("start_ticks", std::uint64_t{0})};
}

std::string boot_id() {
  return read_text("/proc/sys/kernel/random/boot_id");
}

Result<void> write_state(const State& state) {
  nlohmann::json json = {
      {"name", state.name}, {"boot_id", boot_id()}, {"relay", process_json(state.relay)}};
  for (const Host& host : state.hosts) {
    json["hosts"].push_back({{"name", host.name},
                             {"address", host.address},
                             {"matrix_row", host.matrix_row},
                             {"init", process_json(host.init)}});
  }
  std::string path = state.directory + "/state.json";
  if (auto written = write_text(path + ".new", json.dump(2) + "\n"); !written) return written;
  if (rename((path + ".new").c_str(), path.c_str()) != 0)
    return system_error("cannot rename " + path, errno);
  return {};
}

// What the file says, whether or not it still lives. kNotFound if there is no (readable) file.
Result<State> read_state(const std::string& name) {
  auto directory = directory_of(name);
  if (!directory) return directory.error();
  auto json = nlohmann::json::parse(read_text(*directory + "/state.json"), nullptr, false);
  if (json.is_discarded() || !json.is_object() || json.value("boot_id", "") != boot_id()) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("there is no WAN '{}'. Start one with: vesc wan up --matrix FILE{}",
                             name, name == "default" ? "" : " --name " + name)};
  }
  State state;
  state.name = name;
  state.directory = *directory;
  state.relay = process_from(json.value("relay", nlohmann::json::object()));
  for (const auto& item : json.value("hosts", nlohmann::json::array())) {
    state.hosts.push_back({item.value("name", ""), item.value("address", ""),
                           item.value("matrix_row", std::size_t{0}),
                           process_from(item.value("init", nlohmann::json::object()))});
  }
  return state;
}

struct Plan {
  State state;
  forming::RttMatrix rtts;  // of the hosts, attached ones included
};

Result<std::vector<std::size_t>> rows_of(const UpOptions& options, std::size_t total) {
  if (!options.pick.empty()) {
    for (std::size_t row : options.pick) {
      if (row >= total)
        return Error{ErrorCode::kInvalidInput,
                     fmt::format("--pick: there is no row {}; {} has rows 0 to {}", row,
                                 options.matrix_path, total - 1)};
    }
    return options.pick;
  }
  if (options.hosts > total)
    return Error{ErrorCode::kInvalidInput, fmt::format("--hosts {}: {} has only {} rows",
                                                       options.hosts, options.matrix_path, total)};
  if (options.hosts > 0) return draw_hosts(total, options.hosts, options.seed);
  std::vector<std::size_t> all(total);
  for (std::size_t i = 0; i < total; ++i) all[i] = i;
  return all;
}

Result<Plan> make_plan(const UpOptions& options) {
  auto matrix = forming::read_matrix(options.matrix_path);
  if (!matrix) return matrix.error();
  auto rows = rows_of(options, matrix->size());
  if (!rows) return rows.error();
  std::vector<std::size_t> all_rows = *rows;
  Plan plan;
  auto directory = directory_of(options.name);
  if (!directory) return directory.error();
  plan.state.name = options.name;
  plan.state.directory = *directory;
  for (std::size_t i = 0; i < rows->size(); ++i)
    plan.state.hosts.push_back({fmt::format("h{}", i), address_of(i), (*rows)[i], {}});
  for (const auto& [name, beside] : options.attach) {
    if (beside >= rows->size())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("--attach {}={}: there is no host {}", name, beside, beside)};
    all_rows.push_back((*rows)[beside]);
    plan.state.hosts.push_back({name, address_of(plan.state.hosts.size()), (*rows)[beside], {}});
  }
  if (all_rows.size() > kHostsMax)
    return Error{ErrorCode::kLimit,
                 fmt::format("{} hosts; at most {} fit one machine. Use --hosts N --seed S",
                             all_rows.size(), kHostsMax)};
  plan.rtts = matrix->submatrix(all_rows);
  // Two hosts on one row of the matrix are neighbours.
  for (std::size_t a = 0; a < all_rows.size(); ++a) {
    for (std::size_t b = 0; b < all_rows.size(); ++b) {
      if (a != b && all_rows[a] == all_rows[b]) plan.rtts.set_directed_us(a, b, kAttachedRttUs);
    }
  }
  return plan;
}

std::string random_hex(std::size_t digits) {
  std::random_device entropy;
  std::string text;
  while (text.size() < digits) text += fmt::format("{:08x}", entropy());
  return text.substr(0, digits);
}

Result<void> write_host_files(const State& state) {
  std::string hosts = "127.0.0.1 localhost\n";
  for (const Host& host : state.hosts) hosts += host.address + " " + host.name + "\n";
  if (auto written = write_text(state.directory + "/hosts", hosts); !written) return written;
  for (const Host& host : state.hosts) {
    std::string directory = state.directory + "/host/" + host.name;
    std::error_code error;
    fs::create_directories(directory, error);
    std::string id = random_hex(32);
    std::string dashed = fmt::format("{}-{}-{}-{}-{}\n", id.substr(0, 8), id.substr(8, 4),
                                     id.substr(12, 4), id.substr(16, 4), id.substr(20));
    for (const auto& [file, text] :
         {std::pair{"hostname", host.name + "\n"}, std::pair{"boot_id", dashed},
          std::pair{"machine_id", id + "\n"}}) {
      if (auto written = write_text(directory + "/" + file, text); !written) return written;
    }
  }
  return {};
}

Result<int> listen_on(const std::string& path) {
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return Error{ErrorCode::kLimit, path + " is too long for a socket"};
  std::memcpy(address.sun_path, path.c_str(), path.size());
  mode_t before = umask(0177);
  bool done =
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 && listen(fd, 16) == 0;
  umask(before);
  if (!done) return system_error("cannot listen on " + path, errno);
  return fd;
}

// The relay's main: never returns. Reports "" or an error on report_fd.
[[noreturn]] void relay_main(Plan plan, const UpOptions& options, int report_fd) {
  prctl(PR_SET_NAME, "vesc-relay");
  setsid();
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  auto give_up = [&](const std::string& message) {
    [[maybe_unused]] ssize_t written = write(report_fd, message.c_str(), message.size());
    _exit(1);  // the hosts die with this process
  };
  RelayPlan relay;
  relay.seed = options.seed;
  if (options.dies_with != 0) {
    relay.end_fd = static_cast<int>(syscall(SYS_pidfd_open, options.dies_with, 0));
    if (relay.end_fd < 0) give_up("the process that the WAN shall die with is gone");
  }
  if (auto written = write_host_files(plan.state); !written) give_up(written.error().message);
  for (Host& host : plan.state.hosts) {
    auto init =
        start_host({host.name, host.address, plan.state.directory, plan.state.directory + "/hosts",
                    plan.state.directory + "/host/" + host.name});
    if (!init) give_up(init.error().message);
    host.init = identify(*init);
    auto device = open_device(*init, host.address);
    if (!device) give_up(device.error().message);
    relay.devices.push_back(*device);
    relay.names.push_back(host.name);
  }
  auto control = listen_on(plan.state.directory + "/control");
  if (!control) give_up(control.error().message);
  relay.control_fd = *control;
  plan.state.relay = identify(getpid());
  if (auto written = write_state(plan.state); !written) give_up(written.error().message);
  Links links(plan.rtts, options.jitter_ms, options.loss, options.mbit_per_s);
  int log = open((plan.state.directory + "/relay.log").c_str(),
                 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, 0);
  dup2(log, 1);
  dup2(log, 2);
  close(report_fd);
  Error end = run_relay(relay, links);
  fmt::print(stderr, "relay ends: {}\n", end.message);
  _exit(1);
}

Result<nlohmann::json> ask_relay(const std::string& name, const nlohmann::json& command) {
  auto state = load(name);
  if (!state) return state.error();
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = state->directory + "/control";
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size(), sizeof(address.sun_path) - 1));
  timeval limit{5, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  std::string text = command.dump() + "\n";
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 ||
      send(fd, text.data(), text.size(), MSG_NOSIGNAL) < 0) {
    int error = errno;
    close(fd);
    return system_error(fmt::format("the relay of WAN '{}' does not answer (root only)", name),
                        error);
  }
  std::string answer;
  std::array<char, 65536> buffer{};
  ssize_t got = 0;
  while ((got = recv(fd, buffer.data(), buffer.size(), 0)) > 0)
    answer.append(buffer.data(), static_cast<std::size_t>(got));
  close(fd);
  auto json = nlohmann::json::parse(answer, nullptr, false);
  if (json.is_discarded())
    return Error{ErrorCode::kTimeout, fmt::format("the relay of WAN '{}' did not answer", name)};
  if (json.contains("error")) return Error{ErrorCode::kInvalidInput, json.value("error", "")};
  return json;
}

}  // namespace

std::vector<std::size_t> draw_hosts(std::size_t total, std::size_t count, std::uint64_t seed) {
  assert(count <= total);
  std::mt19937_64 random(seed);
  std::vector<std::size_t> rows(total);
  for (std::size_t i = 0; i < total; ++i) rows[i] = i;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t range = total - i;
    std::uint64_t unbiased_below = ~std::uint64_t{0} - ~std::uint64_t{0} % range;
    std::uint64_t drawn = random();
    while (drawn >= unbiased_below) drawn = random();
    std::swap(rows[i], rows[i + drawn % range]);
  }
  rows.resize(count);
  return rows;
}

Result<State> load(const std::string& name) {
  auto state = read_state(name);
  if (!state) return state;
  if (!alive(state->relay)) {
    return Error{ErrorCode::kUnavailable,
                 fmt::format("the relay of WAN '{}' is gone, and its hosts with it. Clean up with: "
                             "vesc wan down --name {}",
                             name, name)};
  }
  return state;
}

std::vector<std::string> list() {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(state_root(), error)) {
    if (fs::exists(entry.path() / "state.json")) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<State> up(const UpOptions& options) {
  if (geteuid() != 0)
    return Error{ErrorCode::kPermission,
                 "a virtual WAN needs root, to make namespaces. Run it with sudo"};
  auto plan = make_plan(options);
  if (!plan) return plan.error();
  if (load(options.name).ok()) {
    return Error{ErrorCode::kAlreadyExists,
                 fmt::format("WAN '{}' is up already. End it with: vesc wan down --name {}",
                             options.name, options.name)};
  }
  if (auto cleaned = down(options.name); !cleaned) return cleaned.error();
  std::error_code error;
  fs::create_directories(plan->state.directory, error);
  if (error)
    return Error{ErrorCode::kSystem,
                 "cannot make " + plan->state.directory + ": " + error.message()};
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  pid_t between = fork();
  if (between < 0) return system_error("cannot fork", errno);
  if (between == 0) {
    if (fork() == 0) relay_main(std::move(*plan), options, report[1]);
    _exit(0);
  }
  close(report[1]);
  waitpid(between, nullptr, 0);
  std::string problem;
  std::array<char, 1024> text{};
  ssize_t got = 0;
  while ((got = read(report[0], text.data(), text.size())) > 0)
    problem.append(text.data(), static_cast<std::size_t>(got));
  close(report[0]);
  if (problem.empty()) {
    auto state = load(options.name);
    if (state) return state;
    problem = "the relay ended while it started";
  }
  fs::remove_all(plan->state.directory, error);
  return Error{ErrorCode::kSystem, "the WAN cannot start: " + problem};
}

Result<void> down(const std::string& name) {
  auto directory = directory_of(name);
  if (!directory) return directory.error();
  if (auto state = read_state(name); state.ok()) {
    kill_and_wait(state->relay);
    for (const Host& host : state->hosts) kill_and_wait(host.init);
  }
  std::error_code error;
  fs::remove_all(*directory, error);
  if (error)
    return Error{ErrorCode::kSystem, "cannot remove " + *directory + ": " + error.message()};
  return {};
}

Result<void> change_link(const std::string& name, const LinkChange& change) {
  const char* kind = change.kind == LinkChange::Kind::kCut       ? "cut"
                     : change.kind == LinkChange::Kind::kRestore ? "restore"
                     : change.kind == LinkChange::Kind::kScale   ? "scale"
                                                                 : "rtt";
  auto answer = ask_relay(name, {{"command", "link"},
                                 {"from", change.from},
                                 {"to", change.to},
                                 {"both_ways", change.both_ways},
                                 {"kind", kind},
                                 {"value", change.value}});
  if (!answer) return answer.error();
  return {};
}

Result<RelayStatistics> statistics(const std::string& name) {
  auto answer = ask_relay(name, {{"command", "statistics"}});
  if (!answer) return answer.error();
  return RelayStatistics{answer->value("packets", std::uint64_t{0}),
                         answer->value("dropped", std::uint64_t{0}),
                         answer->value("late_us_p50", 0.0), answer->value("late_us_p99", 0.0)};
}

Result<forming::RttMatrix> promised_rtts(const std::string& name,
                                         const std::vector<std::string>& hosts) {
  auto state = load(name);
  if (!state) return state.error();
  auto answer = ask_relay(name, {{"command", "delays"}});
  if (!answer) return answer.error();
  auto delays = answer->value("delays_ns", std::vector<std::vector<std::int64_t>>());
  std::vector<std::size_t> index;
  for (const std::string& host : hosts) {
    auto at = std::find_if(state->hosts.begin(), state->hosts.end(),
                           [&](const Host& other) { return other.name == host; });
    if (at == state->hosts.end())
      return Error{ErrorCode::kNotFound, fmt::format("there is no host '{}'", host)};
    index.push_back(static_cast<std::size_t>(at - state->hosts.begin()));
  }
  forming::RttMatrix matrix(hosts.size());
  for (std::size_t a = 0; a < hosts.size(); ++a) {
    for (std::size_t b = 0; b < hosts.size(); ++b) {
      std::int64_t there = delays[index[a]][index[b]], back = delays[index[b]][index[a]];
      if (a == b)
        matrix.set_directed_us(a, b, 0);
      else if (there >= 0 && back >= 0)
        matrix.set_directed_us(a, b, static_cast<std::uint32_t>((there + back) / 1000));
    }
  }
  return matrix;
}

}  // namespace vesc::wan
