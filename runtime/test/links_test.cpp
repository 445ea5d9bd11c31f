// SPDX-License-Identifier: MIT
#include "links.hpp"

#include <gtest/gtest.h>

#include <random>

#include "vesc/wan/wan.hpp"

namespace vesc::wan {
namespace {

forming::RttMatrix two_hosts(std::uint32_t there_us, std::uint32_t back_us) {
  forming::RttMatrix matrix(2);
  matrix.set_directed_us(0, 1, there_us);
  matrix.set_directed_us(1, 0, back_us);
  return matrix;
}

TEST(Links, EachDirectionHasItsOwnDelay) {
  Links links(two_hosts(10'000, 30'000), 0, 0, 0);
  EXPECT_EQ(links.send(0, 1, 100, 1'000, 0), 1'000 + 5'000'000);
  EXPECT_EQ(links.send(1, 0, 100, 1'000, 0), 1'000 + 15'000'000);
}

TEST(Links, AnUnknownPairIsCutAndStaysCut) {
  Links links(two_hosts(10'000, forming::kUnknownRttUs), 0, 0, 0);
  EXPECT_EQ(links.send(1, 0, 100, 0, 0), std::nullopt);
  links.restore(1, 0);
  EXPECT_EQ(links.send(1, 0, 100, 0, 0), std::nullopt);
  EXPECT_TRUE(links.send(0, 1, 100, 0, 0).has_value());
}

TEST(Links, CutSlowRestore) {
  Links links(two_hosts(10'000, 10'000), 0, 0, 0);
  links.cut(0, 1);
  EXPECT_EQ(links.send(0, 1, 100, 0, 0), std::nullopt);
  links.restore(0, 1);
  links.scale(0, 1, 3);
  EXPECT_EQ(links.send(0, 1, 100, 0, 0), 15'000'000);
  links.restore(0, 1);
  EXPECT_EQ(links.send(0, 1, 100, 0, 0), 5'000'000) << "not held behind the slow packet";
}

TEST(Links, JitterNeverReordersAPair) {
  Links links(two_hosts(1'000, 1'000), 5, 0, 0);
  std::mt19937_64 random(7);
  std::int64_t last = 0, most = 0;
  for (std::int64_t now = 0; now < 100'000'000; now += 100'000) {
    std::int64_t due = *links.send(0, 1, 100, now, random());
    EXPECT_GE(due, last);
    last = due;
    most = std::max(most, due - now);
  }
  EXPECT_GT(most, 4'000'000);
  EXPECT_LE(most, 5'500'000);
}

TEST(Links, LosesTheShareAskedFor) {
  Links links(two_hosts(1'000, 1'000), 0, 0.1, 0);
  std::mt19937_64 random(7);
  int lost = 0;
  for (int i = 0; i < 100'000; ++i) lost += links.send(0, 1, 100, i, random()) ? 0 : 1;
  EXPECT_NEAR(lost, 10'000, 400);
}

TEST(Links, ABandwidthCapSpacesPacketsAndDropsBeyondItsQueue) {
  Links links(two_hosts(0, 0), 0, 0, 8);  // 1 byte a microsecond
  EXPECT_EQ(links.send(0, 1, 1000, 0, 0), 1'000'000);
  EXPECT_EQ(links.send(0, 1, 1000, 0, 0), 2'000'000);
  int accepted = 2;
  while (links.send(0, 1, 1000, 0, 0)) ++accepted;
  EXPECT_EQ(accepted, kQueueNsMax / 1'000'000 + 1);
}

TEST(DrawHosts, IsReproducibleAndDistinct) {
  auto drawn = draw_hosts(490, 16, 1);
  EXPECT_EQ(drawn, draw_hosts(490, 16, 1));
  EXPECT_NE(drawn, draw_hosts(490, 16, 2));
  std::sort(drawn.begin(), drawn.end());
  EXPECT_EQ(std::unique(drawn.begin(), drawn.end()), drawn.end());
  EXPECT_LT(drawn.back(), 490u);
}

TEST(DrawHosts, IsUniform) {
  std::vector<int> times(10);
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
    for (std::size_t row : draw_hosts(10, 3, seed)) ++times[row];
  }
  for (int count : times) EXPECT_NEAR(count, 3000, 200);
}

}  // namespace
}  // namespace vesc::wan
