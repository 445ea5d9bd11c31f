// SPDX-License-Identifier: MIT
//
// Which few pairs to measure. Guesses choose whom to probe and are never accepted as an answer:
// every pair of an answer has been measured.
//
// Near pairs are found by gossip, as in NN-descent (Dong, Moses and Li, WWW 2011): some random
// probes, then always the neighbours of neighbours that are guessed nearest. A pair's guess is the
// shortest known way over one third node, which needs no coordinates and is good exactly where
// coordinates fail, for near pairs.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "vesc/forming/query.hpp"

namespace vesc::forming {

struct Probe {
  std::uint32_t from, to;
};

// Up to `count` nodes that `node` should measure next, the nearest guesses first; `random` (any
// number) draws the rest, and a share of about a quarter while fewer than `count * 4` are known, so
// that no part of the network stays unseen. Never a known pair, never the node itself.
std::vector<std::uint32_t> next_probes(const Pairs& known, std::size_t node, std::size_t count,
                                       std::uint64_t random);

// Answers a query from partial knowledge: solves it with guesses for unknown pairs, measures the
// unknown pairs of the solution, and again, until all of its pairs are measured or the budget is
// spent; then the best group of measured pairs only. `measure` returns the RTT of a pair, or
// kUnknownRttUs if it does not answer; what it returns is entered into `known`.
struct PooledAnswer {
  Answer answer;             // `optimal` and `lower_bound_us` speak of what is known
  std::size_t measured = 0;  // pairs
};
Result<PooledAnswer> query_measuring(Pairs& known, const Query& query, std::size_t budget,
                                     const std::function<std::uint32_t(Probe)>& measure);

// What a network learns with so many probes initiated by each node, and what its answers are worth.
struct SimulateOptions {
  std::size_t probes = 64;
  std::uint64_t seed = 1;
  std::vector<std::size_t> sizes = {4, 8, 16, 32};
  std::size_t draws = 10;  // of free sets of half and of a quarter of the nodes, for each size
};
struct SimulatedSize {
  std::size_t size = 0, queries = 0;
  std::size_t unanswered = 0;  // a group exists but none was found
  std::size_t invalid = 0;     // a pair of the answer is not what it was said to be
  std::vector<double> ratios;  // to the true optimum, ascending
  double pairs_measured = 0;   // by a query, in the mean
};
struct Simulated {
  double known_per_node = 0;
  double recall_20ms = 0;  // share of the pairs within 20 ms that are known
  std::vector<SimulatedSize> sizes;
};
Simulated simulate(const RttMatrix& truth, const SimulateOptions& options);

}  // namespace vesc::forming
