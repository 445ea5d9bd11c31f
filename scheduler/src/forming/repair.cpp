// SPDX-License-Identifier: MIT
//
// Few moves: a group stays as it is as long as its pairs allow. What has to leave leaves; then, if
// the partition has fallen behind what a fresh one would be, annealing goes on from it with a price
// on every node that moves. The price comes down until the partition has caught up or the moves
// would exceed the budget.
#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "anneal.hpp"
#include "vesc/forming/partition.hpp"

namespace vesc::forming {
namespace {

constexpr std::uint32_t kNone = kNoGroup;
constexpr int kPrices = 7;
constexpr double kProhibitive = 1e6;  // only nodes that are in no group move

class Repair {
 public:
  Repair(const Pairs& pairs, const std::vector<Cluster>& previous, const RepairOptions& options,
         const std::vector<unsigned>& strikes)
      : pairs_(pairs),
        options_(options),
        limit_us_(options.partition.limit_us),
        leave_us_(static_cast<std::uint32_t>(
            std::min(static_cast<double>(limit_us_) * options.leave_factor, kUnknownRttUs - 1.0))),
        graph_(pairs, limit_us_),
        group_of_(pairs.size(), kNone),
        before_(pairs.size(), kNone),
        strikes_(strikes) {
    strikes_.resize(pairs.size());
    for (const Cluster& cluster : previous) {
      auto group = static_cast<std::uint32_t>(groups_.size());
      groups_.emplace_back();
      ids_.push_back(cluster.id);
      for (std::size_t node : cluster.nodes) {
        if (node >= pairs.size() || group_of_[node] != kNone) continue;
        if (pairs.near(node).empty()) continue;  // no more
        before_[node] = group;
        join(static_cast<std::uint32_t>(node), group);
      }
    }
    reasons_.resize(pairs.size());
  }

  Repaired run() {
    std::size_t members = 0;
    for (std::uint32_t node : group_of_) members += node != kNone;
    auto budget = static_cast<std::size_t>(options_.moved_share * static_cast<double>(members));
    evict();
    catch_up(budget);
    dissolve_small();
    return result();
  }

 private:
  std::size_t size_min() const { return options_.partition.size_min; }
  std::size_t size_max() const { return options_.partition.size_max; }

  void join(std::uint32_t node, std::uint32_t group) {
    group_of_[node] = group;
    auto& members = groups_[group];
    members.insert(std::lower_bound(members.begin(), members.end(), node), node);
  }
  void leave(std::uint32_t node) {
    auto& members = groups_[group_of_[node]];
    members.erase(std::lower_bound(members.begin(), members.end(), node));
    group_of_[node] = kNone;
  }

  // Out of every group go the fewest nodes (by the greedy rule: the most offending first) that
  // leave no pair above the limit of leaving, once they have offended often enough.
  void evict() {
    std::vector<bool> offends(pairs_.size());
    for (auto& members : groups_) {
      std::vector<std::uint32_t> keeping = members;
      for (;;) {
        std::uint32_t worst = kNone;
        std::tuple<std::size_t, std::uint64_t> worst_by{};
        for (std::uint32_t a : keeping) {
          std::size_t far = 0;
          std::uint64_t sum_us = 0;
          for (std::uint32_t b : keeping) {
            std::uint32_t us = pairs_.us(a, b);
            far += us > leave_us_;
            sum_us += us;
          }
          if (far > 0 && std::tuple(far, sum_us) > worst_by) {
            worst = a;
            worst_by = {far, sum_us};
          }
        }
        if (worst == kNone) break;
        std::erase(keeping, worst);
        offends[worst] = true;
      }
    }
    for (std::uint32_t node = 0; node < pairs_.size(); ++node) {
      strikes_[node] = offends[node] ? strikes_[node] + 1 : 0;
      if (strikes_[node] < std::max(options_.patience, 1u)) continue;
      strikes_[node] = 0;
      reasons_[node] = "a member is too far";
      leave(node);
    }
  }

  // Squares and nodes of the groups that count.
  std::pair<double, double> quality(const std::vector<std::uint32_t>& labels) const {
    std::vector<double> sizes(pairs_.size() + groups_.size());
    for (std::uint32_t label : labels) {
      if (label != kNone) ++sizes[label];
    }
    double squares = 0, placed = 0;
    for (double size : sizes) {
      if (size < static_cast<double>(size_min())) continue;
      squares += size * size;
      placed += size;
    }
    return {squares, placed};
  }

  std::size_t moves(const std::vector<std::uint32_t>& labels) const {
    std::size_t count = 0;
    for (std::size_t node = 0; node < labels.size(); ++node)
      count += before_[node] != kNone && labels[node] != before_[node];
    return count;
  }

