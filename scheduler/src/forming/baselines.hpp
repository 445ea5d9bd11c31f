// SPDX-License-Identifier: MIT
//
// The two textbook partitions: where partition() begins, and what it is compared with.
#pragma once

#include "threshold.hpp"

namespace vesc::forming {

using Groups = std::vector<std::vector<std::uint32_t>>;  // each ascending, disjoint

// Merges the two closest units, closest meaning the largest RTT between their nodes, as long as it
// is within the limit and the sum of sizes within size_max. `units` are disjoint and valid; nodes
// in none do not take part. O(E log E) for E pairs within the limit.
Groups complete_link(const Threshold& graph, Groups units, std::size_t size_max);

// Takes the largest set of units out whose every pair of nodes is within the limit (exact up to a
// fixed number of steps), again and again. For some thousand units.
Groups peel(const Threshold& graph, Groups units, std::size_t size_max);

Groups single_nodes(std::size_t size);

}  // namespace vesc::forming
