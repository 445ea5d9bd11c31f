// SPDX-License-Identifier: MIT
#include "bit_graph.hpp"

#include <algorithm>

namespace vesc::forming {
namespace {

// Compiled twice where the processor may or may not count bits in one instruction; the loader
// picks.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define VESC_FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
#else
#define VESC_FOR_EACH_CPU
#endif

// Bits of a & b.
VESC_FOR_EACH_CPU std::size_t count_common(const std::uint64_t* a, const std::uint64_t* b,
                                           std::size_t words) {
  std::size_t count = 0;
  for (std::size_t w = 0; w < words; ++w)
    count += static_cast<std::size_t>(std::popcount(a[w] & b[w]));
  return count;
}

// out = a & b, and how many bits that are.
VESC_FOR_EACH_CPU std::size_t intersect(const std::uint64_t* a, const std::uint64_t* b,
                                        std::uint64_t* out, std::size_t words) {
  std::size_t count = 0;
  for (std::size_t w = 0; w < words; ++w)
    count += static_cast<std::size_t>(std::popcount(out[w] = a[w] & b[w]));
  return count;
}

std::size_t count_bits(const std::uint64_t* bits, std::size_t words) {
  return count_common(bits, bits, words);
}

template <typename Visit>
void for_each_bit(const std::uint64_t* bits, std::size_t words, Visit visit) {
  for (std::size_t w = 0; w < words; ++w) {
    for (std::uint64_t left = bits[w]; left != 0; left &= left - 1)
      visit(w * 64 + static_cast<std::size_t>(std::countr_zero(left)));
  }
}

// Vertices of too small a degree lose their edges, and so on.
void peel(BitGraph& graph, std::size_t wanted) {
  std::vector<std::size_t> stack;
  for (std::size_t v = 0; v < graph.size(); ++v) {
    if (graph.degree(v) > 0 && graph.degree(v) + 1 < wanted) stack.push_back(v);
  }
  while (!stack.empty()) {
    std::size_t v = stack.back();
    stack.pop_back();
    if (graph.degree(v) == 0) continue;
    std::vector<std::size_t> others;
    for_each_bit(graph.row(v), graph.words(), [&](std::size_t u) { others.push_back(u); });
    for (std::size_t u : others) {
      graph.disconnect(v, u);
      if (graph.degree(u) + 2 == wanted) stack.push_back(u);
    }
  }
}

// Edges with too few common neighbours go (a truss). Only edges at a vertex of `touched`, which has
// lost an edge since, can have lost a common neighbour; true if any edge went, and `touched` is
// then the next round's.
bool drop_weak_edges(BitGraph& graph, std::size_t wanted, std::vector<std::uint32_t>& degree_seen) {
  bool dropped = false;
  std::vector<std::uint8_t> touched(graph.size());
  for (std::size_t v = 0; v < graph.size(); ++v) {
    touched[v] = graph.degree(v) != degree_seen[v];
    degree_seen[v] = graph.degree(v);
  }
  std::vector<std::size_t> weak;
  for (std::size_t v = 0; v < graph.size(); ++v) {
    weak.clear();
    for_each_bit(graph.row(v), graph.words(), [&](std::size_t u) {
      if (u <= v || !(touched[v] || touched[u])) return;
      if (count_common(graph.row(v), graph.row(u), graph.words()) + 2 < wanted) weak.push_back(u);
    });
    for (std::size_t u : weak) graph.disconnect(v, u);
    dropped = dropped || !weak.empty();
  }
  return dropped;
}

// The vertices that still have edges, as a graph of their own.
BitGraph compacted(const BitGraph& graph, std::vector<std::size_t>& vertices) {
  std::vector<std::size_t> place(graph.size());
  for (std::size_t v = 0; v < graph.size(); ++v) {
    if (graph.degree(v) == 0) continue;
    place[v] = vertices.size();
    vertices.push_back(v);
  }
  BitGraph compact(vertices.size());
  for (std::size_t v : vertices) {
    for_each_bit(graph.row(v), graph.words(),
                 [&](std::size_t u) { compact.add(place[v], place[u]); });
  }
  return compact;
}

class Search {
 public:
  Search(const BitGraph& graph, std::size_t wanted, std::uint64_t steps_max, std::uint64_t& steps)
      : graph_(graph), words_(graph.words()), steps_max_(steps_max), steps_(steps) {
    // Per depth: the candidates, and two sets for colouring.
    pool_.resize((wanted + 1) * 3 * words_);
    orders_.resize(wanted + 1);
  }

