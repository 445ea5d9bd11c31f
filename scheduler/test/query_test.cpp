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

}  // namespace
}  // namespace vesc::forming
