// SPDX-License-Identifier: MIT
#include "vesc/forming/planner.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "random.hpp"

namespace vesc::forming {
namespace {

constexpr std::size_t kHops = 24;  // near neighbours that are asked for theirs
constexpr double kWayShare = 0.7;
constexpr std::uint32_t kCommonMin = 4;

// Guessed RTT of node to every node not known to it, from the third nodes that both know: not more
// than the shortest way over one, and about the mean difference of the distances to them, which is
// small for two nodes of one site and large for all others. Guessed low, so that pairs that may be
// good are tried.
std::vector<Near> guesses(const Pairs& known, std::size_t node, std::size_t hops) {
  struct Seen {
    std::uint32_t way_us = kUnknownRttUs, count = 0;
    std::uint64_t difference_us = 0;
  };
  std::vector<Seen> seen(known.size());
  auto near = known.near(node);
  for (const Near& hop : near.first(std::min(hops, near.size()))) {
    for (const Near& next : known.near(hop.node)) {
      if (next.node == node) continue;
      Seen& other = seen[next.node];
      other.way_us = std::min(other.way_us, hop.rtt_us + next.rtt_us);
      ++other.count;
      other.difference_us +=
          hop.rtt_us > next.rtt_us ? hop.rtt_us - next.rtt_us : next.rtt_us - hop.rtt_us;
    }
  }
  for (const Near& one : near) seen[one.node].count = 0;
  std::vector<Near> list;
  for (std::uint32_t other = 0; other < known.size(); ++other) {
    const Seen& it = seen[other];
    if (it.count == 0) continue;
    double guess_us = kWayShare * it.way_us;
    if (it.count >= kCommonMin)
      guess_us = std::min(guess_us, static_cast<double>(it.difference_us) / it.count);
    list.push_back({std::max(1u, static_cast<std::uint32_t>(guess_us)), other});
  }
  std::sort(list.begin(), list.end());
  return list;
}

// All that is known, and guesses for the rest, as a dense matrix of the query's nodes.
RttMatrix guessed(const Pairs& known, const std::vector<std::size_t>& nodes) {
  std::vector<std::size_t> place(known.size(), nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) place[nodes[i]] = i;
  RttMatrix matrix(nodes.size());
  auto put = [&](std::size_t a, std::size_t b, std::uint32_t us) {
    matrix.set_directed_us(a, b, us);
    matrix.set_directed_us(b, a, us);
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const Near& guess : guesses(known, nodes[i], known.size())) {
      std::size_t j = place[guess.node];
      if (j == nodes.size()) continue;
      if (guess.rtt_us < matrix.directed_us(i, j)) put(i, j, guess.rtt_us);
    }
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const Near& near : known.near(nodes[i])) {
      if (place[near.node] != nodes.size()) put(i, place[near.node], near.rtt_us);
    }
  }
  return matrix;
}

// The nodes a query may use.
std::vector<std::size_t> allowed(const Pairs& known, const Query& query) {
  std::vector<bool> in(known.size(), query.free.empty());
  for (std::size_t node : query.free) in[node] = true;
  for (std::size_t node : query.exclude) in[node] = false;
  for (std::size_t node = 0; node < query.capacity.size(); ++node) {
    if (query.capacity[node].cores < query.each.cores ||
        query.capacity[node].memory_mib < query.each.memory_mib)
      in[node] = false;
  }
  std::vector<std::size_t> nodes;
  for (std::size_t node = 0; node < in.size(); ++node) {
    if (in[node]) nodes.push_back(node);
  }
  return nodes;
}

}  // namespace

std::vector<std::uint32_t> next_probes(const Pairs& known, std::size_t node, std::size_t count,
                                       std::uint64_t random) {
  Random draw(random);
  std::vector<bool> taken(known.size());
  taken[node] = true;
  for (const Near& near : known.near(node)) taken[near.node] = true;
  std::size_t unknown = static_cast<std::size_t>(std::count(taken.begin(), taken.end(), false));
  count = std::min(count, unknown);
  std::vector<std::uint32_t> chosen;
  auto choose = [&](std::uint32_t other) {
    if (taken[other]) return;
    taken[other] = true;
    chosen.push_back(other);
  };
  std::size_t by_guess = known.near(node).size() < count * 4 ? count - count / 4 : count;
  for (const Near& guess : guesses(known, node, kHops)) {
    if (chosen.size() >= by_guess) break;
    choose(guess.node);
  }
  while (chosen.size() < count) choose(static_cast<std::uint32_t>(draw.below(known.size())));
  return chosen;
}

