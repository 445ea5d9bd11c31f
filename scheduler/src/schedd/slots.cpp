// SPDX-License-Identifier: MIT
#include "slots.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace vesc::schedd {
namespace {

struct Match {
  std::size_t shared;
  std::size_t before;  // index in previous.groups
  std::size_t now;     // index in the new groups
};

std::vector<Match> matches(const snapshot::Snapshot& previous,
                           const std::vector<std::string>& names,
                           const std::vector<forming::TierGroup>& groups) {
  std::map<std::string, std::vector<std::size_t>> groups_of;  // node name -> former groups
  for (std::size_t g = 0; g < previous.groups.size(); ++g) {
    for (std::uint32_t node : previous.groups[g].nodes)
      groups_of[previous.nodes[node].name].push_back(g);
  }
  std::vector<Match> found;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    std::map<std::size_t, std::size_t> shared;
    for (std::size_t node : groups[g].nodes) {
      for (std::size_t before : groups_of[names[node]]) {
        if (previous.groups[before].tier_us == groups[g].tier_us) ++shared[before];
      }
    }
    for (auto [before, count] : shared) found.push_back({count, before, g});
  }
  std::sort(found.begin(), found.end(), [](const Match& a, const Match& b) {
    return std::tuple(b.shared, a.before, a.now) < std::tuple(a.shared, b.before, b.now);
  });
  return found;
}

}  // namespace

snapshot::Snapshot next_snapshot(const snapshot::Snapshot& previous,
                                 const std::vector<std::string>& names,
                                 const std::vector<std::uint32_t>& tiers_us,
                                 const std::vector<forming::TierGroup>& groups,
                                 std::uint32_t slots_per_tier) {
  snapshot::Snapshot next;
  next.sequence = previous.sequence + 1;
  next.slots_per_tier = slots_per_tier;
  next.tiers_us = tiers_us;
  for (const std::string& name : names) next.nodes.push_back({name});
  std::map<std::uint32_t, std::set<std::uint32_t>> used;  // tier -> slots
  for (const auto& group : groups) {
    snapshot::Group item;
    item.tier_us = group.tier_us;
    item.diameter_us = group.diameter_us;
    for (std::size_t node : group.nodes) item.nodes.push_back(static_cast<std::uint32_t>(node));
    next.groups.push_back(std::move(item));
  }
  std::set<std::size_t> continued;
  for (const Match& match : matches(previous, names, groups)) {
    snapshot::Group& group = next.groups[match.now];
    if (group.id != 0 || !continued.insert(match.before).second) continue;
    const snapshot::Group& before = previous.groups[match.before];
    group.id = before.id;
    if (before.slot > 0 && before.slot <= slots_per_tier &&
        used[group.tier_us].insert(before.slot).second)
      group.slot = before.slot;
  }
  // Ids start from the sequence number, which never comes again: no id is ever used twice.
  std::uint64_t fresh = next.sequence << 24;
  std::vector<std::size_t> order(next.groups.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return next.groups[a].nodes.size() > next.groups[b].nodes.size();
  });
  for (std::size_t index : order) {
    snapshot::Group& group = next.groups[index];
    if (group.id == 0) group.id = ++fresh;
    auto& taken = used[group.tier_us];
    for (std::uint32_t slot = 1; group.slot == 0 && slot <= slots_per_tier; ++slot) {
      if (taken.insert(slot).second) group.slot = slot;
    }
  }
  std::sort(next.groups.begin(), next.groups.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.tier_us, a.slot, a.id) < std::tuple(b.tier_us, b.slot, b.id);
  });
  return next;
}

}  // namespace vesc::schedd
