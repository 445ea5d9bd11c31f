// SPDX-License-Identifier: MIT
//
// How an exact answer is found in milliseconds.
//
// 1. Every candidate's distance to its (k-1)-th nearest candidate is a bound: a node can be in a
//    group of diameter L only if that distance is at most L, so the k-th smallest of these
//    distances is a lower bound of the answer.
// 2. Greedy groups around the best seeds give an upper bound that is the optimum in most cases.
// 3. "Is there anything below it?" is a clique question on the graph of pairs below the bound. The
//    graph is small, for only nodes of the (k-1)-core are in it, and find_clique() answers "no" for
//    most such graphs without branching. One "no" ends the search with a proof; a "yes" gives a
//    better group, and the rest is a binary search between the two bounds, in which the graph only
//    shrinks.
// 4. Among the groups of that diameter a lighter and tighter one is looked for by exchanging nodes.
//
// Nothing here assumes the triangle inequality, which real round-trip times break.
#include "vesc/forming/query.hpp"

#include <algorithm>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include "bit_graph.hpp"

namespace vesc::forming {
namespace {

constexpr std::size_t kSeedsMax = 128;
constexpr std::size_t kVisitsMax = 1'000'000;   // of neighbours, by tighten() and by exchange()
constexpr std::size_t kGreedyWork = 6'000'000;  // seeds * size * pool
constexpr std::size_t kExchangesMax = 32;
constexpr std::size_t kTrussVerticesMax = 4096;  // 32 MiB of counters

using Nodes = std::vector<std::uint32_t>;

class Solver {
 public:
  Solver(const Pairs& pairs, const Query& query, Nodes anchors, Nodes candidates)
      : pairs_(pairs),
        query_(query),
        anchors_(std::move(anchors)),
        candidates_(std::move(candidates)),
        wanted_(query.size - anchors_.size()),
        base_us_(pairs.size(), kUnknownRttUs),
        reach_us_(pairs.size(), kUnknownRttUs),
        seen_us_(pairs.size()),
        seen_by_(pairs.size(), 0),
        grown_(pairs.size(), 0) {}

  Answer solve() {
    Answer answer;
    find_bases();
    find_reaches();
    if (lower_us_ != kUnknownRttUs && lower_us_ <= query_.max_rtt_us) {
      grow_greedily();
      improve();
      if (!best_.empty()) exchange();
    }
    if (lower_us_ >= kUnknownRttUs) lower_us_ = kUnknownRttUs;
    answer.steps = steps_;
    answer.optimal = proved_;
    answer.lower_bound_us = lower_us_;
    answer.feasible = !best_.empty();
    if (!answer.feasible) return answer;
    answer.nodes.assign(best_.begin(), best_.end());
    std::sort(answer.nodes.begin(), answer.nodes.end());
    answer.diameter_us = diameter_us(pairs_, answer.nodes);
    answer.mean_us = mean_rtt_us(pairs_, answer.nodes);
    return answer;
  }

 private:
  std::uint32_t weight(std::uint32_t node) const {
    return query_.weights.empty() ? 0 : query_.weights[node];
  }

  // A candidate's base: its largest RTT to a given node. Candidates out of reach are dropped.
  void find_bases() {
    std::uint32_t between_us = 0;
    for (std::size_t a = 0; a < anchors_.size(); ++a) {
      for (std::size_t b = a + 1; b < anchors_.size(); ++b)
        between_us = std::max(between_us, pairs_.us(anchors_[a], anchors_[b]));
    }
    lower_us_ = between_us;
    for (std::uint32_t node : candidates_) {
      std::uint32_t base_us = 0;
      for (std::uint32_t anchor : anchors_) base_us = std::max(base_us, pairs_.us(anchor, node));
      base_us_[node] = base_us;
    }
    std::erase_if(candidates_, [&](std::uint32_t node) {
      bool out = base_us_[node] > query_.max_rtt_us || base_us_[node] == kUnknownRttUs;
      if (out) base_us_[node] = kUnknownRttUs;
      return out;
    });
  }

  bool is_candidate(std::uint32_t node) const { return base_us_[node] != kUnknownRttUs; }

