// SPDX-License-Identifier: MIT
#include "vesc/forming/tiers.hpp"

#include <gtest/gtest.h>

#include "vesc/base/duration.hpp"

namespace vesc::forming {
namespace {

TEST(Tiers, AreAFactorOfOnePointFourApart) {
  EXPECT_EQ(tier_limit_us(0), 250u);
  EXPECT_EQ(tier_limit_us(1), 350u);
  EXPECT_EQ(tier_limit_us(2), 490u);
  for (std::size_t i = 1; i < kTiersMax; ++i) {
    double ratio = static_cast<double>(tier_limit_us(i)) / tier_limit_us(i - 1);
    EXPECT_NEAR(ratio, 1.4, 0.002);
  }
  EXPECT_LE(tier_limit_us(kTiersMax - 1), kLimitUsMax);
}

TEST(Tiers, LadderEndsAtTheFirstTierThatHoldsTheLargestRtt) {
  EXPECT_EQ(tier_ladder_us(0), (std::vector<std::uint32_t>{250}));
  EXPECT_EQ(tier_ladder_us(250), (std::vector<std::uint32_t>{250}));
  EXPECT_EQ(tier_ladder_us(251), (std::vector<std::uint32_t>{250, 350}));
  EXPECT_EQ(tier_ladder_us(4'000'000'000u).size(), kTiersMax);
}

TEST(Tiers, ALimitMeansTheLoosestTierWithinIt) {
  EXPECT_EQ(tier_within_us(249), std::nullopt);
  EXPECT_EQ(tier_within_us(250), 250u);
  EXPECT_EQ(tier_within_us(489), 350u);
  EXPECT_EQ(tier_within_us(60'000'000), tier_limit_us(kTiersMax - 1));
}

}  // namespace
}  // namespace vesc::forming