  // Looks for `wanted` vertices, each set of candidates being one vertex's later neighbours in an
  // order that keeps them few (smallest degree first).
  CliqueSearch run(std::size_t wanted, std::vector<std::size_t>& clique) {
    for (std::size_t v : smallest_last()) {
      if (graph_.degree(v) + 1 < wanted) {
        done_.insert(v);
        continue;
      }
      std::uint64_t* candidates = set(0, 0);
      const std::uint64_t* row = graph_.row(v);
      for (std::size_t w = 0; w < words_; ++w) candidates[w] = row[w] & ~done_.bits[w];
      current_ = {v};
      if (shrink(candidates, wanted - 1) && expand(0, wanted - 1)) {
        clique = current_;
        return CliqueSearch::kFound;
      }
      if (exhausted_) return CliqueSearch::kUndecided;
      done_.insert(v);
    }
    return CliqueSearch::kNone;
  }

 private:
  struct Set {
    std::vector<std::uint64_t> bits;
    void insert(std::size_t v) { bits[v / 64] |= std::uint64_t{1} << (v % 64); }
  };

  std::uint64_t* set(std::size_t depth, std::size_t which) {
    return pool_.data() + (depth * 3 + which) * words_;
  }

  // A degeneracy order: always the vertex with the fewest neighbours left.
  std::vector<std::size_t> smallest_last() {
    done_.bits.assign(words_, 0);
    std::size_t n = graph_.size();
    std::vector<std::uint32_t> degree(n);
    std::uint32_t largest = 0;
    for (std::size_t v = 0; v < n; ++v) largest = std::max(largest, degree[v] = graph_.degree(v));
    std::vector<std::vector<std::size_t>> buckets(largest + 1);
    for (std::size_t v = n; v-- > 0;) buckets[degree[v]].push_back(v);
    std::vector<bool> taken(n);
    std::vector<std::size_t> order;
    for (std::uint32_t d = 0; d <= largest;) {
      if (buckets[d].empty()) {
        ++d;
        continue;
      }
      std::size_t v = buckets[d].back();
      buckets[d].pop_back();
      if (taken[v] || degree[v] != d) continue;
      taken[v] = true;
      if (graph_.degree(v) > 0) order.push_back(v);
      for_each_bit(graph_.row(v), words_, [&](std::size_t u) {
        if (!taken[u]) buckets[--degree[u]].push_back(u);
      });
      d = d > 0 ? d - 1 : 0;
    }
    return order;
  }

  // Takes out candidates with too few neighbours among the candidates; false if too few are left.
  bool shrink(std::uint64_t* candidates, std::size_t wanted) {
    if (wanted == 0) return true;
    for (bool again = true; again;) {
      again = false;
      if (count_bits(candidates, words_) < wanted) return false;
      for (std::size_t w = 0; w < words_; ++w) {
        for (std::uint64_t left = candidates[w]; left != 0; left &= left - 1) {
          std::size_t v = w * 64 + static_cast<std::size_t>(std::countr_zero(left));
          if (count_common(graph_.row(v), candidates, words_) + 1 < wanted) {
            candidates[w] &= ~(left & -left);
            again = true;
          }
        }
      }
    }
    return true;
  }

