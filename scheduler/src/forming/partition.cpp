// SPDX-License-Identifier: MIT
#include "vesc/forming/partition.hpp"

#include <algorithm>

#include "clique.hpp"
#include "vesc/forming/query.hpp"

namespace vesc::forming {
namespace {

using Unit = std::vector<std::size_t>;

constexpr std::uint64_t kPeelSteps =
    20'000;  // of one search; enough for a proof up to about 100 units

std::uint32_t between_us(const RttMatrix& matrix, const Unit& a, const Unit& b) {
  std::uint32_t largest = 0;
  for (std::size_t x : a) {
    for (std::size_t y : b) largest = std::max(largest, matrix.pair_us(x, y));
  }
  return largest;
}

Unit merged(const Unit& a, const Unit& b) {
  Unit both = a;
  both.insert(both.end(), b.begin(), b.end());
  std::sort(both.begin(), both.end());
  return both;
}

struct Round {
  const RttMatrix& matrix;
  std::uint32_t limit_us;
  std::size_t size_max;
};

// Takes the heaviest mergeable set of units out, again and again.
std::vector<Unit> peel(const Round& round, std::vector<Unit> units) {
  std::vector<Unit> done;
  while (!units.empty()) {
    Graph graph(units.size());
    for (std::size_t a = 0; a < units.size(); ++a) {
      graph.weights[a] = units[a].size();
      for (std::size_t b = a + 1; b < units.size(); ++b) {
        if (between_us(round.matrix, units[a], units[b]) <= round.limit_us) graph.connect(a, b);
      }
    }
    std::uint64_t steps = 0;
    Clique clique = heaviest_clique(graph, round.size_max, kPeelSteps, steps);
    if (clique.vertices.size() < 2) break;
    Unit group;
    std::vector<bool> taken(units.size());
    for (std::size_t v : clique.vertices) {
      if (!group.empty() && group.size() + units[v].size() > round.size_max) continue;
      group = merged(group, units[v]);
      taken[v] = true;
    }
    std::vector<Unit> left;
    for (std::size_t v = 0; v < units.size(); ++v) {
      if (!taken[v]) left.push_back(units[v]);
    }
    done.push_back(std::move(group));
    units = std::move(left);
  }
  done.insert(done.end(), units.begin(), units.end());
  return done;
}

// Merges the two closest units as long as they are within the limit.
std::vector<Unit> complete_link(const Round& round, std::vector<Unit> units) {
  std::size_t n = units.size();
  std::vector<std::vector<std::uint32_t>> far(n, std::vector<std::uint32_t>(n));
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b)
      far[a][b] = a == b ? 0 : between_us(round.matrix, units[a], units[b]);
  }
  std::vector<bool> gone(n);
  for (;;) {
    std::uint32_t closest = kUnknownRttUs;
    std::size_t x = 0, y = 0;
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a + 1; b < n && !gone[a]; ++b) {
        if (gone[b] || far[a][b] >= closest || units[a].size() + units[b].size() > round.size_max)
          continue;
        closest = far[a][b];
        x = a;
        y = b;
      }
    }
    if (closest == kUnknownRttUs || closest > round.limit_us) break;
    units[x] = merged(units[x], units[y]);
    gone[y] = true;
    for (std::size_t other = 0; other < n; ++other) {
      far[x][other] = far[other][x] = std::max(far[x][other], far[y][other]);
    }
  }
  std::vector<Unit> left;
  for (std::size_t a = 0; a < n; ++a) {
    if (!gone[a]) left.push_back(units[a]);
  }
  return left;
}

std::uint64_t squares(const std::vector<Unit>& units) {
  std::uint64_t sum = 0;
  for (const Unit& unit : units) sum += unit.size() * unit.size();
  return sum;
}

double inner_rtt_us(const RttMatrix& matrix, const std::vector<Unit>& units) {
  double sum = 0;
  for (const Unit& unit : units)
    sum += mean_rtt_us(Pairs(matrix), unit) * static_cast<double>(unit.size());
  return sum;
}

std::vector<Unit> better_of_both(const Round& round, const std::vector<Unit>& units) {
  std::vector<Unit> peeled = peel(round, units);
  std::vector<Unit> linked = complete_link(round, units);
  std::uint64_t a = squares(peeled), b = squares(linked);
  bool take_linked =
      b > a || (b == a && inner_rtt_us(round.matrix, linked) < inner_rtt_us(round.matrix, peeled));
  std::vector<Unit> best = take_linked ? std::move(linked) : std::move(peeled);
  std::sort(best.begin(), best.end());
  return best;
}

std::vector<Unit> single_units(const RttMatrix& matrix) {
  std::vector<Unit> units;
  for (std::size_t node = 0; node < matrix.size(); ++node) units.push_back({node});
  return units;
}

void sort_groups(std::vector<TierGroup>& groups) {
  std::sort(groups.begin(), groups.end(), [](const TierGroup& a, const TierGroup& b) {
    if (a.tier_us != b.tier_us) return a.tier_us < b.tier_us;
    if (a.nodes.size() != b.nodes.size()) return a.nodes.size() > b.nodes.size();
    return a.nodes < b.nodes;
  });
}

}  // namespace

std::vector<TierGroup> partition_ladder(const RttMatrix& matrix,
                                        const std::vector<std::uint32_t>& tiers_us) {
  std::vector<TierGroup> groups;
  std::vector<Unit> units = single_units(matrix);
  for (std::uint32_t tier_us : tiers_us) {
    std::vector<Unit> next = better_of_both({matrix, tier_us, matrix.size()}, units);
    for (const Unit& unit : next) {
      bool is_new = unit.size() > 1 && std::find(units.begin(), units.end(), unit) == units.end();
      if (is_new) groups.push_back({tier_us, diameter_us(Pairs(matrix), unit), unit});
    }
    units = std::move(next);
  }
  sort_groups(groups);
  return groups;
}

std::vector<TierGroup> partition_flat(const RttMatrix& matrix, std::uint32_t limit_us,
                                      std::size_t min_size, std::size_t max_size) {
  std::vector<TierGroup> groups;
  for (const Unit& unit : better_of_both({matrix, limit_us, max_size}, single_units(matrix))) {
    if (unit.size() >= std::max<std::size_t>(min_size, 2))
      groups.push_back({limit_us, diameter_us(Pairs(matrix), unit), unit});
  }
  sort_groups(groups);
  return groups;
}

}  // namespace vesc::forming