  // A candidate's reach: no group with it has a smaller diameter. Sets the lower bound.
  void find_reaches() {
    if (wanted_ == 0) return;
    for (std::uint32_t node : candidates_)
      reach_us_[node] = std::max(base_us_[node], nearest_us(node, wanted_ - 1));
    if (candidates_.size() < wanted_) {
      lower_us_ = kUnknownRttUs;
      return;
    }
    std::vector<std::uint32_t> reaches;
    for (std::uint32_t node : candidates_) reaches.push_back(reach_us_[node]);
    auto last = reaches.begin() + static_cast<std::ptrdiff_t>(wanted_ - 1);
    std::nth_element(reaches.begin(), last, reaches.end());
    lower_us_ = std::max(lower_us_, *last);
  }

  // RTT to the rank-th nearest other candidate.
  std::uint32_t nearest_us(std::uint32_t node, std::size_t rank) {
    if (rank == 0) return 0;
    std::size_t count = 0;
    for (const Near& near : pairs_.near(node)) {
      if (is_candidate(near.node) && ++count == rank) return near.rtt_us;
    }
    if (pairs_.horizon_us(node) == kUnknownRttUs - 1) return kUnknownRttUs;
    std::vector<std::uint32_t> all;
    pairs_.for_each_within(node, kUnknownRttUs - 1, [&](std::uint32_t other, std::uint32_t us) {
      if (is_candidate(other)) all.push_back(us);
    });
    if (all.size() < rank) return kUnknownRttUs;
    auto at = all.begin() + static_cast<std::ptrdiff_t>(rank - 1);
    std::nth_element(all.begin(), at, all.end());
    return *at;
  }

  // The diameter of the best group so far; one above the limit if there is none.
  std::uint32_t bound_us() const {
    if (!best_.empty()) return best_us_;
    return query_.max_rtt_us == kUnknownRttUs ? kUnknownRttUs : query_.max_rtt_us + 1;
  }

  void take(Nodes group, std::uint32_t diameter_us) {
    best_ = std::move(group);
    best_us_ = diameter_us;
  }

  void grow_greedily() {
    if (wanted_ == 0) return take(anchors_, lower_us_);
    Nodes seeds;
    for (std::uint32_t node : candidates_) {
      if (reach_us_[node] < kUnknownRttUs) seeds.push_back(node);
    }
    std::size_t pool_max = 4 * wanted_ + 32;
    std::size_t count = std::clamp<std::size_t>(kGreedyWork / (wanted_ * pool_max), 4, kSeedsMax);
    auto order = [&](std::uint32_t a, std::uint32_t b) {
      return std::tie(reach_us_[a], a) < std::tie(reach_us_[b], b);
    };
    std::size_t sorted = std::min(count * 16, seeds.size());
    auto end = seeds.begin() + static_cast<std::ptrdiff_t>(sorted);
    std::partial_sort(seeds.begin(), end, seeds.end(), order);
    seeds.resize(sorted);
    for (std::uint32_t seed : seeds) {
      if (count == 0 || reach_us_[seed] >= bound_us()) break;
      // A near neighbour of an earlier seed grows nearly the same group again.
      if (grown_[seed] != 0) continue;
      grow(seed, pool_max);
      --count;
    }
    tighten();
  }

  struct Grown {
    std::uint32_t node, largest_us;
    std::uint64_t sum_us;
  };

  // Adds to the seed, again and again, the near candidate that widens the group least.
  void grow(std::uint32_t seed, std::size_t pool_max) {
    std::uint32_t limit_us = bound_us() - 1;
    std::vector<Grown> pool;
    for (const Near& near : pairs_.near(seed)) {
      if (near.rtt_us > limit_us || pool.size() == pool_max) break;
      if (is_candidate(near.node) && reach_us_[near.node] <= limit_us)
        pool.push_back({near.node, std::max(near.rtt_us, base_us_[near.node]), near.rtt_us});
    }
    for (std::size_t i = 0; i < std::min(pool.size(), wanted_ / 4); ++i) grown_[pool[i].node] = 1;
    Nodes group = anchors_;
    group.push_back(seed);
    std::uint32_t diameter_us = std::max(lower_anchor_us(), base_us_[seed]);
    while (group.size() < query_.size) {
      if (pool.size() + group.size() < query_.size) return;
      std::size_t best = 0;
      for (std::size_t i = 1; i < pool.size(); ++i) {
        if (std::tie(pool[i].largest_us, pool[i].sum_us) <
            std::tie(pool[best].largest_us, pool[best].sum_us))
          best = i;
      }
      Grown chosen = pool[best];
      pool[best] = pool.back();
      pool.pop_back();
      group.push_back(chosen.node);
      diameter_us = std::max(diameter_us, chosen.largest_us);
      const std::uint32_t* row = pairs_.row(chosen.node);
      if (row == nullptr) see_from(chosen.node, limit_us);
      std::erase_if(pool, [&](Grown& other) {
        std::uint32_t us = row != nullptr ? row[other.node] : seen(chosen.node, other.node);
        other.largest_us = std::max(other.largest_us, us);
        other.sum_us += us;
        return us > limit_us;
      });
    }
    take(std::move(group), diameter_us);
  }

