// SPDX-License-Identifier: MIT
#include "vesc/forming/pairs.hpp"

#include <cassert>

namespace vesc::forming {
namespace {

constexpr std::size_t kBlock = 64;  // rows and columns read together, so that both stay in cache

}  // namespace

Pairs::Pairs(const RttMatrix& matrix)
    : near_(matrix.size()), cells_(matrix.size() * matrix.size()) {
  std::size_t n = matrix.size();
  for (std::size_t row = 0; row < n; row += kBlock) {
    for (std::size_t column = row; column < n; column += kBlock) {
      for (std::size_t a = row; a < std::min(row + kBlock, n); ++a) {
        for (std::size_t b = std::max(column, a); b < std::min(column + kBlock, n); ++b)
          cells_[a * n + b] = cells_[b * n + a] = matrix.pair_us(a, b);
      }
    }
  }
  std::size_t list_max = n <= 2 * kListMax ? n : kListMax;
  complete_ = list_max == n;
  std::vector<Near> row;
  for (std::size_t a = 0; a < n; ++a) {
    row.clear();
    for (std::size_t b = 0; b < n; ++b) {
      std::uint32_t us = cells_[a * n + b];
      if (a != b && us != kUnknownRttUs) row.push_back({us, static_cast<std::uint32_t>(b)});
    }
    if (row.size() > list_max) {
      std::nth_element(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(list_max), row.end());
      row.resize(list_max);
    }
    std::sort(row.begin(), row.end());
    near_[a] = row;
  }
}

Pairs::Pairs(std::vector<std::vector<Near>> lists) : near_(std::move(lists)) {
  std::vector<std::size_t> lengths;
  for (const auto& list : near_) lengths.push_back(list.size());
  for (std::size_t a = 0; a < near_.size(); ++a) {
    for (std::size_t i = 0; i < lengths[a]; ++i) {
      Near near = near_[a][i];
      assert(near.node != a && near.node < near_.size());
      near_[near.node].push_back({near.rtt_us, static_cast<std::uint32_t>(a)});
    }
  }
  for (auto& list : near_) {
    std::sort(list.begin(), list.end(), [](const Near& a, const Near& b) {
      return a.node != b.node ? a.node < b.node : a.rtt_us > b.rtt_us;
    });
    auto same = [](const Near& a, const Near& b) { return a.node == b.node; };
    list.erase(std::unique(list.begin(), list.end(), same), list.end());
    std::sort(list.begin(), list.end());
    list.shrink_to_fit();
  }
}

std::uint32_t Pairs::listed_us(std::size_t a, std::size_t b) const {
  if (a == b) return 0;
  if (near_[a].size() > near_[b].size()) std::swap(a, b);
  for (const Near& near : near_[a]) {
    if (near.node == b) return near.rtt_us;
  }
  return kUnknownRttUs;
}

void Pairs::put(std::vector<Near>& list, std::uint32_t node, std::uint32_t old_us,
                std::uint32_t rtt_us) {
  Near before{old_us, node}, after{rtt_us, node};
  auto from =
      old_us == kUnknownRttUs ? list.end() : std::lower_bound(list.begin(), list.end(), before);
  if (rtt_us == kUnknownRttUs) {
    if (from != list.end()) list.erase(from);
    return;
  }
  auto to = std::lower_bound(list.begin(), list.end(), after);
  if (from == list.end()) {
    list.insert(to, after);
  } else if (to > from) {
    std::move(from + 1, to, from);
    *(to - 1) = after;
  } else {
    std::move_backward(to, from, from + 1);
    *to = after;
  }
}

void Pairs::set(std::size_t a, std::size_t b, std::uint32_t rtt_us) {
  assert(cells_.empty() && a != b && a < size() && b < size());
  std::uint32_t old_us = listed_us(a, b);
  if (old_us == rtt_us) return;
  put(near_[a], static_cast<std::uint32_t>(b), old_us, rtt_us);
  put(near_[b], static_cast<std::uint32_t>(a), old_us, rtt_us);
}

Pairs Pairs::subset(const std::vector<std::size_t>& nodes) const {
  RttMatrix matrix(nodes.size());
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = 0; b < nodes.size(); ++b) {
      if (a != b) matrix.set_directed_us(a, b, us(nodes[a], nodes[b]));
    }
  }
  return Pairs(matrix);
}

std::uint32_t diameter_us(const Pairs& pairs, const std::vector<std::size_t>& nodes) {
  std::uint32_t largest = 0;
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes.size(); ++b)
      largest = std::max(largest, pairs.us(nodes[a], nodes[b]));
  }
  return largest;
}

double mean_rtt_us(const Pairs& pairs, const std::vector<std::size_t>& nodes) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes.size(); ++b, ++count) sum += pairs.us(nodes[a], nodes[b]);
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

}  // namespace vesc::forming
