// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace vesc {

std::string_view version();       // "0.1.0"
std::string_view git_revision();  // `git describe --always --dirty` of the tree it was built from

}  // namespace vesc
