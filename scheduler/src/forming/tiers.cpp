// SPDX-License-Identifier: MIT
#include "vesc/forming/tiers.hpp"

#include <array>
#include <cassert>

namespace vesc::forming {
namespace {

// round(250 * 7^i / 5^i) without floating point: the same names on every machine. Carried with 20
// fractional bits and rounded at the end; the error stays far below half a microsecond.
constexpr std::array<std::uint32_t, kTiersMax> make_ladder() {
  std::array<std::uint32_t, kTiersMax> ladder{};
  std::uint64_t scaled = std::uint64_t{kFirstTierUs} << 20;
  for (auto& limit : ladder) {
    limit = static_cast<std::uint32_t>((scaled + (1u << 19)) >> 20);
    scaled = scaled * 7 / 5;
  }
  return ladder;
}

constexpr auto kLadder = make_ladder();

}  // namespace

std::uint32_t tier_limit_us(std::size_t index) {
  assert(index < kTiersMax);
  return kLadder[index];
}

std::vector<std::uint32_t> tier_ladder_us(std::uint32_t largest_rtt_us) {
  std::vector<std::uint32_t> tiers;
  for (std::uint32_t limit : kLadder) {
    tiers.push_back(limit);
    if (limit >= largest_rtt_us) break;
  }
  return tiers;
}

std::optional<std::uint32_t> tier_within_us(std::uint32_t limit_us) {
  std::optional<std::uint32_t> tier;
  for (std::uint32_t limit : kLadder) {
    if (limit <= limit_us) tier = limit;
  }
  return tier;
}

}  // namespace vesc::forming
