// SPDX-License-Identifier: MIT
//
// vesc wan up|exec|ping|slow|cut|restore|list|status|down.
#include <algorithm>
#include <charconv>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "vesc/base/duration.hpp"
#include "vesc/wan/wan.hpp"

namespace vesc::cli {
namespace {

struct WanArguments {
  wan::UpOptions up;
  std::string pick;
  std::vector<std::string> attach;
  std::string host;
  std::vector<std::string> command;
  int count = 5;
  std::string out;
  wan::LinkChange link;
  double by = 0, to_ms = 0;
  bool one_way = false;
  bool json = false;
};
using Shared = std::shared_ptr<WanArguments>;

Result<std::size_t> number(const std::string& text, const char* what) {
  std::size_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return Error{ErrorCode::kInvalidInput, fmt::format("{}: '{}' is not a number", what, text)};
  return value;
}

Result<void> read_lists(WanArguments& arguments) {
  std::istringstream words(arguments.pick);
  for (std::string word; std::getline(words, word, ',');) {
    auto row = number(word, "--pick");
    if (!row) return row.error();
    arguments.up.pick.push_back(*row);
  }
  for (const std::string& item : arguments.attach) {
    std::size_t equals = item.find('=');
    auto beside =
        number(equals == std::string::npos ? "" : item.substr(equals + 1), "--attach NAME=HOST");
    if (!beside) return beside.error();
    arguments.up.attach.emplace_back(item.substr(0, equals), *beside);
  }
  return {};
}

void print_state(const wan::State& state, bool json) {
  if (json) {
    nlohmann::json out = {
        {"name", state.name}, {"directory", state.directory}, {"relay_pid", state.relay.pid}};
    for (const auto& host : state.hosts)
      out["hosts"].push_back({{"name", host.name},
                              {"address", host.address},
                              {"matrix_row", host.matrix_row},
                              {"init_pid", host.init.pid}});
    if (auto statistics = wan::statistics(state.name)) {
      out["relay"] = {{"packets", statistics->packets},
                      {"dropped", statistics->dropped},
                      {"late_us_p50", statistics->late_us_p50},
                      {"late_us_p99", statistics->late_us_p99}};
    }
    fmt::print("{}\n", out.dump(2));
    return;
  }
  fmt::print("WAN '{}': {} hosts, relay {}\n", state.name, state.hosts.size(), state.relay.pid);
  for (const auto& host : state.hosts)
    fmt::print("  {:<8} {:<14} row {}\n", host.name, host.address, host.matrix_row);
  if (auto statistics = wan::statistics(state.name); statistics && statistics->packets > 0) {
    fmt::print("{} packets carried, {} dropped; late by {:.0f} us (median), {:.0f} us (p99)\n",
               statistics->packets, statistics->dropped, statistics->late_us_p50,
               statistics->late_us_p99);
  }
}

void add_name(CLI::App* command, const Shared& arguments) {
  command->add_option("--name", arguments->up.name, "which WAN")->capture_default_str();
}

void add_up(CLI::App* group, const Shared& arguments) {
  auto* up = group->add_subcommand("up", "start a virtual WAN from a latency matrix");
  add_name(up, arguments);
  auto& options = arguments->up;
  up->add_option("--matrix", options.matrix_path,
                 "round-trip times in ms, a row a host (.xz and .gz too)")
      ->required();
  auto* hosts = up->add_option("--hosts", options.hosts, "draw so many rows of it");
  up->add_option("--seed", options.seed, "which rows are drawn")->capture_default_str();
  up->add_option("--pick", arguments->pick, "take exactly these rows: i,j,...")->excludes(hosts);
  up->add_option("--attach", arguments->attach, "NAME=I: an extra host beside host I");
  up->add_option("--jitter-ms", options.jitter_ms, "each packet up to this much later")
      ->check(CLI::Range(0.0, 10000.0));
  up->add_option("--loss", options.loss, "share of packets lost, 0 to 1")
      ->check(CLI::Range(0.0, 1.0));
  up->add_option("--mbit", options.mbit_per_s, "bandwidth of each ordered pair, Mbit/s (0: no cap)")
      ->check(CLI::Range(0.0, 1e6));
  up->add_flag("--json", arguments->json, "print the hosts as JSON");
  up->footer(
      "Examples:\n  vesc wan up --matrix planetlab490.xz --hosts 16 --seed 1 --attach ctl=0\n"
      "  vesc wan up --name lossy --matrix rtt.txt --loss 0.001 --jitter-ms 2");
  run(up, [arguments]() -> Result<int> {
    if (auto lists = read_lists(*arguments); !lists) return lists.error();
    auto state = wan::up(arguments->up);
    if (!state) return state.error();
    print_state(*state, arguments->json);
    return 0;
  });
}

void add_exec(CLI::App* group, const Shared& arguments) {
  auto* exec = group->add_subcommand("exec", "run a command on a host, as root");
  add_name(exec, arguments);
  exec->add_option("host", arguments->host, "on which host")->required();
  exec->add_option("command", arguments->command, "what to run, after --")->required();
  exec->footer("Example:\n  vesc wan exec h3 -- ip addr");
  run(exec, [arguments]() -> Result<int> {
    auto state = wan::load(arguments->up.name);
    if (!state) return state.error();
    auto host = std::find_if(state->hosts.begin(), state->hosts.end(),
                             [&](const auto& item) { return item.name == arguments->host; });
    if (host == state->hosts.end())
      return Error{ErrorCode::kNotFound,
                   fmt::format("there is no host '{}' on WAN '{}'", arguments->host, state->name)};
    SpawnOptions options;
    options.namespaces_of = host->init.pid;
    auto child = spawn(arguments->command, options);
    if (!child) return child.error();
    return wait_for(*child);
  });
}

nlohmann::json ms_or_null(std::uint32_t us) {
  if (us == forming::kUnknownRttUs) return nullptr;
  return us / 1000.0;
}

Result<int> measure(const WanArguments& arguments) {
  auto state = wan::load(arguments.up.name);
  if (!state) return state.error();
  std::vector<std::string> hosts;
  for (const auto& host : state->hosts) {
    if (host.name.starts_with('h')) hosts.push_back(host.name);
  }
  auto asked = wan::promised_rtts(state->name, hosts);
  if (!asked) return asked.error();
  auto measured = wan::ping(state->name, hosts, arguments.count);
  if (!measured) return measured.error();
  std::size_t off = 0, unanswered = 0, pairs = 0;
  double worst_ms = 0;
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t a = 0; a < hosts.size(); ++a) {
    for (std::size_t b = 0; b < hosts.size(); ++b) {
      if (a == b) continue;
      ++pairs;
      std::uint32_t want = asked->directed_us(a, b), got = measured->directed_us(a, b);
      bool known = want != forming::kUnknownRttUs && got != forming::kUnknownRttUs;
      double error_ms = known ? (static_cast<double>(got) - want) / 1000 : 0;
      worst_ms = std::max(worst_ms, std::abs(error_ms));
      if (!known)
        ++unanswered;
      else if (std::abs(error_ms) > std::max(0.5, want * 0.02 / 1000))
        ++off;
      if (arguments.json)
        rows.push_back({{"from", hosts[a]},
                        {"to", hosts[b]},
                        {"asked_ms", ms_or_null(want)},
                        {"measured_ms", ms_or_null(got)}});
      else if (hosts.size() <= 16 && a < b)
        fmt::print("  {:<4} {:<4} asked {:>9}  measured {:>9}  error {:+.3f} ms\n", hosts[a],
                   hosts[b], want == forming::kUnknownRttUs ? "cut" : format_rtt_ms(want),
                   got == forming::kUnknownRttUs ? "-" : format_rtt_ms(got), error_ms);
    }
  }
  if (arguments.json)
    fmt::print("{}\n", nlohmann::json({{"pairs", rows},
                                       {"off", off},
                                       {"unanswered", unanswered},
                                       {"largest_error_ms", worst_ms}})
                           .dump(2));
  else
    fmt::print(
        "{} ordered pairs: {} off by more than max(0.5 ms, 2 %), {} unanswered; largest error "
        "{:.3f} ms\n",
        pairs, off, unanswered, worst_ms);
  if (!arguments.out.empty()) {
    auto written = forming::write_matrix(
        *measured, arguments.out,
        fmt::format("measured round trips, ms, of WAN '{}': median of {} echoes", state->name,
                    arguments.count));
    if (!written) return written.error();
  }
  return off == 0 ? 0 : 1;
}

void add_link_commands(CLI::App* group, const Shared& arguments) {
  auto add = [&](const char* name, const char* what) {
    auto* command = group->add_subcommand(name, what);
    add_name(command, arguments);
    command->add_option("a", arguments->link.from, "a host")->required();
    command->add_option("b", arguments->link.to, "another host")->required();
    command->add_flag("--one-way", arguments->one_way, "only from the first to the second");
    return command;
  };
  auto finish = [](const Shared& shared) -> Result<int> {
    shared->link.both_ways = !shared->one_way;
    auto done = wan::change_link(shared->up.name, shared->link);
    if (!done) return done.error();
    return 0;
  };
  auto* slow = add("slow", "give a link another delay");
  auto* by = slow->add_option("--by", arguments->by, "factor on the matrix's delay")
                 ->check(CLI::Range(0.0, 1e6));
  slow->add_option("--to", arguments->to_ms, "round trip in ms")
      ->check(CLI::Range(0.0, 60000.0))
      ->excludes(by);
  slow->footer("Examples:\n  vesc wan slow h1 h2 --by 3\n  vesc wan slow h1 h2 --to 250");
  run(slow, [arguments, finish]() -> Result<int> {
    if (arguments->by == 0 && arguments->to_ms == 0)
      return Error{ErrorCode::kInvalidInput, "how slow? Give --by FACTOR or --to MS"};
    bool scaled = arguments->by > 0;
    arguments->link.kind = scaled ? wan::LinkChange::Kind::kScale : wan::LinkChange::Kind::kSetRtt;
    arguments->link.value = scaled ? arguments->by : arguments->to_ms;
    return finish(arguments);
  });
  auto* cut = add("cut", "lose every packet between two hosts");
  run(cut, [arguments, finish]() -> Result<int> {
    arguments->link.kind = wan::LinkChange::Kind::kCut;
    return finish(arguments);
  });
  auto* restore = add("restore", "back to the matrix");
  run(restore, [arguments, finish]() -> Result<int> {
    arguments->link.kind = wan::LinkChange::Kind::kRestore;
    return finish(arguments);
  });
}

}  // namespace