  // Exchanges the node with the most pairs at the diameter for one that is nearer to all others, as
  // long as there is one. Neither the diameter nor the number of such pairs ever grows.
  void tighten() {
    std::size_t k = best_.size();
    struct Meeting {
      std::uint32_t members = 0,
                    places = 0;  // met within the diameter, and the sum of their places
    };
    std::vector<Meeting> meetings(pairs_.size());
    Nodes touched;
    std::size_t visits = 0;
    while (visits < kVisitsMax && k > 1 && best_us_ > lower_us_) {
      for (std::uint32_t node : touched) meetings[node] = {};
      touched.clear();
      for (std::uint32_t place = 0; place < k; ++place) {
        pairs_.for_each_within(best_[place], best_us_ - 1, [&](std::uint32_t other, std::uint32_t) {
          if (meetings[other].members++ == 0) touched.push_back(other);
          meetings[other].places += place;
          ++visits;
        });
      }
      std::size_t worst = k;
      for (std::size_t place = anchors_.size(); place < k; ++place) {
        std::uint32_t met = meetings[best_[place]].members;
        if (met + 1 < k && (worst == k || met < meetings[best_[worst]].members)) worst = place;
      }
      if (worst == k) return;
      for (std::uint32_t node : best_) meetings[node].members = 0;
      std::uint32_t in = kUnknownRttUs, in_us = kUnknownRttUs;
      for (std::uint32_t node : touched) {
        const Meeting& meeting = meetings[node];
        bool meets_rest = meeting.members == k ||
                          (meeting.members + 1 == k && meeting.places + worst == k * (k - 1) / 2);
        if (!meets_rest || !is_candidate(node) || base_us_[node] >= best_us_) continue;
        std::uint32_t us = 0;
        for (std::size_t place = 0; place < k; ++place) {
          if (place != worst) us = std::max(us, pairs_.us(node, best_[place]));
        }
        if (std::tie(us, node) < std::tie(in_us, in)) std::tie(in_us, in) = std::tie(us, node);
      }
      if (in == kUnknownRttUs) return;
      best_[worst] = in;
      best_us_ = 0;
      for (std::size_t a = 0; a < k; ++a) {
        for (std::size_t b = a + 1; b < k; ++b)
          best_us_ = std::max(best_us_, pairs_.us(best_[a], best_[b]));
      }
    }
  }

  std::uint32_t lower_anchor_us() const {
    std::uint32_t us = 0;
    for (std::size_t a = 0; a < anchors_.size(); ++a) {
      for (std::size_t b = a + 1; b < anchors_.size(); ++b)
        us = std::max(us, pairs_.us(anchors_[a], anchors_[b]));
    }
    return us;
  }

  // Spreads out a node's list, so that seen() of it is one look.
  void see_from(std::uint32_t node, std::uint32_t limit_us) {
    pairs_.for_each_within(node, limit_us, [&](std::uint32_t other, std::uint32_t us) {
      seen_us_[other] = us;
      seen_by_[other] = node + 1;
    });
  }
  std::uint32_t seen(std::uint32_t node, std::uint32_t other) const {
    return seen_by_[other] == node + 1 ? seen_us_[other] : kUnknownRttUs;
  }

