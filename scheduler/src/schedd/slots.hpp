// SPDX-License-Identifier: MIT
//
// From groups to slots: which group keeps its identity and its slot from one publication to the
// next. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vesc/forming/partition.hpp"
#include "vesc/snapshot/snapshot.hpp"

namespace vesc::schedd {

// The next snapshot after `previous` (empty at first). A group of the same tier that shares the
// most nodes (by name) with a former one goes on as it, with its id and slot; others get new ids
// and free slots of their tier, larger groups first. A group beyond the pool's size has slot 0.
// Sequence is previous + 1; the times are the caller's.
snapshot::Snapshot next_snapshot(const snapshot::Snapshot& previous,
                                 const std::vector<std::string>& names,
                                 const std::vector<std::uint32_t>& tiers_us,
                                 const std::vector<forming::TierGroup>& groups,
                                 std::uint32_t slots_per_tier);

}  // namespace vesc::schedd
