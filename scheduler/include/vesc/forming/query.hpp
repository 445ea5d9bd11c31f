// SPDX-License-Identifier: MIT
//
// "k nodes with the smallest diameter": the largest pairwise RTT, both directions, is as small as
// it can be.
#pragma once

#include <cstdint>
#include <vector>

#include "vesc/base/result.hpp"
#include "vesc/forming/matrix.hpp"

namespace vesc::forming {

struct Query {
  std::size_t size = 2;              // nodes wanted, at least 1
  std::vector<std::size_t> free;     // choose among these; empty: all
  std::vector<std::size_t> include;  // must be among the chosen
  std::vector<std::size_t> exclude;
  std::uint32_t max_rtt_us = kUnknownRttUs;  // refuse a larger diameter
  std::uint64_t steps_max = 20'000'000;      // branches; the same limit gives the same answer
};

struct Answer {
  bool feasible = false;
  bool optimal = false;            // diameter_us == lower_bound_us, or infeasible is proved
  std::vector<std::size_t> nodes;  // ascending
  std::uint32_t diameter_us = 0;
  double mean_us = 0;  // over the pairs
  std::uint32_t lower_bound_us = 0;
  std::uint64_t steps = 0;
};

// Exact unless the step limit is reached: binary search over the RTT values, k-core pruning
// (Boost.Graph's core_numbers), branch and bound for a clique of the threshold graph. kInvalidInput
// if the query contradicts itself or the matrix.
Result<Answer> query(const RttMatrix& matrix, const Query& query);

std::uint32_t diameter_us(const RttMatrix& matrix, const std::vector<std::size_t>& nodes);
double mean_rtt_us(const RttMatrix& matrix, const std::vector<std::size_t>& nodes);

}  // namespace vesc::forming
