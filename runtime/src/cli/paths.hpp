// SPDX-License-Identifier: MIT
//
// Where the other programs and files of this build are, found from where this program is.
#pragma once

#include <string>

namespace vesc::cli {

std::string program_directory();  // build/<preset>/bin
std::string plugin_directory();   // build/<preset>/lib/slurm
std::string share_directory();    // build/<preset>/share/vesc

}  // namespace vesc::cli
