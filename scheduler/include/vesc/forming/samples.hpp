// SPDX-License-Identifier: MIT
//
// What is known of round-trip times from a stream of samples, never from the whole matrix: for
// every measured pair a short window of its last samples each way. A pair counts with the least RTT
// of its window (the path without queues), the larger way if both ends measured, and is forgotten
// when its last sample is too old. A round trip passes both ways, so one end's measurements make a
// pair known.
//
// The pair index that forming reads is kept in step sample by sample: one sample touches two lists.
// 100,000 nodes that each know 192 others take about a gigabyte, histories included.
#pragma once

#include <cstdint>
#include <vector>

#include "vesc/forming/pairs.hpp"

namespace vesc::forming {

class Samples {
 public:
  // A node keeps its `known_max` nearest known pairs; a farther one makes room for a nearer one.
  explicit Samples(std::size_t size, std::size_t known_max = 256);

  // `from` measured rtt_us to `to` at `time_s` (any clock that only goes forward). A sample of 0 us
  // or of a node to itself says nothing and is ignored. O(known_max).
  void add(std::size_t from, std::size_t to, std::uint32_t rtt_us, std::uint32_t time_s);

  // Forgets pairs whose last sample is before `time_s`. O(pairs).
  void forget_before(std::uint32_t time_s);

  const Pairs& pairs() const { return pairs_; }
  std::size_t size() const { return pairs_.size(); }

  // Largest less smallest RTT in the pair's windows; 0 if it is not known.
  std::uint32_t spread_us(std::size_t a, std::size_t b) const;

 private:
  static constexpr std::size_t kWindow = 4;
  struct History {
    std::uint32_t peer = 0;  // the larger number of the two
    std::uint32_t last_s = 0;
    std::uint32_t up_us[kWindow] = {}, down_us[kWindow] = {};  // 0: none; newest first
  };
  static std::uint32_t value_us(const History& history);
  History* find(std::size_t a, std::size_t b);
  void drop_farthest(std::size_t node);
  void erase(std::size_t a, std::size_t b);

  std::size_t known_max_;
  Pairs pairs_;
  std::vector<std::vector<History>> histories_;  // by the smaller number, ascending by peer
};

}  // namespace vesc::forming
