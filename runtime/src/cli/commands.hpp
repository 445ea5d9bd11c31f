// SPDX-License-Identifier: MIT
//
// One function a family of commands, each in its own file of this folder. A command's callback
// returns its exit code through run(): errors are printed there, in one way, for every command.
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

#include "vesc/base/result.hpp"

namespace vesc::cli {

// Sets `command`'s callback: `body` returns the exit code or an Error, which is printed to standard
// error as "vesc: <message>" and becomes exit_code(error.code). Nothing is caught that `body` did
// not return: an exception is a programmer error.
void run(CLI::App* command, std::function<Result<int>()> body);

void add_form_commands(CLI::App& app);   // vesc form …
void add_wan_commands(CLI::App& app);    // vesc wan …
void add_realm_commands(CLI::App& app);  // vesc realm …
void add_demo_command(CLI::App& app);    // vesc demo
void add_docs_commands(CLI::App& app);   // vesc docs …, of all commands added before or after it

}  // namespace vesc::cli
