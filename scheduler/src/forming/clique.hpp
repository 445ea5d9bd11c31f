// SPDX-License-Identifier: MIT
//
// Heaviest clique of a small weighted graph: the engine under both questions of forming ("are there
// k nodes within L?", "which units merge into the largest group?").
#pragma once

#include <cstdint>
#include <vector>

#include <boost/dynamic_bitset.hpp>

namespace vesc::forming {

using Bits = boost::dynamic_bitset<std::uint64_t>;

struct Graph {
  explicit Graph(std::size_t size) : neighbours(size, Bits(size)), weights(size, 1) {}
  std::size_t size() const { return neighbours.size(); }
  void connect(std::size_t a, std::size_t b) {
    neighbours[a].set(b);
    neighbours[b].set(a);
  }
  std::vector<Bits> neighbours;
  std::vector<std::uint64_t> weights;
};

struct Clique {
  std::vector<std::size_t> vertices;  // ascending
  std::uint64_t weight = 0;
  bool proved = true;  // no heavier one exists (or the target was reached)
};

// The heaviest clique, or the first found of at least `target` weight. Branch and bound with a
// greedy colouring (the heaviest vertex of each colour bounds what the colour can add; Tomita and
// Seki 2003, weighted). Stops after `steps_max` branches with what it has, proved = false; `steps`
// is increased by the branches taken. Deterministic.
Clique heaviest_clique(const Graph& graph, std::uint64_t target, std::uint64_t steps_max,
                       std::uint64_t& steps);

}  // namespace vesc::forming
