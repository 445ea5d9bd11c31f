// SPDX-License-Identifier: MIT
//
// The ladder of RTT limits ("tiers") that groups are formed for: 0.25 ms, then a factor of 1.4 a
// step. The ladder is one fixed sequence for every realm and for ever; only how far up it a realm
// goes depends on its largest RTT. So a tier's limit in microseconds is also its name, and a slot
// named after it keeps its promise across every change of the grouping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace vesc::forming {

inline constexpr std::uint32_t kFirstTierUs = 250;
// 250 us * 1.4^36 is just below vesc::kLimitUsMax.
inline constexpr std::size_t kTiersMax = 37;

// Limit of tier `index` (0 = tightest): round(250 * 1.4^index), computed in integers.
// Precondition: index < kTiersMax.
std::uint32_t tier_limit_us(std::size_t index);

// The tiers from the first up to and including the first whose limit is >= largest_rtt_us
// (all kTiersMax if none is). Never empty.
std::vector<std::uint32_t> tier_ladder_us(std::uint32_t largest_rtt_us);

// The loosest tier whose limit is <= limit_us: what `--max-rtt` means. Nothing if limit_us is
// below the tightest tier.
std::optional<std::uint32_t> tier_within_us(std::uint32_t limit_us);

}  // namespace vesc::forming
