// SPDX-License-Identifier: MIT
#include "anneal.hpp"

#include <algorithm>
#include <cmath>

#include "random.hpp"

namespace vesc::forming {
namespace {

constexpr std::size_t kPutOutMax = 3;

// exp(x) for x <= 0, near enough, by multiplication alone: that of the C library may differ in the
// last bit from processor to processor, and with it whole partitions.
double falling_exp(double x) {
  double y = 1 + x / 256;
  if (y <= 0) return 0;
  for (int i = 0; i < 8; ++i) y *= y;
  return y;
}

constexpr int kStages = 64;  // of the cooling

// ratio^(1/64), by square roots, which are exact to the last bit everywhere.
double stage_factor(double ratio) {
  for (int i = 1; i < kStages; i *= 2) ratio = std::sqrt(ratio);
  return ratio;
}

double worth_of_size(std::size_t size, const AnnealOptions& options) {
  auto s = static_cast<double>(size);
  if (size < options.size_min) return size == 0 ? 0 : options.small_worth * (s * s - 1);
  double worth = s * s + options.node_worth * s;
  for (std::size_t job = 8; job <= options.size_max; job *= 2)
    worth += options.job_worth * static_cast<double>(size / job * job);
  return worth;
}

class Annealing {
 public:
  Annealing(const Threshold& graph, const Groups& start, const AnnealOptions& options)
      : graph_(graph),
        options_(options),
        random_(options.seed),
        group_of_(graph.size()),
        members_(graph.size()),
        place_(graph.size()),
        met_(graph.size()),
        home_(graph.size(), kNoGroup) {
    for (std::size_t size = 0; size <= options.size_max + 1; ++size)
      size_worth_.push_back(worth_of_size(size, options));
    // Every node is in a group; group numbers are recycled, so there is one a node.
    std::vector<bool> placed(graph.size());
    std::uint32_t next = 0;
    for (const auto& group : start) {
      for (std::uint32_t node : group) {
        insert(node, next);
        home_[node] = next;
        placed[node] = true;
      }
      ++next;
    }
    for (std::uint32_t node = 0; node < graph.size(); ++node) {
      if (!placed[node]) insert(node, next++);
    }
    while (next < graph.size()) empty_.push_back(next++);
    for (std::uint32_t node = 0; node < graph.size(); ++node) {
      if (!graph.neighbours(node).empty()) movable_.push_back(node);
    }
  }

  std::vector<std::uint32_t> run() {
    std::vector<std::uint32_t> best = group_of_;
    double value = 0, best_value = 0;
    double cooling = stage_factor(options_.cold / options_.hot);
    double heat = options_.hot;
    std::uint64_t stage = options_.moves / kStages + 1;
    for (std::uint64_t i = 0; i < options_.moves && !movable_.empty(); ++i) {
      if (i % stage == stage - 1) heat *= cooling;
      double change = 0;
      if (!try_move(heat, change)) continue;
      value += change;
      if (value > best_value + 1e-9) {
        best_value = value;
        best = group_of_;
      }
    }
    std::vector<std::size_t> sizes(graph_.size());
    for (std::uint32_t group : best) ++sizes[group];
    for (std::uint32_t& group : best) {
      if (sizes[group] < options_.size_min) group = kNoGroup;
    }
    return best;
  }

 private:
  double size_worth(std::size_t size) const { return size_worth_[size]; }
  double pair_cost(std::uint32_t a, std::uint32_t b) const {
    return options_.rtt_cost * graph_.us(a, b) / graph_.limit_us();
  }

  void insert(std::uint32_t node, std::uint32_t group) {
    group_of_[node] = group;
    place_[node] = static_cast<std::uint32_t>(members_[group].size());
    members_[group].push_back(node);
  }
  void remove(std::uint32_t node) {
    auto& members = members_[group_of_[node]];
    std::uint32_t last = members.back();
    members[place_[node]] = last;
    place_[last] = place_[node];
    members.pop_back();
  }

  // Moves with its change of the objective; recorded, so that it can be taken back.
  double shift(std::uint32_t node, std::uint32_t to) {
    std::uint32_t from = group_of_[node];
    const auto &old = members_[from], &fresh = members_[to];
    double change = size_worth(old.size() - 1) - size_worth(old.size()) +
                    size_worth(fresh.size() + 1) - size_worth(fresh.size());
    if (options_.rtt_cost > 0) {
      for (std::uint32_t other : old) {
        if (other != node) change += pair_cost(node, other);
      }
      for (std::uint32_t other : fresh) change -= pair_cost(node, other);
    }
    if (home_[node] != kNoGroup)
      change -= options_.move_cost * ((to != home_[node]) - (from != home_[node]));
    remove(node);
    insert(node, to);
    if (members_[from].empty()) empty_.push_back(from);
    moved_.push_back({node, from});
    return change;
  }

