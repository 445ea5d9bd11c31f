// SPDX-License-Identifier: MIT
//
// What changes over time: samples, probes and repair.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "random_matrix.hpp"
#include "vesc/forming/partition.hpp"
#include "vesc/forming/planner.hpp"
#include "vesc/forming/samples.hpp"

namespace vesc::forming {
namespace {

TEST(Samples, CountWithTheLeastOfTheWindowAndTheWorseWay) {
  Samples samples(3);
  samples.add(0, 1, 900, 1);
  samples.add(0, 1, 500, 2);
  EXPECT_EQ(samples.pairs().us(0, 1), 500u);
  EXPECT_EQ(samples.spread_us(0, 1), 400u);
  samples.add(1, 0, 700, 3);
  EXPECT_EQ(samples.pairs().us(1, 0), 700u) << "the other way is worse";
  for (std::uint32_t i = 0; i < 4; ++i) samples.add(0, 1, 800, 4);
  EXPECT_EQ(samples.pairs().us(0, 1), 800u) << "500 has left the window";
  samples.add(0, 2, 0, 5);
  samples.add(2, 2, 10, 5);
  EXPECT_EQ(samples.pairs().us(0, 2), kUnknownRttUs) << "no samples at all";
}

TEST(Samples, AgeOutAndMakeRoomForNearerPairs) {
  Samples samples(5, 2);
  samples.add(0, 1, 100, 1);
  samples.add(0, 2, 200, 5);
  samples.add(0, 3, 150, 5);
  EXPECT_EQ(samples.pairs().us(0, 2), kUnknownRttUs) << "the farthest of three made room";
  EXPECT_TRUE(samples.pairs().near(2).empty());
  samples.forget_before(5);
  EXPECT_EQ(samples.pairs().us(0, 1), kUnknownRttUs);
  EXPECT_EQ(samples.pairs().us(0, 3), 150u);
  EXPECT_EQ(samples.spread_us(0, 1), 0u);
}

TEST(Samples, EqualAnIndexMadeAtOnce) {
  std::mt19937 random(3);
  for (int instance = 0; instance < 50; ++instance) {
    std::size_t n = 3 + random() % 20;
    Samples samples(n);
    std::vector<std::vector<std::uint32_t>> last(n, std::vector<std::uint32_t>(n, kUnknownRttUs));
    for (int i = 0; i < 300; ++i) {
      std::size_t a = random() % n, b = random() % n;
      if (a >= b) continue;
      // The same value four times over: the window holds nothing else.
      auto us = 1 + static_cast<std::uint32_t>(random() % 500);
      for (int times = 0; times < 4; ++times) samples.add(a, b, us, 1);
      last[a][b] = last[b][a] = us;
    }
    for (std::size_t a = 0; a < n; ++a) {
      auto near = samples.pairs().near(a);
      EXPECT_TRUE(std::ranges::is_sorted(near));
      std::size_t known = 0;
      for (std::size_t b = 0; b < n; ++b) {
        if (a == b) continue;
        EXPECT_EQ(samples.pairs().us(a, b), last[a][b]);
        known += last[a][b] != kUnknownRttUs;
      }
      EXPECT_EQ(near.size(), known);
    }
  }
}

TEST(Planner, ProbesWhatIsNotKnown) {
  std::mt19937 random(4);
  Pairs known(random_matrix(40, random));
  for (std::size_t node = 0; node < 40; ++node) {
    auto probes = next_probes(known, node, 10, node + 1);
    std::set<std::uint32_t> distinct(probes.begin(), probes.end());
    EXPECT_EQ(distinct.size(), probes.size());
    EXPECT_EQ(distinct.count(static_cast<std::uint32_t>(node)), 0u);
    for (std::uint32_t other : probes) EXPECT_EQ(known.us(node, other), kUnknownRttUs);
    EXPECT_EQ(probes, next_probes(known, node, 10, node + 1)) << "deterministic";
  }
}

TEST(Planner, NeverAcceptsAGuess) {
  std::mt19937 random(8);
  for (int instance = 0; instance < 200; ++instance) {
    std::size_t n = 8 + random() % 20;
    Pairs truth(random_matrix(n, random));
    Pairs known(n);
    for (std::size_t i = 0; i < n * 2; ++i) {
      std::size_t a = random() % n, b = random() % n;
      if (a != b && truth.us(a, b) != kUnknownRttUs) known.set(a, b, truth.us(a, b));
    }
    Query query;
    query.size = 2 + random() % 4;
    if (random() % 2 == 0) query.include = {random() % n};
    auto answer = query_measuring(known, query, 2 * query.size * query.size,
                                  [&](Probe probe) { return truth.us(probe.from, probe.to); });
    ASSERT_TRUE(answer.ok());
    EXPECT_LE(answer->measured, 2 * query.size * query.size);
    if (!answer->answer.feasible) continue;
    EXPECT_EQ(answer->answer.diameter_us, diameter_us(truth, answer->answer.nodes));
  }
}

TEST(Planner, FindsTheOptimumOfPlanetLabWithFewProbes) {
  auto matrix = read_matrix(std::string(VESC_SOURCE_DIR) +
                            "/tests/data/latency/planetlab490/PlanetLabData_1.xz");
  SimulateOptions options;
  options.sizes = {8, 16};
  options.draws = 3;
  auto result = simulate(*matrix, options);
  EXPECT_GT(result.recall_20ms, 0.95);
  for (const auto& size : result.sizes) {
    EXPECT_EQ(size.invalid, 0u);
    EXPECT_EQ(size.unanswered, 0u);
    EXPECT_LE(size.ratios[size.ratios.size() / 2], 1.01);
  }
}

std::vector<std::size_t> sorted_nodes(const std::vector<Cluster>& clusters) {
  std::vector<std::size_t> nodes;
  for (const Cluster& cluster : clusters)
    nodes.insert(nodes.end(), cluster.nodes.begin(), cluster.nodes.end());
  std::ranges::sort(nodes);
  return nodes;
}

TEST(Repair, ChangesNothingThatIsWell) {
  auto matrix = read_matrix(std::string(VESC_SOURCE_DIR) +
                            "/tests/data/latency/planetlab490/PlanetLabData_1.xz");
  Pairs pairs(*matrix);
  RepairOptions options;
  options.partition = {10'000, 4, 32, 1, 300'000};
  auto before = *partition(pairs, options.partition);
  auto after = *repair(pairs, before, options);
  EXPECT_TRUE(after.moves.empty());
  ASSERT_EQ(after.clusters.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after.clusters[i].id, before[i].id);
    EXPECT_EQ(after.clusters[i].nodes, before[i].nodes);
  }
}

TEST(Repair, IsValidWhateverChanges) {
  std::mt19937 random(12);
  for (int instance = 0; instance < 100; ++instance) {
    RepairOptions options;
    options.partition = {118, 2, 8, 1, 2'000};
    Pairs before_pairs(random_matrix(30, random)), pairs(random_matrix(30, random));
    auto before = *partition(before_pairs, options.partition);
    auto after = *repair(pairs, before, options);
    std::set<std::string> ids;
    for (const Cluster& cluster : after.clusters) {
      EXPECT_TRUE(ids.insert(cluster.id).second);
      EXPECT_GE(cluster.nodes.size(), 2u);
      EXPECT_LE(cluster.nodes.size(), 8u);
      EXPECT_LE(diameter_us(pairs, cluster.nodes), 118 * 1.1);
      EXPECT_TRUE(std::ranges::is_sorted(cluster.nodes));
    }
    auto nodes = sorted_nodes(after.clusters);
    EXPECT_EQ(std::ranges::adjacent_find(nodes), nodes.end()) << "a node in two groups";
    for (const Move& move : after.moves) {
      EXPECT_FALSE(move.why.empty());
      EXPECT_NE(move.from, move.to);
    }
  }
}

TEST(Repair, IsPatientIfAsked) {
  // Three nodes within 10 ms; then the third is 12 ms away from the second.
  Pairs near(*parse_matrix("0 9 9\n9 0 9\n9 9 0\n", "text"));
  Pairs far(*parse_matrix("0 9 9\n9 0 12\n9 12 0\n", "text"));
  RepairOptions options;
  options.partition = {10'000, 2, 8, 1, 1'000};
  options.patience = 3;
  auto clusters = *partition(near, options.partition);
  ASSERT_EQ(clusters[0].nodes.size(), 3u);
  std::vector<unsigned> strikes;
  for (int report = 1; report <= 3; ++report) {
    auto after = *repair(far, clusters, options, strikes);
    EXPECT_EQ(after.clusters[0].nodes.size(), report < 3 ? 3u : 2u) << report;
    EXPECT_EQ(after.moves.size(), report < 3 ? 0u : 1u);
    strikes = after.strikes;
    clusters = after.clusters;
  }
}

}  // namespace
}  // namespace vesc::forming