  // Looks below the greedy group. Taking pairs out, the farthest first, and with them whatever can
  // then be in no group, leaves nothing at some RTT: a lower bound, and most often the answer.
  // Otherwise it lies a little above, between there and the greedy group.
  void improve() {
    if (wanted_ == 0 || (!best_.empty() && lower_us_ >= best_us_)) return settle();
    std::uint32_t top_us = std::min(bound_us(), kUnknownRttUs) - 1;
    std::vector<Edge> edges = edges_within(top_us);
    if (edges.empty()) {
      lower_us_ = std::max(lower_us_, top_us + 1);
      return settle();
    }
    // Nothing within the first `low` edges is feasible, or it is undecided. All edges are below the
    // best group.
    std::size_t low = 0, step = 1;
    bool undecided = false;
    auto try_first = [&](std::size_t count, BitGraph& graph) {
      Nodes group;
      CliqueSearch found = find_clique(graph, wanted_, query_.steps_max, steps_, clique_);
      if (found == CliqueSearch::kFound) {
        take_clique();
        // What find_clique() took out of the graph is in no group within this RTT or a smaller one.
        std::size_t kept = 0, kept_low = 0;
        for (std::size_t i = 0; i < count && edges[i].rtt_us < best_us_; ++i) {
          if (!graph.connected(edges[i].a, edges[i].b)) continue;
          kept_low += i < low;
          edges[kept++] = edges[i];
        }
        edges.resize(kept);
        low = kept_low;
        return;
      }
      undecided = undecided || found == CliqueSearch::kUndecided;
      low = count;
      raise_lower(undecided, low < edges.size() ? edges[low].rtt_us : top_us + 1);
    };
    auto end_of_value = [&](std::size_t count) {
      while (count < edges.size() && edges[count].rtt_us == edges[count - 1].rtt_us) ++count;
      return count;
    };
    if (used_.size() <= kTrussVerticesMax) {
      BitGraph graph = graph_of(edges);
      std::size_t last = tightest_truss(graph, edges, wanted_);
      raise_lower(false, edges[last].rtt_us);
      try_first(end_of_value(last + 1), graph);
    }
    while (low < edges.size() && (best_.empty() || lower_us_ < best_us_)) {
      // First close above what is known to be too little, then in the middle.
      std::size_t ahead = std::min(step, (edges.size() - low + 1) / 2);
      step *= 8;
      std::size_t count = end_of_value(low + ahead);
      BitGraph graph = graph_of({edges.data(), count});
      try_first(count, graph);
    }
    if (!undecided) raise_lower(false, best_.empty() ? top_us + 1 : best_us_);
    settle();
  }

  void raise_lower(bool undecided, std::uint32_t us) {
    if (!undecided) lower_us_ = std::max(lower_us_, us);
  }

  void settle() {
    if (best_.empty()) {
      proved_ = lower_us_ > std::min(query_.max_rtt_us, kUnknownRttUs - 1);
    } else {
      proved_ = lower_us_ >= best_us_;
      lower_us_ = std::min(lower_us_, best_us_);
    }
  }