Result<PooledAnswer> query_measuring(Pairs& known, const Query& query, std::size_t budget,
                                     const std::function<std::uint32_t(Probe)>& measure) {
  // Asked once on what is known, so that a query that contradicts itself is refused as ever.
  auto first = forming::query(known, query);
  if (!first) return first.error();
  PooledAnswer result;
  std::vector<std::size_t> nodes = allowed(known, query);
  RttMatrix matrix = guessed(known, nodes);
  Query inner;
  inner.size = query.size;
  inner.max_rtt_us = query.max_rtt_us;
  inner.steps_max = query.steps_max / 16;
  for (std::size_t node : query.include) {
    auto at = std::lower_bound(nodes.begin(), nodes.end(), node);
    inner.include.push_back(static_cast<std::size_t>(at - nodes.begin()));
  }
  while (result.measured < budget) {
    auto guess = forming::query(Pairs(matrix), inner);
    if (!guess.ok() || !guess->feasible) break;
    bool complete = true;
    for (std::size_t x = 0; x < guess->nodes.size() && result.measured < budget; ++x) {
      for (std::size_t y = x + 1; y < guess->nodes.size() && result.measured < budget; ++y) {
        std::size_t i = guess->nodes[x], j = guess->nodes[y];
        if (known.us(nodes[i], nodes[j]) != kUnknownRttUs) continue;
        std::uint32_t us =
            measure({static_cast<std::uint32_t>(nodes[i]), static_cast<std::uint32_t>(nodes[j])});
        ++result.measured;
        complete = false;
        known.set(nodes[i], nodes[j], us);
        matrix.set_directed_us(i, j, us);
        matrix.set_directed_us(j, i, us);
        // One pair too far already says that this solution is none.
        if (us > guess->diameter_us * 2ULL) y = guess->nodes.size();
      }
    }
    if (complete) break;
  }
  auto answer = forming::query(known, query);
  if (!answer) return answer.error();
  result.answer = std::move(*answer);
  return result;
}

Simulated simulate(const RttMatrix& truth, const SimulateOptions& options) {
  std::size_t n = truth.size();
  Pairs real(truth), known(n);
  Random random(options.seed);
  auto probe = [&](Probe pair) {
    std::uint32_t us = real.us(pair.from, pair.to);
    if (us != kUnknownRttUs) known.set(pair.from, pair.to, us);
    return us;
  };
  // Rounds of a few probes a node, so that what one learned is the next one's gossip.
  constexpr std::size_t kRound = 4;
  std::size_t random_rounds = std::max<std::size_t>(1, options.probes / 6 / kRound);
  for (std::size_t done = 0, round = 0; done < options.probes && n > 1; done += kRound, ++round) {
    std::size_t count = std::min(kRound, options.probes - done);
    for (std::uint32_t node = 0; node < n; ++node) {
      if (round < random_rounds) {
        for (std::size_t i = 0; i < count; ++i) {
          auto other = static_cast<std::uint32_t>(random.below(n));
          if (other != node) probe({node, other});
        }
        continue;
      }
      for (std::uint32_t other : next_probes(known, node, count, random.next()))
        probe({node, other});
    }
  }
  Simulated result;
  std::size_t near = 0, near_known = 0, pairs = 0;
  for (std::size_t a = 0; a < n; ++a) {
    pairs += known.near(a).size();
    for (std::size_t b = a + 1; b < n; ++b) {
      if (real.us(a, b) > 20'000) continue;
      ++near;
      near_known += known.us(a, b) != kUnknownRttUs;
    }
  }
  result.known_per_node = n == 0 ? 0 : static_cast<double>(pairs) / static_cast<double>(n);
  result.recall_20ms = near == 0 ? 1 : static_cast<double>(near_known) / static_cast<double>(near);
  for (std::size_t size : options.sizes) {
    SimulatedSize outcome;
    outcome.size = size;
    for (std::size_t draw = 0; draw < 1 + 2 * options.draws; ++draw) {
      Query query;
      query.size = size;
      if (draw > 0) {
        for (std::size_t node = 0; node < n; ++node) {
          if (random.below(draw <= options.draws ? 2 : 4) == 0) query.free.push_back(node);
        }
        if (query.free.size() < size) continue;
      }
      auto best = forming::query(real, query);
      if (!best.ok() || !best->feasible) continue;
      ++outcome.queries;
      // What one query measures is not the next one's knowledge.
      Pairs own = known;
      auto answer = query_measuring(own, query, 2 * size * size,
                                    [&](Probe pair) { return real.us(pair.from, pair.to); });
      outcome.pairs_measured += static_cast<double>(answer->measured);
      if (!answer->answer.feasible) {
        ++outcome.unanswered;
        continue;
      }
      std::uint32_t us = diameter_us(real, answer->answer.nodes);
      outcome.invalid += us != answer->answer.diameter_us || us == kUnknownRttUs ||
                         answer->answer.nodes.size() != size;
      outcome.ratios.push_back(static_cast<double>(us) / std::max(1u, best->diameter_us));
    }
    std::sort(outcome.ratios.begin(), outcome.ratios.end());
    if (outcome.queries > 0) outcome.pairs_measured /= static_cast<double>(outcome.queries);
    result.sizes.push_back(std::move(outcome));
  }
  return result;
}

}  // namespace vesc::forming
