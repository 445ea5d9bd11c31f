// SPDX-License-Identifier: GPL-2.0-or-later
#include "decision.hpp"

#include <gtest/gtest.h>

namespace vesc::plugin {
namespace {

View small_view() {
  View view;
  view.usable = true;
  view.tiers_us = {250, 350, 490, 686, 960, 1345, 1882, 2635, 3689, 5165, 7231, 10123};
  view.slots = {{"vesc_250us_1", 250, 2, 4, {"a", "b"}},
                {"vesc_960us_1", 960, 4, 8, {"a", "b", "c", "d"}},
                {"vesc_7231us_1", 7231, 8, 16, {"a", "b", "c", "d", "e", "f", "g", "h"}}};
  return view;
}

Request nodes(std::uint32_t count, std::optional<std::string> max_rtt = std::nullopt) {
  Request request;
  request.nodes_min = count;
  request.tasks = count;
  request.max_rtt = std::move(max_rtt);
  return request;
}

bool says(const Decision& decision, const char* what) {
  return decision.message.find(what) != std::string::npos;
}

TEST(Decide, ALimitedJobGetsTheSlotsWithinItTightestFirst) {
  auto decision = decide(small_view(), nodes(2, "8ms"));
  EXPECT_EQ(decision.features, "[vesc_250us_1|vesc_960us_1|vesc_7231us_1|vesc_max_7231us]");
  decision = decide(small_view(), nodes(3, "8ms"));
  EXPECT_EQ(decision.features, "[vesc_960us_1|vesc_7231us_1|vesc_max_7231us]");
}

TEST(Decide, TheUsersOwnFeaturesStay) {
  Request request = nodes(2, "1ms");
  request.features = "avx&gpu";
  EXPECT_EQ(decide(small_view(), request).features,
            "avx&gpu&[vesc_250us_1|vesc_960us_1|vesc_max_960us]");
}

TEST(Decide, SaysWhichTierALimitMeans) {
  EXPECT_TRUE(says(decide(small_view(), nodes(2, "7.5ms")), "the next below it"));
  EXPECT_TRUE(decide(small_view(), nodes(2, "250us")).message.empty());
}

TEST(Decide, RefusesWhatNoGroupCanHoldAndSaysWhatWould) {
  auto decision = decide(small_view(), nodes(5, "1ms"));
  EXPECT_EQ(decision.verdict, Verdict::kRefuseNodes);
  EXPECT_TRUE(says(decision, "The largest group at 0.96 ms has 4 nodes"));
  EXPECT_TRUE(says(decision, "--max-rtt=7231us"));
  EXPECT_TRUE(says(decide(small_view(), nodes(9, "1ms")), "No limit makes this job fit"));
}

TEST(Decide, JudgesTasksByTheCpusOfAGroup) {
  Request request;
  request.tasks = 6;
  request.max_rtt = "8ms";
  EXPECT_EQ(decide(small_view(), request).features, "[vesc_960us_1|vesc_7231us_1|vesc_max_7231us]");
  request.cpus_per_task = 3;
  EXPECT_EQ(decide(small_view(), request).verdict, Verdict::kRefuseNodes);
}

TEST(Decide, NamedNodesMustShareAGroup) {
  Request request = nodes(2, "1ms");
  request.nodes_wanted = {"a", "c"};
  EXPECT_EQ(decide(small_view(), request).features, "[vesc_960us_1|vesc_max_960us]");
  request.nodes_wanted = {"a", "e"};
  EXPECT_TRUE(says(decide(small_view(), request), "--max-rtt=7231us"));
  request.nodes_wanted = {"a", "elsewhere"};
  EXPECT_TRUE(says(decide(small_view(), request), "No limit makes this job fit"));
}

TEST(Decide, ExcludedNodesDoNotCount) {
  Request request = nodes(3, "1ms");
  request.nodes_excluded = {"d", "h"};
  EXPECT_EQ(decide(small_view(), request).verdict, Verdict::kAccept);
  request.nodes_excluded = {"a", "d"};
  EXPECT_EQ(decide(small_view(), request).verdict, Verdict::kRefuseNodes);
}

TEST(Decide, RefusesNonsense) {
  for (const char* text : {"ten", "-1", "0", "1e9 ms", "10", "100us"}) {
    auto decision = decide(small_view(), nodes(2, text));
    EXPECT_NE(decision.verdict, Verdict::kAccept) << text;
    EXPECT_FALSE(decision.message.empty());
  }
}

TEST(Decide, NoFlagGoesRoundALimit) {
  Request request = nodes(2, "8ms");
  request.spread = true;
  EXPECT_NE(decide(small_view(), request).verdict, Verdict::kAccept);
  request = nodes(2, "8ms");
  request.contiguous = true;
  EXPECT_NE(decide(small_view(), request).verdict, Verdict::kAccept);
  request = nodes(2, "8ms");
  request.expand = true;
  EXPECT_NE(decide(small_view(), request).verdict, Verdict::kAccept);
  for (const char* features : {"[a|b]", "a|b", "a*2", "(a&b)", "vesc_250us_1", "vesc_any"}) {
    request = nodes(2, "8ms");
    request.features = features;
    EXPECT_NE(decide(small_view(), request).verdict, Verdict::kAccept) << features;
  }
  request = nodes(2);
  request.expands_promised_job = true;
  EXPECT_NE(decide(small_view(), request).verdict, Verdict::kAccept);
}

TEST(Decide, SlotsCannotBeNamedByHand) {
  Request request = nodes(2);
  request.features = "vesc_7231us_1";
  EXPECT_EQ(decide(small_view(), request).verdict, Verdict::kRefuseFeature);
}

TEST(Decide, ManyAlternativesAreAlwaysRefused) {
  Request request = nodes(1);
  request.features = "[a0";
  for (int i = 1; i < 70; ++i) request.features += "|a" + std::to_string(i);
  request.features += "]";
  EXPECT_EQ(decide(small_view(), request).verdict, Verdict::kRefuseFeature);
  EXPECT_EQ(decide_change(small_view(), "", request, true).verdict, Verdict::kRefuseFeature);
}

TEST(Decide, AJobWithoutALimitMayGoAnywhereAndIsToldSo) {
  auto decision = decide(small_view(), nodes(3));
  EXPECT_EQ(decision.features, "[vesc_960us_1|vesc_7231us_1|vesc_any]");
  EXPECT_TRUE(says(decision, "anywhere"));
  View view = small_view();
  view.tightest_by_default = false;
  EXPECT_EQ(decide(view, nodes(3)).features, std::nullopt);
  EXPECT_EQ(decide(small_view(), nodes(1)).features, std::nullopt);
}

TEST(Decide, WithoutASnapshotOnlyLimitsAreRefused) {
  View view;
  view.why_not = "the snapshot is 400 s old";
  EXPECT_TRUE(says(decide(view, nodes(3, "8ms")), "400 s old"));
  auto stock = decide(view, nodes(3));
  EXPECT_EQ(stock.verdict, Verdict::kAccept);
  EXPECT_EQ(stock.features, std::nullopt);
}

TEST(Written, IsReadBack) {
  auto job = parse_written("avx&[vesc_250us_1|vesc_max_7231us]");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->user_part, "avx");
  EXPECT_EQ(job->limit_us, 7231u);
  EXPECT_FALSE(parse_written("[a|b]"));
  EXPECT_FALSE(parse_written("[vesc_250us_1]"));
  EXPECT_FALSE(parse_written("avx"));
  EXPECT_EQ(parse_written("[vesc_250us_1|vesc_any]")->limit_us, 0u);
}

TEST(Written, FollowsTheGroups) {
  auto job = parse_written("avx&[vesc_250us_1|vesc_max_960us]");
  EXPECT_EQ(refreshed(small_view(), *job, nodes(3)), "avx&[vesc_960us_1|vesc_max_960us]");
  EXPECT_EQ(refreshed(small_view(), *job, nodes(7)), "avx&[vesc_max_960us]")
      << "waits for a group, keeps its promise";
}

TEST(Change, APromiseIsKept) {
  std::string current = "[vesc_250us_1|vesc_960us_1|vesc_max_960us]";
  Request change = nodes(2);
  change.features = "avx";
  EXPECT_EQ(decide_change(small_view(), current, change, true).features,
            "avx&[vesc_250us_1|vesc_960us_1|vesc_max_960us]");
  change.features = "";
  EXPECT_EQ(decide_change(small_view(), current, change, true).features, current);
  change.features = "[a|b]";
  EXPECT_NE(decide_change(small_view(), current, change, true).verdict, Verdict::kAccept);
  EXPECT_NE(decide_change(small_view(), current, nodes(6), false).verdict, Verdict::kAccept);
  Request spread = nodes(2);
  spread.spread = true;
  EXPECT_NE(decide_change(small_view(), current, spread, false).verdict, Verdict::kAccept);
}

}  // namespace
}  // namespace vesc::plugin
