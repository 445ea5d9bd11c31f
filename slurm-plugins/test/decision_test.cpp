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
  EXPECT_EQ(decide_change(small_view(), {}, {request, true, false}).verdict,
            Verdict::kRefuseFeature);
}

TEST(Decide, AJobWithoutALimitMayGoAnywhereAndIsToldSo) {
  auto decision = decide(small_view(), nodes(3));
  EXPECT_EQ(decision.features, std::nullopt);
  EXPECT_EQ(decision.prefer, "[vesc_960us_1|vesc_7231us_1|vesc_any]");
  EXPECT_TRUE(says(decision, "anywhere"));
  Request array = nodes(3);
  array.compound = true;
  EXPECT_EQ(decide(small_view(), array).features, "[vesc_960us_1|vesc_7231us_1|vesc_any]");
  Request picky = nodes(3);
  picky.features = "avx";
  EXPECT_EQ(decide(small_view(), picky).prefer, "avx&[vesc_960us_1|vesc_7231us_1|vesc_any]");
  picky.prefer = "fast";
  EXPECT_EQ(decide(small_view(), picky).prefer, std::nullopt) << "the user's own preference stays";
  View view = small_view();
  view.tightest_by_default = false;
  EXPECT_EQ(decide(view, nodes(3)).prefer, std::nullopt);
  EXPECT_EQ(decide(small_view(), nodes(1)).prefer, std::nullopt);
}

TEST(Decide, AGroupOfAllNodesIsNoAlternativeToAnywhere) {
  View view = small_view();
  view.slots.back().holds_all = true;
  EXPECT_EQ(decide(view, nodes(3)).prefer, "[vesc_960us_1|vesc_any]");
  EXPECT_EQ(decide(view, nodes(8)).prefer, std::nullopt);
  EXPECT_EQ(decide(view, nodes(8, "8ms")).features, "[vesc_7231us_1|vesc_max_7231us]");
}

TEST(Decide, APreferenceIsNoWayRoundALimit) {
  Request request = nodes(2, "8ms");
  request.prefer = "avx";
  EXPECT_EQ(decide(small_view(), request).verdict, Verdict::kRefuseFeature);
}

TEST(Decide, ALongListIsCutToWhatSlurmctldTakes) {
  View view = small_view();
  view.alternatives_max = 48;
  view.slots.assign(48, view.slots.back());
  Request request = nodes(2, "8ms");
  request.features = std::string(500, 'x');
  auto text = *decide(view, request).features;
  EXPECT_LE(text.size(), 1000u);
  EXPECT_TRUE(text.ends_with("|vesc_max_7231us]"));
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
  View view = small_view();
  Constraint promised{"avx&[vesc_250us_1|vesc_max_960us]", ""};
  EXPECT_EQ(refreshed(view, promised, nodes(3)).features, "avx&[vesc_960us_1|vesc_max_960us]");
  EXPECT_EQ(refreshed(view, promised, nodes(7)).features, "avx&[vesc_max_960us]")
      << "waits for a group, keeps its promise";
  Constraint preferred{"avx", "avx&[vesc_250us_9|vesc_any]"};
  EXPECT_EQ(refreshed(view, preferred, nodes(7)),
            (Constraint{"avx", "avx&[vesc_7231us_1|vesc_any]"}));
  Constraint foreign{"[a|b]", "c"};
  EXPECT_EQ(refreshed(view, foreign, nodes(2)), foreign);
}

Waiting waiting(std::uint32_t id, std::uint32_t priority, Constraint now, std::uint32_t size = 2) {
  return {id, priority, std::move(now), nodes(size), {}};
}

TEST(Arrange, TheMostUrgentJobsGetTheDefault) {
  View view = small_view();
  view.preferred_max = 9;  // two jobs of four alternatives
  std::string all = "[vesc_250us_1|vesc_960us_1|vesc_7231us_1|vesc_any]";
  std::vector<Waiting> jobs = {waiting(1, 10, {"", all}), waiting(2, 30, {"", ""}),
                               waiting(3, 20, {"", ""}), waiting(4, 0, {"", all}),
                               waiting(5, 99, {"", "fast"})};
  arrange(view, jobs);
  EXPECT_EQ(jobs[0].wanted.prefer, "") << "too far down";
  EXPECT_EQ(jobs[1].wanted.prefer, all);
  EXPECT_EQ(jobs[2].wanted.prefer, all);
  EXPECT_EQ(jobs[3].wanted.prefer, "") << "held";
  EXPECT_EQ(jobs[4].wanted.prefer, "fast") << "the user's own";
}

TEST(Arrange, PromisesAreKeptWhereverAJobStands) {
  View view = small_view();
  view.preferred_max = 0;
  std::vector<Waiting> jobs = {waiting(1, 0, {"[vesc_250us_9|vesc_max_960us]", ""}, 3)};
  arrange(view, jobs);
  EXPECT_EQ(jobs[0].wanted, (Constraint{"[vesc_960us_1|vesc_max_960us]", ""}));
}

TEST(Change, APromiseIsKept) {
  Constraint current{"[vesc_250us_1|vesc_960us_1|vesc_max_960us]", ""};
  Update change{nodes(2), true, false};
  auto answer = [&] { return decide_change(small_view(), current, change); };
  change.request.features = "avx";
  EXPECT_EQ(answer().features, "avx&[vesc_250us_1|vesc_960us_1|vesc_max_960us]");
  change.request.features = "";
  EXPECT_EQ(answer().features, current.features);
  change.request.features = "[a|b]";
  EXPECT_NE(answer().verdict, Verdict::kAccept);
  change = {nodes(6), false, false};
  EXPECT_NE(answer().verdict, Verdict::kAccept);
  change = {nodes(2), false, false};
  change.request.spread = true;
  EXPECT_NE(answer().verdict, Verdict::kAccept);
  change = {nodes(2), false, true};
  change.request.prefer = "avx";
  EXPECT_NE(answer().verdict, Verdict::kAccept);
}

TEST(Change, TheDefaultFollowsAChangeOfTheJob) {
  Constraint current{"", "[vesc_250us_1|vesc_960us_1|vesc_7231us_1|vesc_any]"};
  auto answer = [&](const Update& change) { return decide_change(small_view(), current, change); };
  Update change{nodes(2), true, false};
  change.request.features = "avx";
  EXPECT_EQ(answer(change).features, std::nullopt);
  EXPECT_EQ(answer(change).prefer, "avx&[vesc_250us_1|vesc_960us_1|vesc_7231us_1|vesc_any]");
  EXPECT_EQ(answer({nodes(7), false, false}).prefer, "[vesc_7231us_1|vesc_any]");
  EXPECT_EQ(answer({nodes(9), false, false}).prefer, "") << "no group is of use any more";
  change.request.features = "[a|b]";
  EXPECT_EQ(answer(change).prefer, "") << "the user's alternatives are the user's alone";
  change = {nodes(2), false, true};
  change.request.prefer = "fast";
  EXPECT_EQ(answer(change).prefer, std::nullopt);
  change.request.prefer = "vesc_250us_1";
  EXPECT_EQ(answer(change).verdict, Verdict::kRefuseFeature);
}

}  // namespace
}  // namespace vesc::plugin
