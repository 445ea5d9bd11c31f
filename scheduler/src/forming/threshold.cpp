// SPDX-License-Identifier: MIT
#include "threshold.hpp"

namespace vesc::forming {

Threshold::Threshold(const Pairs& pairs, std::uint32_t limit_us)
    : pairs_(pairs), limit_us_(limit_us) {
  std::size_t n = pairs.size();
  begin_.push_back(0);
  for (std::size_t node = 0; node < n; ++node) {
    pairs.for_each_within(node, limit_us, [&](std::uint32_t other, std::uint32_t us) {
      entries_.push_back({us, other});
    });
    if (limit_us > pairs.horizon_us(node))
      std::sort(entries_.begin() + static_cast<std::ptrdiff_t>(begin_.back()), entries_.end());
    begin_.push_back(entries_.size());
  }
  if (n > kBitsMax) return;
  words_ = (n + 63) / 64;
  bits_.resize(n * words_);
  for (std::size_t node = 0; node < n; ++node) {
    for (const Near& near : neighbours(node))
      bits_[node * words_ + near.node / 64] |= std::uint64_t{1} << (near.node % 64);
  }
}

}  // namespace vesc::forming
