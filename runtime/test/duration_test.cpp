// SPDX-License-Identifier: MIT
#include "vesc/base/duration.hpp"

#include <gtest/gtest.h>

namespace vesc {
namespace {

TEST(ParseRtt, AcceptsMillisecondsAndMicroseconds) {
  EXPECT_EQ(*parse_rtt_us("10ms"), 10'000u);
  EXPECT_EQ(*parse_rtt_us("10 ms"), 10'000u);
  EXPECT_EQ(*parse_rtt_us("250us"), 250u);
  EXPECT_EQ(*parse_rtt_us("0.07ms"), 70u);
  EXPECT_EQ(*parse_rtt_us("1.9us"), 1u) << "a limit is never widened";
  EXPECT_EQ(*parse_rtt_us("60000ms"), kLimitUsMax);
}

TEST(ParseRtt, RefusesWithTheReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"10", "unit is missing"},    {"ten", "does not start with a number"},
      {"", "does not start"},       {"-1", "unit is missing"},
      {"-1ms", "more than 0"},      {"0ms", "more than 0"},
      {"0", "unit is missing"},     {"1e9 ms", "above 60000ms"},
      {"10s", "neither us nor ms"}, {"10msx", "neither us nor ms"},
      {"nan ms", "not a finite"},   {"inf ms", "not a finite"},
      {"0.5us", "below 1us"},       {"1e999ms", "out of range"},
  };
  for (auto [text, why] : cases) {
    auto result = parse_rtt_us(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidInput);
    EXPECT_NE(result.error().message.find(why), std::string::npos) << result.error().message;
    EXPECT_NE(result.error().message.find("for example 10ms"), std::string::npos);
  }
}

TEST(FormatRtt, ThreeSignificantDigits) {
  EXPECT_EQ(format_rtt_ms(10'000), "10 ms");
  EXPECT_EQ(format_rtt_ms(250), "0.25 ms");
  EXPECT_EQ(format_rtt_ms(2'689), "2.69 ms");
  EXPECT_EQ(format_rtt_ms(231'400), "231 ms");
}

}  // namespace
}  // namespace vesc
