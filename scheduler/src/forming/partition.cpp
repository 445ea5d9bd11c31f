// SPDX-License-Identifier: MIT
#include "vesc/forming/partition.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

#include <fmt/format.h>

#include "anneal.hpp"
#include "baselines.hpp"
#include "bit_graph.hpp"

namespace vesc::forming {
namespace {

constexpr std::size_t kPeelNodesMax = 4000;  // peeling is quadratic in memory and worse in time
constexpr int kAttempts = 6;

std::size_t squares(const Groups& groups) {
  std::size_t sum = 0;
  for (const auto& group : groups) sum += group.size() * group.size();
  return sum;
}

double inner_rtt_us(const Threshold& graph, const Groups& groups) {
  double sum = 0;
  for (const auto& group : groups) {
    for (std::size_t a = 0; a < group.size(); ++a) {
      for (std::size_t b = a + 1; b < group.size(); ++b) sum += graph.us(group[a], group[b]);
    }
  }
  return sum;
}

Groups at_least(Groups groups, std::size_t size_min) {
  std::erase_if(groups, [&](const auto& group) { return group.size() < size_min; });
  return groups;
}

// The sum of squares, the nodes placed, then the jobs of 8, 16, 32, ... nodes that fit at once.
std::vector<std::size_t> service(const Groups& groups, std::size_t size_max) {
  std::vector<std::size_t> counts = {squares(groups), 0};
  for (const auto& group : groups) counts[1] += group.size();
  for (std::size_t job = 8; job <= size_max; job *= 2) {
    counts.push_back(0);
    for (const auto& group : groups) counts.back() += group.size() / job;
  }
  return counts;
}

// Of several partitions the one that keeps the service of the baselines (or falls short in the
// fewest points), then the best by squares, nodes and RTT.
struct Choice {
  Groups groups;
  std::size_t short_of = 0;
  std::size_t squares = 0, placed = 0;
  double rtt_us = 0;

