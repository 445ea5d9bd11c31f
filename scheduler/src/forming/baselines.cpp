// SPDX-License-Identifier: MIT
#include "baselines.hpp"

#include <algorithm>
#include <queue>
#include <tuple>
#include <unordered_map>

#include "clique.hpp"

namespace vesc::forming {
namespace {

constexpr std::uint64_t kPeelSteps = 20'000;  // of one search

// Largest RTT between two units, kUnknownRttUs if it is above the limit.
std::uint32_t between_us(const Threshold& graph, const std::vector<std::uint32_t>& a,
                         const std::vector<std::uint32_t>& b) {
  std::uint32_t largest = 0;
  for (std::uint32_t x : a) {
    for (std::uint32_t y : b) {
      if (!graph.joined(x, y)) return kUnknownRttUs;
      largest = std::max(largest, graph.us(x, y));
    }
  }
  return largest;
}

// For each unit the later units that have a pair within the limit with it.
std::vector<std::vector<std::uint32_t>> later_neighbours(const Threshold& graph,
                                                         const Groups& units) {
  constexpr std::uint32_t kNone = ~0u;
  std::vector<std::uint32_t> unit_of(graph.size(), kNone), seen(units.size(), kNone);
  for (std::uint32_t u = 0; u < units.size(); ++u) {
    for (std::uint32_t node : units[u]) unit_of[node] = u;
  }
  std::vector<std::vector<std::uint32_t>> later(units.size());
  for (std::uint32_t u = 0; u < units.size(); ++u) {
    // If all nodes of two units are within the limit, so are those of the first node.
    for (const Near& near : graph.neighbours(units[u].front())) {
      std::uint32_t other = unit_of[near.node];
      if (other == kNone || other <= u || seen[other] == u) continue;
      seen[other] = u;
      later[u].push_back(other);
    }
    std::sort(later[u].begin(), later[u].end());
  }
  return later;
}

}  // namespace

Groups single_nodes(std::size_t size) {
  Groups units(size);
  for (std::uint32_t node = 0; node < size; ++node) units[node] = {node};
  return units;
}

Groups complete_link(const Threshold& graph, Groups units, std::size_t size_max) {
  std::size_t n = units.size();
  std::vector<std::unordered_map<std::uint32_t, std::uint32_t>> far(n);
  struct Merge {
    std::uint32_t us, a, b, age_a, age_b;
    bool operator>(const Merge& other) const {
      return std::tie(us, a, b) > std::tie(other.us, other.a, other.b);
    }
  };
  std::priority_queue<Merge, std::vector<Merge>, std::greater<>> queue;
  std::vector<std::uint32_t> age(n);
  auto later = later_neighbours(graph, units);
  for (std::uint32_t a = 0; a < n; ++a) {
    for (std::uint32_t b : later[a]) {
      std::uint32_t us = between_us(graph, units[a], units[b]);
      if (us == kUnknownRttUs) continue;
      far[a][b] = far[b][a] = us;
      queue.push({us, a, b, 0, 0});
    }
  }
  while (!queue.empty()) {
    Merge merge = queue.top();
    queue.pop();
    auto [us, a, b, age_a, age_b] = merge;
    if (age[a] != age_a || age[b] != age_b || units[a].size() + units[b].size() > size_max)
      continue;
    units[a].insert(units[a].end(), units[b].begin(), units[b].end());
    std::sort(units[a].begin(), units[a].end());
    units[b].clear();
    ++age[a];
    age[b] = ~0u;
    std::unordered_map<std::uint32_t, std::uint32_t> both;
    for (auto [other, other_us] : far[a]) {
      far[other].erase(a);
      auto at = far[b].find(other);
      if (other != b && at != far[b].end()) both[other] = std::max(other_us, at->second);
    }
    for (auto [other, other_us] : far[b]) far[other].erase(b);
    far[b].clear();
    for (auto [other, other_us] : both) {
      far[other][a] = other_us;
      auto [first, second] = std::minmax(a, other);
      queue.push({other_us, first, second, age[first], age[second]});
    }
    far[a] = std::move(both);
  }
  std::erase_if(units, [](const auto& unit) { return unit.empty(); });
  std::sort(units.begin(), units.end());
  return units;
}

Groups peel(const Threshold& graph, Groups units, std::size_t size_max) {
  Groups done;
  while (!units.empty()) {
    Graph graph_of_units(units.size());
    auto later = later_neighbours(graph, units);
    for (std::size_t a = 0; a < units.size(); ++a) {
      graph_of_units.weights[a] = units[a].size();
      for (std::uint32_t b : later[a]) {
        if (between_us(graph, units[a], units[b]) != kUnknownRttUs) graph_of_units.connect(a, b);
      }
    }
    std::uint64_t steps = 0;
    Clique clique = heaviest_clique(graph_of_units, size_max, kPeelSteps, steps);
    if (clique.vertices.size() < 2) break;
    std::vector<std::uint32_t> group;
    std::vector<bool> taken(units.size());
    for (std::size_t v : clique.vertices) {
      if (!group.empty() && group.size() + units[v].size() > size_max) continue;
      group.insert(group.end(), units[v].begin(), units[v].end());
      taken[v] = true;
    }
    std::sort(group.begin(), group.end());
    Groups left;
    for (std::size_t v = 0; v < units.size(); ++v) {
      if (!taken[v]) left.push_back(std::move(units[v]));
    }
    done.push_back(std::move(group));
    units = std::move(left);
  }
  done.insert(done.end(), units.begin(), units.end());
  std::sort(done.begin(), done.end());
  return done;
}

}  // namespace vesc::forming
