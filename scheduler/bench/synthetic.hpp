// SPDX-License-Identifier: MIT
//
// Networks larger than any real matrix at hand, bootstrapped from PlanetLab and always labelled
// synthetic: every node is a copy of a drawn PlanetLab node behind a last mile of its own (0.4 ms
// in the mean, for 15 % of the nodes 8 ms more, exponential); a pair has the RTT of its originals
// (0.15 ms for two copies of one) times 1 +- 5 %, plus both last miles.
#pragma once

#include <cstdint>

#include "vesc/forming/pairs.hpp"

namespace vesc::forming {

class Synthetic {
 public:
  Synthetic(const RttMatrix& planetlab, std::size_t size, std::uint64_t seed);
  std::size_t size() const { return original_.size(); }
  std::uint32_t pair_us(std::size_t a, std::size_t b) const;

  RttMatrix matrix() const;
  // Each node knows its `nearest` nearest (found among the copies of the originals nearest to its
  // own), and who knows it.
  Pairs near_pairs(std::size_t nearest) const;

 private:
  const RttMatrix& planetlab_;
  std::uint64_t seed_;
  std::vector<std::uint32_t> original_;
  std::vector<std::uint32_t> last_mile_us_;
};

}  // namespace vesc::forming
