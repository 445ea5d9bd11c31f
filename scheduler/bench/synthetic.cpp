// SPDX-License-Identifier: MIT
#include "synthetic.hpp"

#include <cmath>
#include <random>

namespace vesc::forming {
namespace {

// splitmix64: the same pair has the same noise, whichever way it is asked for.
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

Synthetic::Synthetic(const RttMatrix& planetlab, std::size_t size, std::uint64_t seed)
    : planetlab_(planetlab), seed_(seed), original_(size), last_mile_us_(size) {
  std::mt19937_64 random(seed);
  auto exponential = [&](double mean_us) {
    double uniform = (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
    return static_cast<std::uint32_t>(-mean_us * std::log(uniform));
  };
  for (std::size_t node = 0; node < size; ++node) {
    original_[node] = static_cast<std::uint32_t>(random() % planetlab.size());
    last_mile_us_[node] = exponential(400);
    if (random() % 100 < 15) last_mile_us_[node] += exponential(8000);
  }
}

std::uint32_t Synthetic::pair_us(std::size_t a, std::size_t b) const {
  if (a == b) return 0;
  std::uint32_t base =
      original_[a] == original_[b] ? 150 : planetlab_.pair_us(original_[a], original_[b]);
  std::uint64_t noise = mixed(seed_ ^ mixed(std::min(a, b) << 32 | std::max(a, b))) % 100'001;
  std::uint64_t share = 950'000 + noise;  // millionths
  return static_cast<std::uint32_t>(base * share / 1'000'000) + last_mile_us_[a] + last_mile_us_[b];
}

RttMatrix Synthetic::matrix() const {
  RttMatrix matrix(size());
  for (std::size_t a = 0; a < size(); ++a) {
    for (std::size_t b = 0; b < size(); ++b) {
      if (a != b) matrix.set_directed_us(a, b, pair_us(a, b));
    }
  }
  return matrix;
}

Pairs Synthetic::near_pairs(std::size_t nearest) const {
  std::size_t originals = planetlab_.size();
  std::vector<std::vector<std::uint32_t>> copies(originals);
  for (std::uint32_t node = 0; node < size(); ++node) copies[original_[node]].push_back(node);
  std::vector<std::vector<std::uint32_t>> pools(originals);
  for (std::size_t at = 0; at < originals; ++at) {
    std::vector<Near> order;
    for (std::uint32_t other = 0; other < originals; ++other)
      order.push_back({planetlab_.pair_us(at, other), other});
    std::sort(order.begin(), order.end());
    for (const Near& other : order) {
      if (pools[at].size() > 6 * nearest) break;
      pools[at].insert(pools[at].end(), copies[other.node].begin(), copies[other.node].end());
    }
  }
  std::vector<std::vector<Near>> lists(size());
  std::vector<Near> row;
  for (std::uint32_t node = 0; node < size(); ++node) {
    row.clear();
    for (std::uint32_t other : pools[original_[node]]) {
      if (other != node) row.push_back({pair_us(node, other), other});
    }
    std::size_t count = std::min(nearest, row.size());
    std::partial_sort(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(count), row.end());
    for (std::size_t i = 0; i < count; ++i) {
      lists[node].push_back(row[i]);
      lists[row[i].node].push_back({row[i].rtt_us, node});
    }
  }
  return Pairs(std::move(lists));
}

}  // namespace vesc::forming