  void catch_up(std::size_t budget) {
    AnnealOptions annealing;
    annealing.size_min = size_min();
    annealing.size_max = size_max();
    annealing.node_worth = 8;
    annealing.job_worth = 1;
    annealing.rtt_cost = 0.5;
    annealing.seed = options_.partition.seed;
    annealing.moves = options_.partition.moves != 0
                          ? options_.partition.moves
                          : std::clamp<std::uint64_t>(pairs_.size() * 1000, 50'000, 5'000'000);
    // Groups keep their numbers; annealing needs at least as many nodes as groups, and has them: a
    // group of `previous` that lost all its members is empty here and gets no number of its own.
    const auto fresh = quality(anneal_labels(graph_, groups_, annealing));
    double placed_enough =
        fresh.second - options_.placed_slack * static_cast<double>(pairs_.size());
    auto behind = [&](const std::vector<std::uint32_t>& labels) {
      auto [squares, placed] = quality(labels);
      return squares < options_.enough * fresh.first || placed < placed_enough;
    };
    std::vector<std::uint32_t> best = group_of_;
    // Fewer random detours: what is wanted lies close by.
    annealing.hot = 2;
    // The dearest price that suffices, or the cheapest that can be afforded.
    double dear = kProhibitive, cheap = 0;
    for (int attempt = 0; attempt < kPrices && behind(best); ++attempt) {
      if (attempt == 1) dear = 150;
      annealing.move_cost = attempt == 0 ? dear : cheap > 0 ? std::sqrt(dear * cheap) : dear / 3;
      std::vector<std::uint32_t> labels = anneal_labels(graph_, groups_, annealing);
      if (moves(labels) > budget && attempt > 0) {
        cheap = annealing.move_cost;
        continue;
      }
      dear = annealing.move_cost;
      best = labels;
    }
    adopt(best);
  }

  void adopt(const std::vector<std::uint32_t>& labels) {
    std::map<std::uint32_t, std::uint32_t> numbers;
    for (std::uint32_t group = 0; group < groups_.size(); ++group) {
      groups_[group].clear();
      numbers[group] = group;
    }
    for (std::uint32_t node = 0; node < labels.size(); ++node) {
      if (labels[node] == kNone) {
        group_of_[node] = kNone;
        if (reasons_[node].empty()) reasons_[node] = "its group became too small";
        continue;
      }
      auto [at, is_new] =
          numbers.try_emplace(labels[node], static_cast<std::uint32_t>(groups_.size()));
      if (is_new) {
        groups_.emplace_back();
        ids_.push_back(fresh_id());
      }
      join(node, at->second);
      bool moved = before_[node] != kNone && at->second != before_[node];
      if (moved && reasons_[node].empty()) reasons_[node] = "the groups are larger for it";
    }
  }

  void dissolve_small() {
    for (std::uint32_t group = 0; group < groups_.size(); ++group) {
      if (groups_[group].size() >= size_min()) continue;
      std::vector<std::uint32_t> members = groups_[group];
      for (std::uint32_t node : members) {
        leave(node);
        if (reasons_[node].empty()) reasons_[node] = "its group became too small";
      }
    }
  }

  std::string fresh_id() {
    for (;;) {
      std::string id = fmt::format("g{}", ++last_number_);
      if (std::find(ids_.begin(), ids_.end(), id) == ids_.end()) return id;
    }
  }

  Repaired result() {
    Repaired repaired;
    repaired.strikes = strikes_;
    for (std::uint32_t group = 0; group < groups_.size(); ++group) {
      if (groups_[group].empty()) continue;
      repaired.clusters.push_back({ids_[group], {groups_[group].begin(), groups_[group].end()}});
    }
    for (std::uint32_t node = 0; node < pairs_.size(); ++node) {
      if (before_[node] == kNone || group_of_[node] == before_[node]) continue;
      repaired.moves.push_back({node, ids_[before_[node]],
                                group_of_[node] == kNone ? "" : ids_[group_of_[node]],
                                reasons_[node]});
    }
    return repaired;
  }

  const Pairs& pairs_;
  const RepairOptions& options_;
  std::uint32_t limit_us_, leave_us_;
  Threshold graph_;
  Groups groups_;
  std::vector<std::string> ids_;
  std::vector<std::uint32_t> group_of_, before_;
  std::vector<unsigned> strikes_;
  std::vector<std::string> reasons_;
  std::size_t last_number_ = 0;
};

}  // namespace

Result<Repaired> repair(const Pairs& pairs, const std::vector<Cluster>& previous,
                        const RepairOptions& options, const std::vector<unsigned>& strikes) {
  if (options.partition.size_min < 2 || options.partition.size_min > options.partition.size_max ||
      options.leave_factor < 1)
    return Error{ErrorCode::kInvalidInput, "sizes or leave_factor of a repair make no sense"};
  return Repair(pairs, previous, options, strikes).run();
}

}  // namespace vesc::forming
