// SPDX-License-Identifier: MIT
#include "schedd/slots.hpp"

#include <gtest/gtest.h>

namespace vesc::schedd {
namespace {

using forming::TierGroup;
const std::vector<std::string> kNames = {"a", "b", "c", "d", "e", "f"};
const std::vector<std::uint32_t> kTiers = {250, 350};

TEST(Slots, AGroupThatGoesOnKeepsIdAndSlot) {
  auto first = next_snapshot({}, kNames, kTiers, {{250, 200, {0, 1, 2}}, {250, 200, {3, 4}}}, 4);
  EXPECT_EQ(first.groups[0].slot, 1u) << "the larger group first";
  EXPECT_EQ(first.sequence, 1u);
  auto third = next_snapshot(first, kNames, kTiers, {{250, 200, {0, 1}}, {250, 200, {3, 4, 5}}}, 4);
  for (const auto& group : third.groups) {
    const auto& before = first.groups[group.nodes.size() == 2 ? 0 : 1];
    EXPECT_EQ(group.id, before.id);
    EXPECT_EQ(group.slot, before.slot);
  }
}

TEST(Slots, NeverCrossTiers) {
  auto first = next_snapshot({}, kNames, kTiers, {{250, 200, {0, 1}}}, 4);
  auto second = next_snapshot(first, kNames, kTiers, {{350, 300, {0, 1}}}, 4);
  EXPECT_NE(second.groups[0].id, first.groups[0].id);
  EXPECT_EQ(second.groups[0].slot, 1u);
  EXPECT_NE(snapshot::slot_feature(first.groups[0].tier_us, 1),
            snapshot::slot_feature(second.groups[0].tier_us, 1));
}

TEST(Slots, NoTwoGroupsShareOneAndTheSmallestGoWithout) {
  auto snapshot = next_snapshot({}, kNames, kTiers,
                                {{250, 1, {0, 1, 2}}, {250, 1, {3, 4}}, {350, 1, {0, 1, 2, 5}}}, 1);
  for (const auto& group : snapshot.groups)
    EXPECT_EQ(group.slot, group.nodes.size() == 2 ? 0u : 1u);
  EXPECT_TRUE(snapshot::encode(snapshot).ok());
}

TEST(Slots, IdsAreNeverUsedAgain) {
  auto first = next_snapshot({}, kNames, kTiers, {{250, 1, {0, 1}}}, 4);
  auto second = next_snapshot(first, kNames, kTiers, {{250, 1, {2, 3}}}, 4);
  EXPECT_NE(first.groups[0].id, second.groups[0].id);
}

}  // namespace
}  // namespace vesc::schedd
