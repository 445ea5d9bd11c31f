// SPDX-License-Identifier: MIT
//
// When does a packet arrive? The pure core of the relay: delays, jitter, loss, bandwidth and cut
// links of every ordered pair of hosts. Time and randomness come in as arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "vesc/forming/matrix.hpp"

namespace vesc::wan {

// A packet waits at most this long for a pair's capped bandwidth; then it is dropped (drop tail).
inline constexpr std::int64_t kQueueNsMax = 500'000'000;

class Links {
 public:
  // One-way delay of (i, j) is half of rtts.directed_us(i, j); an unknown pair is cut.
  Links(const forming::RttMatrix& rtts, double jitter_ms, double loss, double mbit_per_s);

  std::size_t size() const { return size_; }

  // Due time of a packet of `bytes` that enters at now_ns, or nothing if it is lost. Packets of a
  // pair never overtake each other, jitter or not. `random` is uniform over 64 bits.
  std::optional<std::int64_t> send(std::size_t from, std::size_t to, std::size_t bytes,
                                   std::int64_t now_ns, std::uint64_t random);

  void cut(std::size_t from, std::size_t to) { link(from, to).cut = true; }
  // Back to the matrix: not cut, not slowed. A pair the matrix does not know stays cut.
  void restore(std::size_t from, std::size_t to);
  void scale(std::size_t from, std::size_t to, double factor);
  void set_delay_ns(std::size_t from, std::size_t to, std::int64_t delay_ns);

  // One-way delay now; nothing if cut.
  std::optional<std::int64_t> delay_ns(std::size_t from, std::size_t to) const;

 private:
  struct Link {
    std::int64_t matrix_delay_ns = -1;  // -1: unknown
    std::int64_t delay_ns = 0;
    std::int64_t last_due_ns = 0;
    std::int64_t free_at_ns = 0;  // when the capped pair has sent all that waits
    bool cut = false;
  };
  Link& link(std::size_t from, std::size_t to) { return links_[from * size_ + to]; }

  std::size_t size_;
  std::int64_t jitter_ns_;
  double loss_;
  double ns_per_byte_;
  std::vector<Link> links_;
};

}  // namespace vesc::wan
