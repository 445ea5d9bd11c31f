// SPDX-License-Identifier: GPL-2.0-or-later
#include "view.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "vesc/snapshot/snapshot.hpp"

namespace vesc::plugin {

View make_view(const snapshot::Snapshot& snapshot, const CpusOfNode& cpus) {
  View view;
  view.sequence = snapshot.sequence;
  view.tiers_us = snapshot.tiers_us;
  std::uint32_t largest = 1;
  for (const auto& [name, count] : cpus) largest = std::max(largest, count);
  std::vector<Slot> slots;
  for (const auto& group : snapshot.groups) {
    if (group.slot == 0) continue;
    Slot slot;
    slot.feature = snapshot::slot_feature(group.tier_us, group.slot);
    slot.tier_us = group.tier_us;
    slot.nodes = static_cast<std::uint32_t>(group.nodes.size());
    std::size_t known = 0;
    for (std::uint32_t node : group.nodes) {
      const std::string& name = snapshot.nodes[node].name;
      auto at = cpus.find(name);
      known += at != cpus.end();
      slot.cpus += at == cpus.end() ? largest : at->second;
      slot.members.push_back(name);
    }
    slot.holds_all = known == cpus.size();
    std::ranges::sort(slot.members);
    slots.push_back(std::move(slot));
  }
  std::ranges::stable_sort(slots, [](const Slot& a, const Slot& b) {
    return std::tie(a.tier_us, a.nodes, a.feature) < std::tie(b.tier_us, b.nodes, b.feature);
  });
  std::set<std::vector<std::string>> seen;
  for (Slot& slot : slots) {
    if (seen.insert(slot.members).second) view.slots.push_back(std::move(slot));
  }
  return view;
}

bool same_decisions(const View& a, const View& b) {
  auto equal = [](const Slot& x, const Slot& y) {
    return x.feature == y.feature && x.members == y.members && x.cpus == y.cpus &&
           x.holds_all == y.holds_all;
  };
  return a.usable == b.usable && std::ranges::equal(a.slots, b.slots, equal);
}

}  // namespace vesc::plugin
