// SPDX-License-Identifier: MIT
//
// A graph as rows of bits, and the search for a clique of a given size in it. The rows are flat
// machine words because nearly all the time of a query is spent in and-ing them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace vesc::forming {

struct Edge {
  std::uint32_t rtt_us = 0, a = 0, b = 0;
  auto operator<=>(const Edge&) const = default;
};

class BitGraph {
 public:
  explicit BitGraph(std::size_t size)
      : size_(size), words_((size + 63) / 64), rows_(size * words_), degrees_(size) {}

  std::size_t size() const { return size_; }
  std::size_t words() const { return words_; }
  const std::uint64_t* row(std::size_t v) const { return rows_.data() + v * words_; }
  std::uint32_t degree(std::size_t v) const { return degrees_[v]; }
  bool connected(std::size_t a, std::size_t b) const { return row(a)[b / 64] >> (b % 64) & 1; }
  // a's half of an edge; the other half is add(b, a). Precondition: a != b, not added yet.
  void add(std::size_t a, std::size_t b) {
    rows_[a * words_ + b / 64] |= std::uint64_t{1} << (b % 64);
    ++degrees_[a];
  }
  void connect(std::size_t a, std::size_t b) {
    add(a, b);
    add(b, a);
  }
  void disconnect(std::size_t a, std::size_t b) {
    rows_[a * words_ + b / 64] &= ~(std::uint64_t{1} << (b % 64));
    rows_[b * words_ + a / 64] &= ~(std::uint64_t{1} << (a % 64));
    --degrees_[a];
    --degrees_[b];
  }

 private:
  std::size_t size_, words_;
  std::vector<std::uint64_t> rows_;
  std::vector<std::uint32_t> degrees_;
};

enum class CliqueSearch { kFound, kNone, kUndecided };

// Takes edges out that cannot be in a clique of `wanted` vertices: a vertex needs wanted-1
// neighbours, an edge wanted-2 common ones (a truss), again and again until nothing changes.
void prune(BitGraph& graph, std::size_t wanted);

// Takes edges out, the last first, and with each those that prune() would, until one takes all that
// are left along: its index is returned, and `graph` left as it was before edges of its RTT were
// touched. So no clique of `wanted` is within a smaller RTT. `edges` are those of a pruned graph,
// ascending, not empty. Time is that of the triangles; 2 size^2 bytes. Precondition: wanted >= 2.
std::size_t tightest_truss(BitGraph& graph, std::span<const Edge> edges, std::size_t wanted);

// Is there a clique of `wanted` vertices? prune(), then branch and bound: a set that can be
// coloured with fewer than `wanted` colours holds no clique of `wanted`, so only vertices of the
// last colours are branched on (San Segundo et al., BBMC, 2011). `steps` grows by the branches;
// kUndecided once it exceeds `steps_max`. Deterministic.
CliqueSearch find_clique(BitGraph& graph, std::size_t wanted, std::uint64_t steps_max,
                         std::uint64_t& steps, std::vector<std::size_t>& clique);

}  // namespace vesc::forming