  // The pairs that can be in a group within limit_us, ascending: those of the graph of all pairs
  // within it after prune(), connected part by connected part. A pair counts with its RTT or the
  // reach of its nodes if that is more. Fills used_, the nodes that the edges' ends number.
  std::vector<Edge> edges_within(std::uint32_t limit_us) {
    Nodes core;
    // Candidates in reach, renumbered, each with a row of its neighbours among them.
    for (std::uint32_t node : candidates_) {
      if (reach_us_[node] <= limit_us) core.push_back(node);
    }
    constexpr std::uint32_t kNone = kUnknownRttUs;
    std::vector<std::uint32_t> local(pairs_.size(), kNone);
    for (std::uint32_t i = 0; i < core.size(); ++i) local[core[i]] = i;
    std::vector<std::size_t> begin = {0};
    std::vector<Near> entries;
    for (std::uint32_t node : core) {
      const std::uint32_t* cells = pairs_.row(node);
      if (cells != nullptr && limit_us > pairs_.horizon_us(node)) {
        // Its list is too short; a look at each candidate is cheaper than one at each node.
        for (std::uint32_t i = 0; i < core.size(); ++i) {
          if (core[i] != node && cells[core[i]] <= limit_us) entries.push_back({cells[core[i]], i});
        }
      } else {
        pairs_.for_each_within(node, limit_us, [&](std::uint32_t other, std::uint32_t us) {
          if (local[other] != kNone) entries.push_back({us, local[other]});
        });
      }
      begin.push_back(entries.size());
    }
    auto row = [&](std::uint32_t i) {
      return std::span(entries).subspan(begin[i], begin[i + 1] - begin[i]);
    };
    std::size_t n = core.size();
    // The (wanted-1)-core.
    std::vector<std::uint32_t> degree(n), stack;
    std::vector<std::uint8_t> gone(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      degree[i] = static_cast<std::uint32_t>(row(i).size());
      if (degree[i] + 1 < wanted_) {
        gone[i] = 1;
        stack.push_back(i);
      }
    }
    while (!stack.empty()) {
      std::uint32_t i = stack.back();
      stack.pop_back();
      for (const Near& near : row(i)) {
        if (gone[near.node] || --degree[near.node] + 1 >= wanted_) continue;
        gone[near.node] = 1;
        stack.push_back(near.node);
      }
    }
    std::vector<Edge> edges;
    std::vector<std::uint32_t> used(n, kNone);
    auto use = [&](std::uint32_t i) {
      if (used[i] == kNone) {
        used[i] = static_cast<std::uint32_t>(used_.size());
        used_.push_back(core[i]);
      }
      return used[i];
    };
    std::vector<std::uint32_t> place(n, kNone);
    for (std::uint32_t start = 0; start < n; ++start) {
      if (gone[start] || place[start] != kNone) continue;
      Nodes part = {start};
      place[start] = 0;
      for (std::size_t at = 0; at < part.size(); ++at) {
        for (const Near& near : row(part[at])) {
          if (gone[near.node] || place[near.node] != kNone) continue;
          place[near.node] = static_cast<std::uint32_t>(part.size());
          part.push_back(near.node);
        }
      }
      if (part.size() < wanted_) continue;
      BitGraph graph(part.size());
      for (std::uint32_t i : part) {
        for (const Near& near : row(i)) {
          if (!gone[near.node]) graph.add(place[i], place[near.node]);
        }
      }
      prune(graph, wanted_);
      for (std::uint32_t i : part) {
        if (graph.degree(place[i]) == 0) continue;
        for (const Near& near : row(i)) {
          if (near.node <= i || gone[near.node] || !graph.connected(place[i], place[near.node]))
            continue;
          std::uint32_t far_us = std::max(reach_us_[core[i]], reach_us_[core[near.node]]);
          edges.push_back({std::max(near.rtt_us, far_us), use(i), use(near.node)});
        }
      }
    }
    std::sort(edges.begin(), edges.end());
    return edges;
  }

  BitGraph graph_of(std::span<const Edge> edges) const {
    BitGraph graph(used_.size());
    for (const Edge& edge : edges) {
      graph.add(edge.a, edge.b);
      graph.add(edge.b, edge.a);
    }
    return graph;
  }

  void take_clique() {
    Nodes group = anchors_;
    for (std::size_t v : clique_) group.push_back(used_[v]);
    std::uint32_t largest_us = 0;
    for (std::size_t a = 0; a < group.size(); ++a) {
      for (std::size_t b = a + 1; b < group.size(); ++b)
        largest_us = std::max(largest_us, pairs_.us(group[a], group[b]));
    }
    take(std::move(group), largest_us);
  }

