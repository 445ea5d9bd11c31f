// SPDX-License-Identifier: MIT
//
// xorshift64* (Vigna, 2014): the same sequence on every machine and library, which the
// distributions of <random> do not promise. Seeded by the caller; nothing here is random of its own
// accord.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vesc::forming {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 0x2545f4914f6cdd1d) {
    if (state_ == 0) state_ = 1;
  }
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  // 0 to limit - 1; limit at most 2^32.
  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>((next() >> 32) * limit >> 32);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace vesc::forming