void add_wan_commands(CLI::App& app) {
  auto* group = app.add_subcommand("wan", "a virtual wide-area network on this machine (root)");
  group->require_subcommand(1);
  auto arguments = std::make_shared<WanArguments>();
  add_up(group, arguments);
  add_exec(group, arguments);
  add_link_commands(group, arguments);

  auto* ping = group->add_subcommand("ping", "measure every ordered pair of hosts");
  add_name(ping, arguments);
  ping->add_option("--count", arguments->count, "echoes a pair; the median counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  ping->add_option("--out", arguments->out, "write the measured matrix to this file");
  ping->add_flag("--json", arguments->json, "print every pair as JSON");
  ping->footer(
      "Exit code 1 if a pair is off by more than max(0.5 ms, 2 %).\nExample:\n  vesc wan ping "
      "--out measured.matrix");
  run(ping, [arguments] { return measure(*arguments); });

  auto* list = group->add_subcommand("list", "the WANs of this machine");
  run(list, []() -> Result<int> {
    for (const std::string& name : wan::list())
      fmt::print("{}{}\n", name,
                 wan::load(name).ok()
                     ? ""
                     : "  (its relay is gone; clean up with: vesc wan down --name " + name + ")");
    return 0;
  });
  auto* status = group->add_subcommand("status", "hosts, and how punctual the relay is");
  add_name(status, arguments);
  status->add_flag("--json", arguments->json, "print it as JSON");
  run(status, [arguments]() -> Result<int> {
    auto state = wan::load(arguments->up.name);
    if (!state) return state.error();
    print_state(*state, arguments->json);
    return 0;
  });
  auto* down = group->add_subcommand("down", "end a WAN and everything on it");
  add_name(down, arguments);
  run(down, [arguments]() -> Result<int> {
    auto done = wan::down(arguments->up.name);
    if (!done) return done.error();
    return 0;
  });
}

}  // namespace vesc::cli