  auto rank() const { return std::tuple(-static_cast<double>(short_of), squares, placed, -rtt_us); }
};

Groups better(const Threshold& graph, Groups a, Groups b) {
  std::size_t sum_a = squares(a), sum_b = squares(b);
  bool take_b =
      sum_b > sum_a || (sum_b == sum_a && inner_rtt_us(graph, b) < inner_rtt_us(graph, a));
  return take_b ? std::move(b) : std::move(a);
}

Groups form(const Threshold& graph, const PartitionOptions& options) {
  std::vector<std::vector<std::size_t>> floors;
  std::optional<Choice> best;
  auto judge = [&](Groups groups) {
    Choice choice;
    std::vector<std::size_t> offered = service(groups, options.size_max);
    std::vector<bool> lacks(offered.size());
    for (const auto& floor : floors) {
      for (std::size_t i = 0; i < offered.size(); ++i) lacks[i] = lacks[i] || offered[i] < floor[i];
    }
    choice.short_of = static_cast<std::size_t>(std::count(lacks.begin(), lacks.end(), true));
    choice.squares = offered[0];
    choice.placed = offered[1];
    choice.rtt_us = inner_rtt_us(graph, groups);
    choice.groups = std::move(groups);
    if (!best || choice.rank() > best->rank()) best = std::move(choice);
    return lacks;
  };
  Groups linked = at_least(complete_link(graph, single_nodes(graph.size()), options.size_max),
                           options.size_min);
  Groups start = linked;
  floors.push_back(service(linked, options.size_max));
  if (graph.size() <= kPeelNodesMax) {
    Groups peeled =
        at_least(peel(graph, single_nodes(graph.size()), options.size_max), options.size_min);
    floors.push_back(service(peeled, options.size_max));
    judge(peeled);
    start = better(graph, std::move(peeled), linked);
  }
  judge(std::move(linked));
  AnnealOptions annealing;
  annealing.size_min = options.size_min;
  annealing.size_max = options.size_max;
  annealing.node_worth = 8;
  annealing.job_worth = 1;
  annealing.rtt_cost = 0.5;
  annealing.seed = options.seed;
  annealing.moves = options.moves != 0
                        ? options.moves
                        : std::clamp<std::uint64_t>(graph.size() * 2000, 100'000, 10'000'000);
  for (int attempt = 0; attempt < kAttempts; ++attempt, ++annealing.seed) {
    std::vector<bool> lacks = judge(anneal(graph, start, annealing));
    // What the attempt lacked is worth more in the next one, and what it had enough of less.
    bool lacks_jobs = std::count(lacks.begin() + 2, lacks.end(), true) > 0;
    annealing.node_worth *= lacks[1] ? 1.4 : 0.8;
    annealing.job_worth *= lacks_jobs ? 1.7 : 0.8;
    if (lacks[0]) annealing.rtt_cost *= 0.3;
  }
  return best->groups;
}

}  // namespace

Result<std::vector<Cluster>> partition(const Pairs& pairs, const PartitionOptions& options) {
  if (options.size_min < 2 || options.size_min > options.size_max)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("groups of {} to {} nodes cannot be: the smallest has at least 2",
                             options.size_min, options.size_max)};
  std::vector<Cluster> clusters;
  for (const auto& group : form(Threshold(pairs, options.limit_us), options))
    clusters.push_back({fmt::format("g{}", clusters.size() + 1), {group.begin(), group.end()}});
  return clusters;
}

std::vector<TierGroup> partition_ladder(const Pairs& pairs,
                                        const std::vector<std::uint32_t>& tiers_us) {
  std::vector<TierGroup> groups;
  Groups units = single_nodes(pairs.size());
  for (std::uint32_t tier_us : tiers_us) {
    Threshold graph(pairs, tier_us);
    Groups next = complete_link(graph, units, pairs.size());
    if (units.size() <= kPeelNodesMax) next = better(graph, peel(graph, units, pairs.size()), next);
    for (const auto& unit : next) {
      bool is_new = unit.size() > 1 && !std::binary_search(units.begin(), units.end(), unit);
      if (!is_new) continue;
      std::vector<std::size_t> nodes(unit.begin(), unit.end());
      std::uint32_t diameter = diameter_us(pairs, nodes);
      groups.push_back({tier_us, diameter, std::move(nodes)});
    }
    units = std::move(next);
  }
  std::sort(groups.begin(), groups.end(), [](const TierGroup& a, const TierGroup& b) {
    if (a.tier_us != b.tier_us) return a.tier_us < b.tier_us;
    if (a.nodes.size() != b.nodes.size()) return a.nodes.size() > b.nodes.size();
    return a.nodes < b.nodes;
  });
  return groups;
}

PartitionBound partition_bound(const Pairs& pairs, const PartitionOptions& options,
                               std::uint64_t steps_max) {
  Threshold graph(pairs, options.limit_us);
  PartitionBound bound;
  for (std::uint32_t node = 0; node < graph.size(); ++node) {
    auto neighbours = graph.neighbours(node);
    // The largest size of which a clique with the node exists, or is not ruled out.
    std::size_t low = 1, high = std::min(options.size_max, neighbours.size() + 1);
    while (low < high) {
      std::size_t size = low + (high - low + 1) / 2;
      BitGraph near(neighbours.size());
      for (std::size_t a = 0; a < neighbours.size(); ++a) {
        for (std::size_t b = a + 1; b < neighbours.size(); ++b) {
          if (graph.joined(neighbours[a].node, neighbours[b].node)) near.connect(a, b);
        }
      }
      std::uint64_t steps = 0;
      std::vector<std::size_t> clique;
      if (find_clique(near, size - 1, steps_max, steps, clique) == CliqueSearch::kNone)
        high = size - 1;
      else
        low = size;
    }
    if (low < options.size_min) continue;
    ++bound.placed;
    bound.pairs += static_cast<double>(low - 1) / 2;
  }
  return bound;
}

}  // namespace vesc::forming
