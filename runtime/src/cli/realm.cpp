// SPDX-License-Identifier: MIT
//
// vesc realm up|status|exec|measure|down.
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "paths.hpp"
#include "progress.hpp"
#include "vesc/realm/realm.hpp"

namespace vesc::cli {
namespace {

void print_status(const realm::Status& status, bool json) {
  if (json) {
    nlohmann::json out = {{"wan", status.wan},
                          {"directory", status.directory},
                          {"logs", status.log_directory},
                          {"controller_answers", status.controller_answers},
                          {"hosts", nlohmann::json::array()}};
    for (const auto& node : status.nodes) {
      out["hosts"].push_back(
          {{"host", node.name}, {"keeper_pid", node.keeper_pid}, {"state", node.state}});
    }
    fmt::print("{}\n", out.dump(2));
    return;
  }
  fmt::print("realm on WAN '{}', logs in {}\n", status.wan, status.log_directory);
  fmt::print("slurmctld {}\n", status.controller_answers ? "answers" : "DOES NOT ANSWER");
  for (const auto& node : status.nodes) {
    fmt::print("  {:<8} {:<10} {}\n", node.name,
               node.name == realm::kControllerHost ? "controller" : node.state,
               node.keeper_pid == 0 ? "keeper GONE" : fmt::format("keeper {}", node.keeper_pid));
  }
}

struct RealmArguments {
  std::string wan = "default";
  bool json = false;
  bool stock = false;
  unsigned slots_per_tier = 8;
  std::vector<std::string> slurm_conf;
  realm::ExecOptions exec;
  std::vector<std::string> command;
};

bool healthy(const realm::Status& status) {
  if (!status.controller_answers) return false;
  for (const auto& node : status.nodes) {
    if (node.keeper_pid == 0 || node.state.find('*') != std::string::npos) return false;
  }
  return true;
}

void add_up(CLI::App* realm, const std::shared_ptr<RealmArguments>& arguments) {
  auto* up = realm->add_subcommand("up", "start a Slurm realm on the hosts of a virtual WAN");
  up->add_option("--wan", arguments->wan, "the WAN to live on")->capture_default_str();
  up->add_flag("--stock", arguments->stock, "without the VESC plugins");
  up->add_option("--slots-per-tier", arguments->slots_per_tier, "size of each tier's pool of slots")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  up->add_option("--slurm-conf", arguments->slurm_conf,
                 "a line to add to slurm.conf; may be given more than once");
  up->add_flag("--json", arguments->json, "print the realm as JSON");
  up->footer(
      "Example:\n  vesc wan up --matrix rtt.txt --hosts 16 --seed 1 --attach ctl=0\n  vesc realm "
      "up\n"
      "  vesc realm exec -- srun -N4 hostname");
  run(up, [arguments]() -> Result<int> {
    realm::Options options;
    options.wan = arguments->wan;
    options.slots_per_tier = arguments->slots_per_tier;
    options.program_dir = program_directory();
    for (const std::string& line : arguments->slurm_conf) options.more_slurm_conf += line + "\n";
    if (!arguments->stock) options.plugin_dir = plugin_directory();
    ProgressLines progress(!arguments->json);
    auto status = realm::up(options, [&](const std::string& step) { progress.step(step); });
    if (!status) return status.error();
    progress.done();
    print_status(*status, arguments->json);
    return 0;
  });
}

void add_exec(CLI::App* realm, const std::shared_ptr<RealmArguments>& arguments) {
  auto* exec = realm->add_subcommand("exec", "run a command in the realm, as a user of it");
  exec->add_option("--wan", arguments->wan, "the realm's WAN")->capture_default_str();
  exec->add_option("--host", arguments->exec.host, "where")->capture_default_str();
  exec->add_option("--user", arguments->exec.user, "as whom ('root' for the admin)")
      ->capture_default_str();
  exec->add_option("--timeout", arguments->exec.timeout_s,
                   "end it after so many seconds (0: never)");
  exec->add_option("command", arguments->command, "what to run, after --")->required();
  exec->footer(
      "Examples:\n  vesc realm exec -- sbatch -N4 --max-rtt=20ms job.sh\n"
      "  vesc realm exec --user root -- scontrol show nodes");
  run(exec, [arguments]() -> Result<int> {
    return realm::exec(arguments->wan, arguments->command, arguments->exec);
  });
}

}  // namespace

void add_realm_commands(CLI::App& app) {
  auto* realm = app.add_subcommand("realm", "a real Slurm on the hosts of a virtual WAN");
  realm->require_subcommand(1);
  auto arguments = std::make_shared<RealmArguments>();
  add_up(realm, arguments);
  add_exec(realm, arguments);

  auto* status = realm->add_subcommand("status", "hosts, daemons and where the logs are");
  status->add_option("--wan", arguments->wan, "the realm's WAN")->capture_default_str();
  status->add_flag("--json", arguments->json, "print it as JSON");
  status->footer("Exit code 1 if a daemon is missing or a node is down.");
  run(status, [arguments]() -> Result<int> {
    auto found = realm::status(arguments->wan);
    if (!found) return found.error();
    print_status(*found, arguments->json);
    return healthy(*found) ? 0 : 1;
  });

  auto* down = realm->add_subcommand("down", "end the realm; the WAN stays");
  down->add_option("--wan", arguments->wan, "the realm's WAN")->capture_default_str();
  run(down, [arguments]() -> Result<int> {
    auto ended = realm::down(arguments->wan);
    if (!ended) return ended.error();
    return 0;
  });
}

}  // namespace vesc::cli
