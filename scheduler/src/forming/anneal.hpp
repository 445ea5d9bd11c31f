// SPDX-License-Identifier: MIT
//
// Improves a partition by simulated annealing: a node goes to a group of one of its neighbours; the
// few members that it is too far from are put out and go where they fit best. Big groups are worth
// more than their nodes (the square of the size), near groups more than far ones.
#pragma once

#include "baselines.hpp"

namespace vesc::forming {

struct AnnealOptions {
  std::size_t size_min = 2, size_max = 32;
  double node_worth = 0;     // of a placed node, beside the square of its group's size
  double job_worth = 0;      // of a node that a job of 8, 16, 32, ... nodes could use, each counted
  double rtt_cost = 0;       // of a pair in a group whose RTT is the limit; proportional below
  double small_worth = 0.3;  // share of the square that a group below size_min is worth
  double move_cost = 0;      // of a node of `start` that is not in its group there
  std::uint64_t moves = 0;
  std::uint64_t seed = 1;
  double hot = 8, cold = 0.3;  // temperatures, in the objective's unit
};

inline constexpr std::uint32_t kNoGroup = ~0u;

// The best partition seen, as a group number a node: below start.size() for groups of `start`,
// kNoGroup for nodes of groups below size_min. Joins keep to the limit; pairs of nodes that stay
// together from the start are not judged. Deterministic.
std::vector<std::uint32_t> anneal_labels(const Threshold& graph, const Groups& start,
                                         const AnnealOptions& options);

// The same as groups.
Groups anneal(const Threshold& graph, const Groups& start, const AnnealOptions& options);

// The objective of a partition, by the options' worths.
double worth(const Threshold& graph, const Groups& groups, const AnnealOptions& options);

}  // namespace vesc::forming
