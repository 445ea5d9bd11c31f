// SPDX-License-Identifier: MIT
#include "vesc/forming/samples.hpp"

#include <algorithm>
#include <cassert>

namespace vesc::forming {

Samples::Samples(std::size_t size, std::size_t known_max)
    : known_max_(known_max), pairs_(size), histories_(size) {}

std::uint32_t Samples::value_us(const History& history) {
  std::uint32_t value = 0;
  for (const auto* window : {&history.up_us, &history.down_us}) {
    std::uint32_t least = 0;
    for (std::uint32_t us : *window) {
      if (us != 0 && (least == 0 || us < least)) least = us;
    }
    value = std::max(value, least);
  }
  return value;
}

Samples::History* Samples::find(std::size_t a, std::size_t b) {
  auto& list = histories_[std::min(a, b)];
  std::size_t peer = std::max(a, b);
  auto at =
      std::lower_bound(list.begin(), list.end(), peer,
                       [](const History& history, std::size_t p) { return history.peer < p; });
  return at != list.end() && at->peer == peer ? &*at : nullptr;
}

void Samples::erase(std::size_t a, std::size_t b) {
  auto& list = histories_[std::min(a, b)];
  if (History* history = find(a, b)) list.erase(list.begin() + (history - list.data()));
  pairs_.set(a, b, kUnknownRttUs);
}

void Samples::drop_farthest(std::size_t node) {
  while (pairs_.near(node).size() > known_max_) erase(node, pairs_.near(node).back().node);
}

void Samples::add(std::size_t from, std::size_t to, std::uint32_t rtt_us, std::uint32_t time_s) {
  assert(from < size() && to < size());
  if (from == to || rtt_us == 0 || rtt_us == kUnknownRttUs) return;
  History* history = find(from, to);
  if (history == nullptr) {
    auto& list = histories_[std::min(from, to)];
    History fresh;
    fresh.peer = static_cast<std::uint32_t>(std::max(from, to));
    auto at =
        std::lower_bound(list.begin(), list.end(), fresh.peer,
                         [](const History& one, std::uint32_t peer) { return one.peer < peer; });
    history = &*list.insert(at, fresh);
  }
  auto& window = from < to ? history->up_us : history->down_us;
  std::rotate(std::begin(window), std::end(window) - 1, std::end(window));
  window[0] = rtt_us;
  history->last_s = std::max(history->last_s, time_s);
  pairs_.set(from, to, value_us(*history));
  drop_farthest(from);
  drop_farthest(to);
}

void Samples::forget_before(std::uint32_t time_s) {
  for (std::size_t a = 0; a < histories_.size(); ++a) {
    std::erase_if(histories_[a], [&](const History& history) {
      if (history.last_s >= time_s) return false;
      pairs_.set(a, history.peer, kUnknownRttUs);
      return true;
    });
  }
}

std::uint32_t Samples::spread_us(std::size_t a, std::size_t b) const {
  const History* history = const_cast<Samples*>(this)->find(a, b);
  if (history == nullptr) return 0;
  std::uint32_t least = kUnknownRttUs, most = 0;
  for (const auto* window : {&history->up_us, &history->down_us}) {
    for (std::uint32_t us : *window) {
      if (us == 0) continue;
      least = std::min(least, us);
      most = std::max(most, us);
    }
  }
  return most - std::min(least, most);
}

}  // namespace vesc::forming
