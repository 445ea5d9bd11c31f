// SPDX-License-Identifier: MIT
#include "links.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace vesc::wan {

Links::Links(const forming::RttMatrix& rtts, double jitter_ms, double loss, double mbit_per_s)
    : size_(rtts.size()),
      jitter_ns_(static_cast<std::int64_t>(jitter_ms * 1e6)),
      loss_(loss),
      ns_per_byte_(mbit_per_s > 0 ? 8000.0 / mbit_per_s : 0),
      links_(size_ * size_) {
  for (std::size_t from = 0; from < size_; ++from) {
    for (std::size_t to = 0; to < size_; ++to) {
      std::uint32_t rtt_us = rtts.directed_us(from, to);
      if (rtt_us != forming::kUnknownRttUs)
        link(from, to).matrix_delay_ns = std::int64_t{rtt_us} * 500;
      restore(from, to);
    }
  }
}

std::optional<std::int64_t> Links::send(std::size_t from, std::size_t to, std::size_t bytes,
                                        std::int64_t now_ns, std::uint64_t random) {
  assert(from < size_ && to < size_);
  Link& link = this->link(from, to);
  if (link.cut) return std::nullopt;
  // Two independent halves of the random number: one for loss, one for jitter.
  double for_loss = static_cast<double>(random >> 32) / 4294967296.0;
  if (for_loss < loss_) return std::nullopt;
  std::int64_t leaves_ns = now_ns;
  if (ns_per_byte_ > 0) {
    leaves_ns = std::max(now_ns, link.free_at_ns);
    if (leaves_ns - now_ns > kQueueNsMax) return std::nullopt;
    leaves_ns += static_cast<std::int64_t>(ns_per_byte_ * static_cast<double>(bytes));
    link.free_at_ns = leaves_ns;
  }
  std::int64_t due_ns = leaves_ns + link.delay_ns;
  if (jitter_ns_ > 0)
    due_ns += static_cast<std::int64_t>((random & 0xffffffffu) %
                                        static_cast<std::uint64_t>(jitter_ns_ + 1));
  link.last_due_ns = std::max(link.last_due_ns, due_ns);
  return link.last_due_ns;
}

void Links::restore(std::size_t from, std::size_t to) {
  Link& link = this->link(from, to);
  link.cut = link.matrix_delay_ns < 0;
  set_delay_ns(from, to, std::max<std::int64_t>(link.matrix_delay_ns, 0));
}

void Links::scale(std::size_t from, std::size_t to, double factor) {
  Link& link = this->link(from, to);
  set_delay_ns(from, to,
               static_cast<std::int64_t>(std::llround(
                   static_cast<double>(std::max<std::int64_t>(link.matrix_delay_ns, 0)) * factor)));
}

void Links::set_delay_ns(std::size_t from, std::size_t to, std::int64_t delay_ns) {
  Link& link = this->link(from, to);
  link.delay_ns = delay_ns;
  // A quicker link must not wait for what a slower one still holds.
  link.last_due_ns = 0;
}

std::optional<std::int64_t> Links::delay_ns(std::size_t from, std::size_t to) const {
  const Link& link = links_[from * size_ + to];
  if (link.cut) return std::nullopt;
  return link.delay_ns;
}

}  // namespace vesc::wan
