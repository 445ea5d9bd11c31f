// SPDX-License-Identifier: MIT
#include "vesc/forming/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "random_matrix.hpp"
#include "vesc/forming/query.hpp"
#include "vesc/forming/tiers.hpp"

namespace vesc::forming {
namespace {

// Every pair within the tier, at the tightest tier possible, nested or apart, each once.
void expect_valid(const RttMatrix& matrix, const std::vector<std::uint32_t>& tiers,
                  const std::vector<TierGroup>& groups) {
  std::set<std::vector<std::size_t>> seen;
  for (const TierGroup& group : groups) {
    EXPECT_GE(group.nodes.size(), 2u);
    EXPECT_EQ(group.diameter_us, diameter_us(Pairs(matrix), group.nodes));
    EXPECT_LE(group.diameter_us, group.tier_us);
    EXPECT_TRUE(std::ranges::find(tiers, group.tier_us) != tiers.end());
    EXPECT_TRUE(seen.insert(group.nodes).second);
  }
  for (const TierGroup& a : groups) {
    for (const TierGroup& b : groups) {
      std::vector<std::size_t> shared;
      std::ranges::set_intersection(a.nodes, b.nodes, std::back_inserter(shared));
      EXPECT_TRUE(shared.empty() || shared.size() == std::min(a.nodes.size(), b.nodes.size()));
    }
  }
}

TEST(PartitionLadder, IsValidOnRandomMatrices) {
  std::mt19937 random(5);
  for (int instance = 0; instance < 300; ++instance) {
    RttMatrix matrix = random_matrix(2 + random() % 20, random);
    std::vector<std::uint32_t> tiers = {105, 110, 115, 120, 130};
    auto groups = partition_ladder(Pairs(matrix), tiers);
    expect_valid(matrix, tiers, groups);
    EXPECT_EQ(groups.size(), partition_ladder(Pairs(matrix), tiers).size());
  }
}

TEST(PartitionLadder, IsValidOnRealMatrices) {
  for (const char* file : {"planetlab490/PlanetLabData_1.xz", "seattle99/SeattleData_1"}) {
    auto matrix = read_matrix(std::string(VESC_SOURCE_DIR) + "/tests/data/latency/" + file);
    ASSERT_TRUE(matrix.ok());
    std::vector<std::size_t> part;
    for (std::size_t i = 0; i < 90; ++i) part.push_back(i);
    RttMatrix some = matrix->submatrix(part);
    auto tiers = tier_ladder_us(some.largest_pair_us());
    expect_valid(some, tiers, partition_ladder(Pairs(some), tiers));
  }
}

TEST(Partition, KeepsSizesAndLimit) {
  std::mt19937 random(6);
  for (int instance = 0; instance < 50; ++instance) {
    Pairs pairs(random_matrix(30, random));
    PartitionOptions options{120, 3, 5, 1, 20'000};
    auto clusters = partition(pairs, options);
    ASSERT_TRUE(clusters.ok());
    std::set<std::size_t> placed;
    for (const Cluster& cluster : *clusters) {
      EXPECT_GE(cluster.nodes.size(), 3u);
      EXPECT_LE(cluster.nodes.size(), 5u);
      EXPECT_LE(diameter_us(pairs, cluster.nodes), 120u);
      for (std::size_t node : cluster.nodes) EXPECT_TRUE(placed.insert(node).second);
    }
    EXPECT_LE(placed.size(), partition_bound(pairs, options).placed);
  }
}

TEST(Partition, AnUnknownPairIsNeverAccepted) {
  RttMatrix matrix(3);
  for (auto [a, b] : {std::pair{0, 1}, {1, 0}, {1, 2}, {2, 1}, {0, 2}})
    matrix.set_directed_us(static_cast<std::size_t>(a), static_cast<std::size_t>(b), 100);
  for (const TierGroup& group : partition_ladder(Pairs(matrix), {250, 60'000'000}))
    EXPECT_EQ(group.nodes.size(), 2u);
}

}  // namespace
}  // namespace vesc::forming
