// SPDX-License-Identifier: MIT
//
// "k nodes with the smallest diameter": the largest pairwise RTT, both directions, is as small as
// it can be, and the answer says so with a proof or names the gap that is left.
#pragma once

#include <cstdint>
#include <vector>

#include "vesc/base/result.hpp"
#include "vesc/forming/pairs.hpp"

namespace vesc::forming {

// What a node has, or what is asked of each.
struct Capacity {
  std::uint32_t cores = 0;
  std::uint64_t memory_mib = 0;
};

struct Query {
  std::size_t size = 2;              // nodes wanted, at least 1
  std::vector<std::size_t> free;     // choose among these; empty: all
  std::vector<std::size_t> include;  // must be among the chosen
  std::vector<std::size_t> exclude;
  std::uint32_t max_rtt_us = kUnknownRttUs;  // refuse a larger diameter
  std::vector<Capacity> capacity;            // of every node; empty: not asked for
  Capacity each;                             // what each chosen node must have at least
  // Of every node, empty: all alike. Among groups of the smallest diameter light ones are
  // preferred, then those of small mean RTT (by local search: the diameter is exact, these two are
  // not).
  std::vector<std::uint32_t> weights;
  // Search nodes; the same limit gives the same answer on every machine.
  std::uint64_t steps_max = 5'000'000;
};

struct Answer {
  bool feasible = false;
  bool optimal = false;            // diameter_us == lower_bound_us, or infeasible is proved
  std::vector<std::size_t> nodes;  // ascending
  std::uint32_t diameter_us = 0;
  double mean_us = 0;  // over the pairs
  // No group of the size within the given nodes has a smaller diameter (kUnknownRttUs: there is
  // none at all). With a limit that cannot be met it is above the limit.
  std::uint32_t lower_bound_us = 0;
  std::uint64_t steps = 0;
};

// Exact unless the step limit is reached. kInvalidInput if the query contradicts itself or the
// matrix.
Result<Answer> query(const Pairs& pairs, const Query& query);

}  // namespace vesc::forming