  // Candidates of this depth stand in set(depth, 0).
  bool expand(std::size_t depth, std::size_t wanted) {
    if (wanted == 0) return true;
    std::uint64_t *candidates = set(depth, 0), *left = set(depth, 1), *same = set(depth, 2);
    std::vector<std::size_t>& order = orders_[depth];
    order.clear();
    std::copy_n(candidates, words_, left);
    for (std::size_t colour = 1;; ++colour) {
      std::copy_n(left, words_, same);
      bool any = false;
      for (std::size_t w = 0; w < words_; ++w) {
        while (same[w] != 0) {
          std::size_t v = w * 64 + static_cast<std::size_t>(std::countr_zero(same[w]));
          const std::uint64_t* row = graph_.row(v);
          std::uint64_t bit = std::uint64_t{1} << (v % 64);
          left[w] &= ~bit;
          same[w] &= ~bit;
          for (std::size_t i = w; i < words_; ++i) same[i] &= ~row[i];
          any = true;
          if (colour >= wanted) order.push_back(v);
        }
      }
      if (!any) break;
    }
    // The vertices that are not in `order` have wanted-1 colours: a clique holds one of the others.
    for (std::size_t i = order.size(); i-- > 0;) {
      if (++steps_ > steps_max_) {
        exhausted_ = true;
        return false;
      }
      std::size_t v = order[i];
      const std::uint64_t* row = graph_.row(v);
      std::size_t count = intersect(candidates, row, set(depth + 1, 0), words_);
      current_.push_back(v);
      if (count + 1 >= wanted && expand(depth + 1, wanted - 1)) return true;
      if (exhausted_) return false;
      current_.pop_back();
      candidates[v / 64] &= ~(std::uint64_t{1} << (v % 64));
    }
    return false;
  }

  const BitGraph& graph_;
  std::size_t words_;
  std::uint64_t steps_max_;
  std::uint64_t& steps_;
  bool exhausted_ = false;
  Set done_;
  std::vector<std::uint64_t> pool_;
  std::vector<std::vector<std::size_t>> orders_;
  std::vector<std::size_t> current_;
};

}  // namespace

void prune(BitGraph& graph, std::size_t wanted) {
  std::vector<std::uint32_t> degree_seen(graph.size(), ~0u);
  do {
    peel(graph, wanted);
  } while (drop_weak_edges(graph, wanted, degree_seen));
}

std::size_t tightest_truss(BitGraph& graph, std::span<const Edge> edges, std::size_t wanted) {
  std::size_t n = graph.size(), words = graph.words();
  // Common neighbours of each edge's ends.
  std::vector<std::uint16_t> support(n * n);
  auto at = [&](std::size_t a, std::size_t b) -> std::uint16_t& {
    return support[std::min(a, b) * n + std::max(a, b)];
  };
  for (const Edge& edge : edges)
    at(edge.a, edge.b) =
        static_cast<std::uint16_t>(count_common(graph.row(edge.a), graph.row(edge.b), words));
  std::size_t left = edges.size();
  std::vector<std::pair<std::uint32_t, std::uint32_t>> removed, doomed;
  std::vector<std::uint64_t> common(words);
  for (std::size_t i = edges.size(); i-- > 0;) {
    if (i + 1 == edges.size() || edges[i].rtt_us != edges[i + 1].rtt_us) removed.clear();
    doomed.push_back({edges[i].a, edges[i].b});
    while (!doomed.empty()) {
      std::uint32_t a = doomed.back().first, b = doomed.back().second;
      doomed.pop_back();
      if (!graph.connected(a, b)) continue;
      graph.disconnect(a, b);
      removed.push_back({a, b});
      --left;
      intersect(graph.row(a), graph.row(b), common.data(), words);
      for_each_bit(common.data(), words, [&](std::size_t w) {
        auto v = static_cast<std::uint32_t>(w);
        if (at(a, v)-- + 2u == wanted) doomed.push_back({a, v});
        if (at(b, v)-- + 2u == wanted) doomed.push_back({b, v});
      });
    }
    if (left > 0) continue;
    for (auto [a, b] : removed) graph.connect(a, b);
    return i;
  }
  return 0;
}

CliqueSearch find_clique(BitGraph& graph, std::size_t wanted, std::uint64_t steps_max,
                         std::uint64_t& steps, std::vector<std::size_t>& clique) {
  clique.clear();
  if (wanted == 0) return CliqueSearch::kFound;
  if (wanted > graph.size()) return CliqueSearch::kNone;
  if (wanted == 1) {
    clique = {0};
    return CliqueSearch::kFound;
  }
  prune(graph, wanted);
  std::vector<std::size_t> vertices;
  BitGraph compact = compacted(graph, vertices);
  if (vertices.size() < wanted) return CliqueSearch::kNone;
  CliqueSearch found = Search(compact, wanted, steps_max, steps).run(wanted, clique);
  for (std::size_t& v : clique) v = vertices[v];
  std::sort(clique.begin(), clique.end());
  return found;
}

}  // namespace vesc::forming
