// SPDX-License-Identifier: MIT
//
// The graph of pairs within one limit: what a partition at that limit lives on.
#pragma once

#include <span>
#include <vector>

#include "vesc/forming/pairs.hpp"

namespace vesc::forming {

class Threshold {
 public:
  Threshold(const Pairs& pairs, std::uint32_t limit_us);

  std::size_t size() const { return begin_.size() - 1; }
  std::uint32_t limit_us() const { return limit_us_; }
  // Nearest first.
  std::span<const Near> neighbours(std::size_t node) const {
    return std::span(entries_).subspan(begin_[node], begin_[node + 1] - begin_[node]);
  }
  bool joined(std::uint32_t a, std::uint32_t b) const {
    if (bits_.empty()) return pairs_.us(a, b) <= limit_us_;
    return bits_[a * words_ + b / 64] >> (b % 64) & 1;
  }
  std::uint32_t us(std::uint32_t a, std::uint32_t b) const { return pairs_.us(a, b); }

 private:
  static constexpr std::size_t kBitsMax = 16'384;  // nodes; 32 MiB

  const Pairs& pairs_;
  std::uint32_t limit_us_;
  std::vector<std::size_t> begin_;
  std::vector<Near> entries_;
  std::size_t words_ = 0;
  std::vector<std::uint64_t> bits_;
};

}  // namespace vesc::forming
