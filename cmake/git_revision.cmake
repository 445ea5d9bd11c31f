# SPDX-License-Identifier: MIT
# Script: writes OUTPUT (version.cpp) when the revision of SOURCE_DIR differs from what it says.
execute_process(COMMAND git -C ${SOURCE_DIR} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE revision OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT revision)
  set(revision "unknown")
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#include "vesc/base/version.hpp"
namespace vesc {
std::string_view version() { return "@VERSION@"; }
std::string_view git_revision() { return "@revision@"; }
}  // namespace vesc
]] @ONLY)
