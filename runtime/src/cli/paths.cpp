// SPDX-License-Identifier: MIT
#include "paths.hpp"

#include <filesystem>

namespace vesc::cli {

std::string program_directory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

std::string plugin_directory() {
  return (std::filesystem::path(program_directory()).parent_path() / "lib" / "slurm").string();
}

std::string share_directory() {
  return (std::filesystem::path(program_directory()).parent_path() / "share" / "vesc").string();
}

}  // namespace vesc::cli
