// SPDX-License-Identifier: MIT
#include "vesc/base/result.hpp"

#include <cstring>

namespace vesc {

Error system_error(std::string what, int error_number) {
  return {ErrorCode::kSystem, std::move(what) + ": " + std::strerror(error_number)};
}

}  // namespace vesc