  void take_back() {
    for (auto at = moved_.rbegin(); at != moved_.rend(); ++at) {
      std::uint32_t to = group_of_[at->first];
      remove(at->first);
      insert(at->first, at->second);
      if (members_[to].empty()) empty_.push_back(to);
    }
  }

  std::uint32_t an_empty_group() {
    while (!members_[empty_.back()].empty()) empty_.pop_back();
    return empty_.back();
  }

  // The group, of those that take the node in whole, that gains most; its own if none does.
  std::uint32_t best_home(std::uint32_t node, std::uint32_t not_this) {
    touched_.clear();
    for (const Near& near : graph_.neighbours(node)) {
      std::uint32_t group = group_of_[near.node];
      if (met_[group]++ == 0) touched_.push_back(group);
    }
    std::uint32_t best = group_of_[node];
    double best_gain = 0;
    for (std::uint32_t group : touched_) {
      std::size_t size = members_[group].size();
      bool whole = met_[group] == size && size < options_.size_max && group != not_this &&
                   group != group_of_[node];
      met_[group] = 0;
      if (!whole) continue;
      double gain = size_worth(size + 1) - size_worth(size);
      if (options_.rtt_cost > 0) {
        for (std::uint32_t other : members_[group]) gain -= pair_cost(node, other);
      }
      if (gain > best_gain || (gain == best_gain && best != group_of_[node] && group < best)) {
        best_gain = gain;
        best = group;
      }
    }
    return best;
  }

  bool try_move(double heat, double& change) {
    std::uint32_t node = movable_[random_.below(movable_.size())];
    auto neighbours = graph_.neighbours(node);
    std::uint32_t to = group_of_[neighbours[random_.below(neighbours.size())].node];
    moved_.clear();
    if (to == group_of_[node]) {
      // Alone, now and then: the way out of a group that should be given up.
      if (members_[to].size() < 2 || random_.below(8) != 0) return false;
      to = an_empty_group();
    }
    out_.clear();
    for (std::uint32_t member : members_[to]) {
      if (graph_.joined(node, member)) continue;
      out_.push_back(member);
      if (out_.size() > kPutOutMax) return false;
    }
    if (members_[to].size() - out_.size() + 1 > options_.size_max) {
      std::uint32_t victim = members_[to][random_.below(members_[to].size())];
      if (std::find(out_.begin(), out_.end(), victim) == out_.end()) out_.push_back(victim);
      if (members_[to].size() - out_.size() + 1 > options_.size_max) return false;
    }
    change = 0;
    for (std::uint32_t member : out_) change += shift(member, an_empty_group());
    std::uint32_t from = group_of_[node];
    change += shift(node, to);
    for (std::uint32_t member : out_) {
      std::uint32_t home = best_home(member, to);
      if (home != group_of_[member]) change += shift(member, home);
    }
    // What is left of a small old group may fit elsewhere too.
    if (!members_[from].empty() && members_[from].size() < options_.size_min) {
      rest_ = members_[from];
      for (std::uint32_t member : rest_) {
        std::uint32_t home = best_home(member, from);
        if (home != group_of_[member]) change += shift(member, home);
      }
    }
    if (change >= 0 || random_.uniform() < falling_exp(change / heat)) return true;
    take_back();
    return false;
  }

  const Threshold& graph_;
  const AnnealOptions& options_;
  std::vector<double> size_worth_;
  Random random_;
  std::vector<std::uint32_t> group_of_;
  Groups members_;
  std::vector<std::uint32_t> place_;  // in members_
  std::vector<std::uint32_t> met_;    // scratch: neighbours met a group
  std::vector<std::uint32_t> home_;   // group at the start
  std::vector<std::uint32_t> empty_, movable_, touched_, out_, rest_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> moved_;
};

}  // namespace

std::vector<std::uint32_t> anneal_labels(const Threshold& graph, const Groups& start,
                                         const AnnealOptions& options) {
  return Annealing(graph, start, options).run();
}

Groups anneal(const Threshold& graph, const Groups& start, const AnnealOptions& options) {
  std::vector<std::uint32_t> labels = anneal_labels(graph, start, options);
  Groups groups(graph.size());
  for (std::uint32_t node = 0; node < graph.size(); ++node) {
    if (labels[node] != kNoGroup) groups[labels[node]].push_back(node);
  }
  std::erase_if(groups, [](const auto& group) { return group.empty(); });
  std::sort(groups.begin(), groups.end());
  return groups;
}

double worth(const Threshold& graph, const Groups& groups, const AnnealOptions& options) {
  double sum = 0;
  for (const auto& group : groups) {
    if (group.size() < options.size_min) continue;
    sum += worth_of_size(group.size(), options);
    for (std::size_t a = 0; a < group.size(); ++a) {
      for (std::size_t b = a + 1; b < group.size(); ++b)
        sum -= options.rtt_cost * graph.us(group[a], group[b]) / graph.limit_us();
    }
  }
  return sum;
}

}  // namespace vesc::forming
