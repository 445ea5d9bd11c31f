// SPDX-License-Identifier: MIT
#include "baselines.hpp"

#include <cmath>

namespace vesc::forming {
namespace {

template <typename Us>
std::vector<std::size_t> grow(const std::vector<std::size_t>& free, std::size_t seed,
                              std::size_t size, Us us) {
  std::vector<std::size_t> group = {seed};
  std::vector<std::uint32_t> largest(free.size());
  for (std::size_t i = 0; i < free.size(); ++i)
    largest[i] = free[i] == seed ? kUnknownRttUs : us(seed, free[i]);
  while (group.size() < size) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < free.size(); ++i) {
      if (largest[i] < largest[best]) best = i;
    }
    group.push_back(free[best]);
    largest[best] = kUnknownRttUs;
    for (std::size_t i = 0; i < free.size(); ++i) {
      if (largest[i] != kUnknownRttUs) largest[i] = std::max(largest[i], us(group.back(), free[i]));
    }
  }
  return group;
}

std::vector<std::size_t> star(const Pairs& pairs, const std::vector<std::size_t>& free,
                              std::size_t seed, std::size_t size) {
  std::vector<std::size_t> nodes = free;
  auto end = nodes.begin() + static_cast<std::ptrdiff_t>(size);
  std::partial_sort(nodes.begin(), end, nodes.end(), [&](std::size_t a, std::size_t b) {
    return pairs.us(seed, a) < pairs.us(seed, b);
  });
  nodes.resize(size);
  return nodes;
}

}  // namespace

std::uint32_t choose_at_random(const Pairs& pairs, const std::vector<std::size_t>& free,
                               std::size_t size, std::mt19937_64& random) {
  std::vector<std::size_t> nodes = free;
  std::shuffle(nodes.begin(), nodes.end(), random);
  nodes.resize(size);
  return diameter_us(pairs, nodes);
}

std::uint32_t nearest_to_submitter(const Pairs& pairs, const std::vector<std::size_t>& free,
                                   std::size_t size, std::mt19937_64& random) {
  return diameter_us(pairs, star(pairs, free, free[random() % free.size()], size));
}

std::uint32_t best_star(const Pairs& pairs, const std::vector<std::size_t>& free,
                        std::size_t size) {
  std::uint32_t best = kUnknownRttUs;
  for (std::size_t seed : free)
    best = std::min(best, diameter_us(pairs, star(pairs, free, seed, size)));
  return best;
}

std::uint32_t greedy(const Pairs& pairs, const std::vector<std::size_t>& free, std::size_t size) {
  auto us = [&](std::size_t a, std::size_t b) { return pairs.us(a, b); };
  std::uint32_t best = kUnknownRttUs;
  for (std::size_t seed : free)
    best = std::min(best, diameter_us(pairs, grow(free, seed, size, us)));
  return best;
}

Vivaldi::Vivaldi(const Pairs& pairs, std::size_t neighbours, std::size_t samples,
                 std::uint64_t seed)
    : places_(pairs.size()) {
  std::mt19937_64 random(seed);
  std::size_t n = pairs.size();
  auto unit = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  std::vector<std::vector<std::size_t>> peers(n);
  for (std::size_t node = 0; node < n; ++node) {
    for (std::size_t i = 0; i < neighbours; ++i) peers[node].push_back(random() % n);
    places_[node].x = unit();
    places_[node].y = unit();
  }
  for (std::size_t round = 0; round < samples; ++round) {
    for (std::size_t node = 0; node < n; ++node) {
      std::size_t peer = peers[node][random() % neighbours];
      if (peer == node || pairs.us(node, peer) == kUnknownRttUs) continue;
      Place &me = places_[node], &other = places_[peer];
      double rtt = pairs.us(node, peer) / 1000.0;
      double dx = me.x - other.x, dy = me.y - other.y, flat = std::hypot(dx, dy);
      double distance = flat + me.height + other.height;
      double trust = me.error / (me.error + other.error);
      double off = std::abs(distance - rtt) / rtt;
      me.error = std::min(1.0, off * 0.25 * trust + me.error * (1 - 0.25 * trust));
      double force = 0.25 * trust * (rtt - distance);
      if (flat > 1e-6) {
        me.x += force * dx / distance;
        me.y += force * dy / distance;
      }
      me.height = std::max(0.05, me.height + force * (me.height + other.height) / distance);
    }
  }
}

std::uint32_t Vivaldi::predicted_us(std::size_t a, std::size_t b) const {
  const Place &x = places_[a], &y = places_[b];
  return static_cast<std::uint32_t>(1000 *
                                    (std::hypot(x.x - y.x, x.y - y.y) + x.height + y.height));
}

std::uint32_t Vivaldi::greedy(const Pairs& truth, const std::vector<std::size_t>& free,
                              std::size_t size) const {
  auto us = [&](std::size_t a, std::size_t b) { return predicted_us(a, b); };
  std::uint32_t best = kUnknownRttUs, best_true = 0;
  for (std::size_t seed : free) {
    auto group = grow(free, seed, size, us);
    std::uint32_t widest = 0;
    for (std::size_t a = 0; a < size; ++a) {
      for (std::size_t b = a + 1; b < size; ++b) widest = std::max(widest, us(group[a], group[b]));
    }
    if (widest >= best) continue;
    best = widest;
    best_true = diameter_us(truth, group);
  }
  return best_true;
}

}  // namespace vesc::forming
