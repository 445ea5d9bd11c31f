// SPDX-License-Identifier: MIT
//
// Round-trip times as people write them ("10ms", "250us", "1.5ms") and as programs keep them
// (whole microseconds in 32 bits: 1 us to about 71 minutes).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vesc/base/result.hpp"

namespace vesc {

// The largest limit a person may ask for. Nothing on Earth is further away than this.
inline constexpr std::uint32_t kLimitUsMax = 60'000'000;

// Parses a positive decimal number with a unit, `us` or `ms`, at most one blank between them, into
// whole microseconds (rounded down: a limit is never widened). Refuses, with a sentence that names
// the text: a missing or other unit, no number, zero, negative, not finite, below 1 us, above
// kLimitUsMax.
Result<std::uint32_t> parse_rtt_us(std::string_view text);

// "10 ms", "0.25 ms", "2.64 ms": three significant digits, always in ms.
std::string format_rtt_ms(std::uint64_t rtt_us);

}  // namespace vesc
