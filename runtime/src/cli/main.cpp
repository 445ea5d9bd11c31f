// SPDX-License-Identifier: MIT
//
// The `vesc` command line.
#include "commands.hpp"

#include <cstdio>
#include <optional>

#include <fmt/format.h>

#include "vesc/base/version.hpp"

namespace vesc::cli {
namespace {

std::optional<int> g_exit_code;  // set by the one command that ran

}  // namespace

void run(CLI::App* command, std::function<Result<int>()> body) {
  command->callback([body = std::move(body)] {
    Result<int> result = body();
    if (result.ok()) {
      g_exit_code = *result;
    } else {
      fmt::print(stderr, "vesc: {}\n", result.error().message);
      g_exit_code = exit_code(result.error().code);
    }
  });
}

}  // namespace vesc::cli

int main(int argc, char** argv) {
  CLI::App app("VESC: scattered machines, measured and grouped, as a supercomputer behind sbatch.");
  app.name("vesc");
  app.set_version_flag("--version",
                       fmt::format("vesc {} ({})", vesc::version(), vesc::git_revision()));
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 the answer is 'there is none'.");
  vesc::cli::add_demo_command(app);
  vesc::cli::add_wan_commands(app);
  vesc::cli::add_realm_commands(app);
  vesc::cli::add_form_commands(app);
  vesc::cli::add_docs_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return vesc::cli::g_exit_code.value_or(0);
}
