// SPDX-License-Identifier: MIT
//
// What forming works on: the round-trip time of every known pair, and of every node its neighbours,
// nearest first. A pair counts with the larger of its two directions; a pair of which either is
// unknown is not there. Made from a dense matrix at once, or filled and changed pair by pair, so
// that 100,000 nodes with a few hundred known neighbours each fit into a fifth of a gigabyte.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vesc/forming/matrix.hpp"

namespace vesc::forming {

struct Near {
  std::uint32_t rtt_us = 0;
  std::uint32_t node = 0;
  auto operator<=>(const Near&) const = default;
};

class Pairs {
 public:
  Pairs() = default;
  // Nothing is known.
  explicit Pairs(std::size_t size) : near_(size) {}
  // All known pairs of a matrix. 4 n^2 bytes and lists of at most kListMax each; O(n^2 log
  // kListMax).
  explicit Pairs(const RttMatrix& matrix);
  // lists[a] holds (rtt, b) for known pairs, in any order; a pair may stand at both ends, twice, or
  // at one end only. The larger RTT counts if they differ. O(pairs log list).
  explicit Pairs(std::vector<std::vector<Near>> lists);

  std::size_t size() const { return near_.size(); }

  // kUnknownRttUs if not known, 0 for a == b. O(1) when made from a matrix, else O(list).
  std::uint32_t us(std::size_t a, std::size_t b) const {
    if (!cells_.empty()) return cells_[a * size() + b];
    return listed_us(a, b);
  }

  // A node's RTT to every node, by number; null unless made from a matrix.
  const std::uint32_t* row(std::size_t node) const {
    return cells_.empty() ? nullptr : cells_.data() + node * size();
  }

  // Neighbours, nearest first, ties by number. Holds every known pair whose RTT is at most
  // horizon_us(node).
  std::span<const Near> near(std::size_t node) const { return near_[node]; }
  std::uint32_t horizon_us(std::size_t node) const {
    return complete_ || near_[node].empty() ? kUnknownRttUs - 1 : near_[node].back().rtt_us - 1;
  }

  // Calls visit(node, rtt_us) for every known neighbour within limit_us.
  template <typename Visit>
  void for_each_within(std::size_t node, std::uint32_t limit_us, Visit visit) const {
    if (limit_us <= horizon_us(node)) {
      for (const Near& near : near_[node]) {
        if (near.rtt_us > limit_us) break;
        visit(near.node, near.rtt_us);
      }
      return;
    }
    const std::uint32_t* row = cells_.data() + node * size();
    for (std::uint32_t other = 0; other < size(); ++other) {
      if (other != node && row[other] <= limit_us) visit(other, row[other]);
    }
  }

  // Sets, changes or (kUnknownRttUs) forgets one pair. O(list): nothing else is touched. Keep lists
  // short by forgetting far pairs. Not for pairs made from a matrix.
  void set(std::size_t a, std::size_t b, std::uint32_t rtt_us);

  // The pairs among `nodes`, numbered in that order.
  Pairs subset(const std::vector<std::size_t>& nodes) const;

  static constexpr std::size_t kListMax = 2048;  // of a dense matrix with more than twice as many

 private:
  std::uint32_t listed_us(std::size_t a, std::size_t b) const;
  static void put(std::vector<Near>& list, std::uint32_t node, std::uint32_t old_us,
                  std::uint32_t rtt_us);

  std::vector<std::vector<Near>> near_;
  std::vector<std::uint32_t> cells_;  // row-major, symmetric; empty unless made from a matrix
  bool complete_ = true;              // the lists hold every known pair
};

// As read_matrix() and parse_matrix() (matrix.hpp), but a sparse file is never made dense: up to a
// million nodes.
Result<Pairs> read_pairs(const std::string& path);
Result<Pairs> parse_pairs(std::string_view text, const std::string& name);

// 0 for fewer than two nodes, kUnknownRttUs if a pair is not known.
std::uint32_t diameter_us(const Pairs& pairs, const std::vector<std::size_t>& nodes);
double mean_rtt_us(const Pairs& pairs, const std::vector<std::size_t>& nodes);

}  // namespace vesc::forming
