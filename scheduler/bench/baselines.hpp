// SPDX-License-Identifier: MIT
//
// How peers choose k nodes: what the benchmark compares exact answers with. Each returns the
// diameter of its choice among the free nodes, us.
#pragma once

#include <random>
#include <vector>

#include "vesc/forming/pairs.hpp"

namespace vesc::forming {

std::uint32_t choose_at_random(const Pairs& pairs, const std::vector<std::size_t>& free,
                               std::size_t size, std::mt19937_64& random);
// The nearest to one node, the submitter's (P2P-MPI).
std::uint32_t nearest_to_submitter(const Pairs& pairs, const std::vector<std::size_t>& free,
                                   std::size_t size, std::mt19937_64& random);
// The best of all stars (Alicherry and Lakshman's 2-approximation, which needs a metric).
std::uint32_t best_star(const Pairs& pairs, const std::vector<std::size_t>& free, std::size_t size);
// From every seed the node that widens least; the best.
std::uint32_t greedy(const Pairs& pairs, const std::vector<std::size_t>& free, std::size_t size);

// Network coordinates: Vivaldi, two dimensions and a height (Dabek et al., SIGCOMM 2004),
// `neighbours` fixed neighbours, so many samples a node. The result is greedy on predicted RTTs;
// its true diameter.
class Vivaldi {
 public:
  Vivaldi(const Pairs& pairs, std::size_t neighbours, std::size_t samples, std::uint64_t seed);
  std::uint32_t predicted_us(std::size_t a, std::size_t b) const;
  std::uint32_t greedy(const Pairs& truth, const std::vector<std::size_t>& free,
                       std::size_t size) const;

 private:
  struct Place {
    double x = 0, y = 0, height = 0.1, error = 1;  // ms
  };
  std::vector<Place> places_;
};

}  // namespace vesc::forming