  // Exchanges single nodes for lighter ones, then for such that make the mean RTT smaller, as long
  // as the diameter stays.
  void exchange() {
    constexpr std::uint32_t kMember = kUnknownRttUs;
    struct Meeting {
      std::uint32_t count = 0;  // of members within the diameter; kMember if it is one itself
      std::uint64_t sum_us = 0;
      std::uint64_t met = 0;  // sum of the places met; the one place not met follows from it
    };
    std::size_t k = best_.size();
    std::uint64_t places = k * (k - 1) / 2;
    std::vector<Meeting> meetings(pairs_.size());
    Nodes touched;
    std::size_t visits = 0;
    for (std::size_t round = 0; round < kExchangesMax && k > 1 && visits < kVisitsMax; ++round) {
      for (std::uint32_t node : touched) meetings[node] = {};
      touched.clear();
      for (std::size_t place = 0; place < k; ++place) {
        pairs_.for_each_within(best_[place], best_us_, [&](std::uint32_t other, std::uint32_t us) {
          Meeting& meeting = meetings[other];
          ++visits;
          if (meeting.count++ == 0) touched.push_back(other);
          meeting.sum_us += us;
          meeting.met += place;
        });
      }
      for (std::uint32_t node : best_) meetings[node].count = kMember;
      // (weight saved, RTT saved), largest first; ties by number.
      std::int64_t best_weight = 0, best_sum = 0;
      std::uint32_t in = 0;
      std::size_t out = k;
      std::sort(touched.begin(), touched.end());
      auto consider = [&](std::uint32_t node, std::size_t place) {
        if (place < anchors_.size()) return;
        std::uint32_t leaving = best_[place];
        std::uint32_t between = pairs_.us(node, leaving);
        std::uint64_t with_us = meetings[node].sum_us - (between <= best_us_ ? between : 0);
        std::int64_t saved_weight = std::int64_t{weight(leaving)} - std::int64_t{weight(node)};
        std::int64_t saved_us = static_cast<std::int64_t>(meetings[leaving].sum_us) -
                                static_cast<std::int64_t>(with_us);
        if (std::tie(saved_weight, saved_us) <= std::tie(best_weight, best_sum)) return;
        std::tie(best_weight, best_sum, in, out) = std::tuple(saved_weight, saved_us, node, place);
      };
      for (std::uint32_t node : touched) {
        const Meeting& meeting = meetings[node];
        if (meeting.count == kMember || !is_candidate(node) || base_us_[node] > best_us_) continue;
        if (meeting.count == k) {
          for (std::size_t place = 0; place < k; ++place) consider(node, place);
        } else if (meeting.count + 1 == k) {
          consider(node, static_cast<std::size_t>(places - meeting.met));
        }
      }
      if (out == k) return;
      best_[out] = in;
    }
  }

  const Pairs& pairs_;
  const Query& query_;
  Nodes anchors_, candidates_;
  std::size_t wanted_;                  // besides the anchors
  std::vector<std::uint32_t> base_us_;  // kUnknownRttUs: no candidate
  std::vector<std::uint32_t> reach_us_;
  std::vector<std::uint32_t> seen_us_, seen_by_;
  std::vector<std::uint8_t> grown_;  // near neighbours of the seeds tried
  std::uint32_t lower_us_ = 0;
  Nodes used_;  // candidates that can be in a better group than the greedy one
  std::vector<std::size_t> clique_;
  Nodes best_;  // the anchors first
  std::uint32_t best_us_ = 0;
  std::uint64_t steps_ = 0;
  bool proved_ = true;
};

Error out_of_range(std::size_t node, std::size_t size) {
  return {ErrorCode::kInvalidInput,
          fmt::format("there is no node {}: the matrix has nodes 0 to {}", node, size - 1)};
}

}  // namespace

Result<Answer> query(const Pairs& pairs, const Query& query) {
  std::size_t n = pairs.size();
  enum : std::uint8_t { kOut, kCandidate, kAnchor };
  std::vector<std::uint8_t> state(n, query.free.empty() ? kCandidate : kOut);
  for (const auto* list : {&query.free, &query.include, &query.exclude}) {
    for (std::size_t node : *list) {
      if (node >= n) return out_of_range(node, n);
    }
  }
  for (std::size_t node : query.free) state[node] = kCandidate;
  for (std::size_t node : query.exclude) state[node] = kOut;
  if ((!query.capacity.empty() && query.capacity.size() != n) ||
      (!query.weights.empty() && query.weights.size() != n))
    return Error{ErrorCode::kInvalidInput, "capacities and weights are of other nodes"};
  for (std::size_t node = 0; node < query.capacity.size(); ++node) {
    if (query.capacity[node].cores < query.each.cores ||
        query.capacity[node].memory_mib < query.each.memory_mib)
      state[node] = kOut;
  }
  for (std::size_t node : query.include) {
    if (state[node] == kOut)
      return Error{
          ErrorCode::kInvalidInput,
          fmt::format("node {} is to be included but is excluded, not free or too small", node)};
    state[node] = kAnchor;
  }
  Nodes anchors, candidates;
  for (std::uint32_t node = 0; node < n; ++node) {
    if (state[node] == kAnchor) anchors.push_back(node);
    if (state[node] == kCandidate) candidates.push_back(node);
  }
  if (query.size == 0 || query.size < anchors.size())
    return Error{ErrorCode::kInvalidInput, fmt::format("a group of {} cannot hold {} given nodes",
                                                       query.size, anchors.size())};
  return Solver(pairs, query, std::move(anchors), std::move(candidates)).solve();
}

}  // namespace vesc::forming
