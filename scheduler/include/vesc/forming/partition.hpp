// SPDX-License-Identifier: MIT
//
// All nodes into mini-supercomputers, for every tier of the ladder at once. Groups of a tighter
// tier lie whole inside groups of a looser one.
//
// Bottom up: the groups of one tier, and the nodes outside them, are the units of the next. There
// the heaviest sets of units whose every pair of nodes is within the limit are merged, again and
// again (peeling), and against that complete-link merging is tried; the result with the larger sum
// of squared sizes stays, for big groups are what big jobs need.
#pragma once

#include <cstdint>
#include <vector>

#include "vesc/forming/matrix.hpp"

namespace vesc::forming {

struct TierGroup {
  std::uint32_t tier_us = 0;  // the tightest tier at which the group exists
  std::uint32_t diameter_us = 0;
  std::vector<std::size_t> nodes;  // ascending, at least two
};

// Every distinct group once, ascending by (tier, size descending, first node). Deterministic.
std::vector<TierGroup> partition_ladder(const RttMatrix& matrix,
                                        const std::vector<std::uint32_t>& tiers_us);

// Disjoint groups with every pair within limit_us and at least min_size nodes; none above max_size.
std::vector<TierGroup> partition_flat(const RttMatrix& matrix, std::uint32_t limit_us,
                                      std::size_t min_size, std::size_t max_size);

}  // namespace vesc::forming
