// SPDX-License-Identifier: MIT
#include "vesc/forming/query.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "random_matrix.hpp"

namespace vesc::forming {
namespace {

// The smallest diameter of `size` of the allowed nodes that hold all of `include`, by trying all.
std::uint32_t brute_force(const RttMatrix& matrix, std::size_t size,
                          const std::vector<std::size_t>& include,
                          const std::vector<std::size_t>& exclude) {
  Pairs pairs(matrix);
  std::uint32_t best = kUnknownRttUs;
  for (std::uint32_t set = 0; set < (1u << matrix.size()); ++set) {
    if (static_cast<std::size_t>(std::popcount(set)) != size) continue;
    bool allowed = std::ranges::all_of(include, [&](std::size_t n) { return set >> n & 1; }) &&
                   std::ranges::none_of(exclude, [&](std::size_t n) { return set >> n & 1; });
    if (!allowed) continue;
    std::vector<std::size_t> nodes;
    for (std::size_t n = 0; n < matrix.size(); ++n) {
      if (set >> n & 1) nodes.push_back(n);
    }
    best = std::min(best, diameter_us(pairs, nodes));
  }
  return best;
}

TEST(Query, EqualsBruteForceOnThousandsOfInstances) {
  std::mt19937 random(42);
  for (int instance = 0; instance < 3000; ++instance) {
    std::size_t n = 4 + random() % 7;
    RttMatrix matrix = random_matrix(n, random);
    Query question;
    question.size = 1 + random() % n;
    if (random() % 2 == 0) question.include = {random() % n};
    if (random() % 2 == 0) question.exclude = {random() % n};
    if (!question.include.empty() && question.include == question.exclude) question.exclude.clear();
    auto answer = query(Pairs(matrix), question);
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_TRUE(answer->optimal);
    std::uint32_t best = brute_force(matrix, question.size, question.include, question.exclude);
    EXPECT_EQ(answer->feasible, best != kUnknownRttUs) << instance;
    if (!answer->feasible) continue;
    EXPECT_EQ(answer->diameter_us, best) << instance;
    EXPECT_EQ(answer->lower_bound_us, best);
    EXPECT_EQ(answer->nodes.size(), question.size);
    EXPECT_TRUE(std::ranges::is_sorted(answer->nodes));
  }
}

TEST(Query, KnownOptimaOfPlanetLab) {
  auto matrix = read_matrix(std::string(VESC_SOURCE_DIR) +
                            "/tests/data/latency/planetlab490/PlanetLabData_1.xz");
  ASSERT_TRUE(matrix.ok());
  for (auto [size, us] : {std::pair{4, 139u}, {8, 317u}, {16, 7776u}, {32, 17668u}}) {
    Query question;
    question.size = static_cast<std::size_t>(size);
    auto answer = query(Pairs(*matrix), question);
    ASSERT_TRUE(answer.ok());
    EXPECT_TRUE(answer->optimal);
    EXPECT_EQ(answer->diameter_us, us) << size;
  }
}

TEST(Query, ALimitIsKeptOrRefusedWithProof) {
  auto matrix = parse_matrix("0 5 9\n5 0 9\n9 9 0\n", "text");
  Query question;
  question.size = 3;
  question.max_rtt_us = 8999;
  auto answer = query(Pairs(*matrix), question);
  EXPECT_FALSE(answer->feasible);
  EXPECT_TRUE(answer->optimal);
  question.max_rtt_us = 9000;
  EXPECT_TRUE(query(Pairs(*matrix), question)->feasible);
}

TEST(Query, StopsAtItsWorkLimitAndSaysSo) {
  std::mt19937 random(3);
  RttMatrix matrix = random_matrix(60, random);
  Query question;
  question.size = 12;
  question.steps_max = 5;
  auto answer = query(Pairs(matrix), question);
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(answer->optimal);
}

TEST(Query, RefusesContradictions) {
  RttMatrix matrix(3);
  Query question;
  question.include = {7};
  EXPECT_FALSE(query(Pairs(matrix), question).ok());
  question.include = {1};
  question.exclude = {1};
  EXPECT_FALSE(query(Pairs(matrix), question).ok());
  question.exclude.clear();
  question.include = {0, 1, 2};
  EXPECT_FALSE(query(Pairs(matrix), question).ok()) << "two nodes cannot hold three";
}

// Properties on instances too large for brute force.
TEST(Query, IsMonotoneInTheFreeSetAndTheLimit) {
  std::mt19937 random(77);
  for (int instance = 0; instance < 200; ++instance) {
    std::size_t n = 30 + random() % 40;
    Pairs pairs(random_matrix(n, random));
    Query query;
    query.size = 2 + random() % 6;
    for (std::size_t node = 0; node < n; ++node) {
      if (random() % 2 == 0) query.free.push_back(node);
    }
    if (query.free.size() < query.size) continue;
    auto some = forming::query(pairs, query);
    Query all = query;
    all.free.clear();
    auto more = forming::query(pairs, all);
    if (!some->feasible) continue;
    ASSERT_TRUE(more->feasible);
    EXPECT_LE(more->diameter_us, some->diameter_us);
    Query limited = query;
    limited.max_rtt_us = some->diameter_us;
    EXPECT_EQ(forming::query(pairs, limited)->diameter_us, some->diameter_us);
    limited.max_rtt_us = some->diameter_us - 1;
    auto none = forming::query(pairs, limited);
    EXPECT_FALSE(none->feasible);
    EXPECT_TRUE(none->optimal);
    EXPECT_GT(none->lower_bound_us, limited.max_rtt_us);
  }
}

TEST(Query, APermutationOfTheInputPermutesTheAnswer) {
  std::mt19937 random(78);
  for (int instance = 0; instance < 100; ++instance) {
    std::size_t n = 20 + random() % 30;
    RttMatrix matrix = random_matrix(n, random);
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    std::ranges::shuffle(order, random);
    Query query;
    query.size = 2 + random() % 5;
    auto plain = forming::query(Pairs(matrix), query);
    auto turned = forming::query(Pairs(matrix.submatrix(order)), query);
    EXPECT_EQ(plain->diameter_us, turned->diameter_us);
    EXPECT_EQ(plain->feasible, turned->feasible);
    EXPECT_EQ(plain->nodes, forming::query(Pairs(matrix), query)->nodes) << "deterministic";
  }
}

TEST(Query, HoldsToWhatIsAskedOfEachNode) {
  std::mt19937 random(79);
  Pairs pairs(random_matrix(40, random));
  Query query;
  query.size = 3;
  query.each = {4, 1000};
  for (std::uint32_t node = 0; node < 40; ++node) query.capacity.push_back({node % 8, 1500 - node});
  auto answer = forming::query(pairs, query);
  ASSERT_TRUE(answer->feasible);
  for (std::size_t node : answer->nodes) EXPECT_GE(query.capacity[node].cores, 4u);
  query.capacity.pop_back();
  EXPECT_FALSE(forming::query(pairs, query).ok());
}

TEST(Query, PrefersLightNodesOfTheSameDiameter) {
  // All pairs alike: any three are optimal.
  RttMatrix matrix(8);
  for (std::size_t a = 0; a < 8; ++a) {
    for (std::size_t b = 0; b < 8; ++b) {
      if (a != b) matrix.set_directed_us(a, b, 100);
    }
  }
  Query query;
  query.size = 3;
  query.weights = {9, 9, 1, 9, 1, 9, 1, 9};
  EXPECT_EQ(forming::query(Pairs(matrix), query)->nodes, (std::vector<std::size_t>{2, 4, 6}));
}

TEST(Query, IsTheSameOnSparseLists) {
  std::mt19937 random(80);
  for (int instance = 0; instance < 300; ++instance) {
    std::size_t n = 10 + random() % 30;
    Pairs dense(random_matrix(n, random)), sparse(n);
    for (std::size_t a = 0; a < n; ++a) {
      for (const Near& near : dense.near(a)) {
        if (near.node > a) sparse.set(a, near.node, near.rtt_us);
      }
    }
    Query query;
    query.size = 1 + random() % 6;
    if (random() % 2 == 0) query.include = {random() % n};
    auto x = forming::query(dense, query), y = forming::query(sparse, query);
    EXPECT_EQ(x->feasible, y->feasible);
    EXPECT_EQ(x->diameter_us, y->diameter_us);
    EXPECT_TRUE(y->optimal);
  }
}

}  // namespace
}  // namespace vesc::forming
