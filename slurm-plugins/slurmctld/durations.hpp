// SPDX-License-Identifier: GPL-2.0-or-later
//
// Percentiles of many short times, added from any thread.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace vesc::plugin {

// Durations in buckets an eighth of a power of two apart; exact enough for percentiles, and adding
// is one atomic increment.
class Durations {
 public:
  void add(std::int64_t ns) {
    auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 8));
    int top = 63 - std::countl_zero(value);
    std::size_t bucket = static_cast<std::size_t>(top) * 8 + ((value >> (top - 3)) & 7);
    counts_[bucket].fetch_add(1, std::memory_order_relaxed);
    std::int64_t before = largest_.load(std::memory_order_relaxed);
    while (ns > before && !largest_.compare_exchange_weak(before, ns)) {
    }
  }
  std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const auto& one : counts_) sum += one.load(std::memory_order_relaxed);
    return sum;
  }
  // Upper end of the bucket that holds the quantile, us.
  double quantile_us(double share) const {
    auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count()));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i].load(std::memory_order_relaxed);
      if (seen > wanted) return static_cast<double>((9 + i % 8) << (i / 8)) / 8 / 1000;
    }
    return 0;
  }
  double largest_us() const { return static_cast<double>(largest_.load()) / 1000; }

 private:
  std::array<std::atomic<std::uint64_t>, 512> counts_{};
  std::atomic<std::int64_t> largest_{0};
};

}  // namespace vesc::plugin
