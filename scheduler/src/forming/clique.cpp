// SPDX-License-Identifier: MIT
#include "clique.hpp"

#include <algorithm>

namespace vesc::forming {
namespace {

class Search {
 public:
  Search(const Graph& graph, std::uint64_t target, std::uint64_t steps_max, std::uint64_t& steps)
      : graph_(graph), target_(target), steps_max_(steps + steps_max), steps_(steps) {}

  Clique run() {
    Bits all(graph_.size());
    all.set();
    expand(all, 0);
    std::sort(best_.vertices.begin(), best_.vertices.end());
    best_.proved = !exhausted_;
    return best_;
  }

 private:
  bool done() const { return exhausted_ || best_.weight >= target_; }

  // Colours `candidates`: `order` gets them by colour, `bound` the most weight that this vertex and
  // all before it can add.
  void colour(const Bits& candidates, std::vector<std::size_t>& order,
              std::vector<std::uint64_t>& bound) const {
    Bits left = candidates;
    std::uint64_t total = 0;
    while (left.any()) {
      Bits same = left;
      std::uint64_t heaviest = 0;
      for (std::size_t v = same.find_first(); v != Bits::npos; v = same.find_next(v)) {
        same -= graph_.neighbours[v];
        left.reset(v);
        heaviest = std::max(heaviest, graph_.weights[v]);
        order.push_back(v);
        bound.push_back(total + heaviest);
      }
      total += heaviest;
    }
  }

  void expand(Bits candidates, std::uint64_t weight) {
    std::vector<std::size_t> order;
    std::vector<std::uint64_t> bound;
    colour(candidates, order, bound);
    for (std::size_t i = order.size(); i > 0 && !done(); --i) {
      if (weight + bound[i - 1] <= best_.weight) return;
      if (++steps_ > steps_max_) {
        exhausted_ = true;
        return;
      }
      std::size_t v = order[i - 1];
      current_.push_back(v);
      std::uint64_t with = weight + graph_.weights[v];
      if (with > best_.weight) {
        best_.weight = with;
        best_.vertices = current_;
      }
      Bits rest = candidates & graph_.neighbours[v];
      if (rest.any() && !done()) expand(std::move(rest), with);
      current_.pop_back();
      candidates.reset(v);
    }
  }

  const Graph& graph_;
  std::uint64_t target_;
  std::uint64_t steps_max_;
  std::uint64_t& steps_;
  bool exhausted_ = false;
  std::vector<std::size_t> current_;
  Clique best_;
};

}  // namespace

Clique heaviest_clique(const Graph& graph, std::uint64_t target, std::uint64_t steps_max,
                       std::uint64_t& steps) {
  return Search(graph, target, steps_max, steps).run();
}

}  // namespace vesc::forming
