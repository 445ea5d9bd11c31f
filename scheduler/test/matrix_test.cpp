// SPDX-License-Identifier: MIT
#include "vesc/forming/matrix.hpp"

#include "vesc/forming/pairs.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <random>

namespace vesc::forming {
namespace {

const std::string kData = std::string(VESC_SOURCE_DIR) + "/tests/data/latency/";

TEST(ReadMatrix, ReadsPlanetLabFromXz) {
  auto matrix = read_matrix(kData + "planetlab490/PlanetLabData_1.xz");
  ASSERT_TRUE(matrix.ok()) << matrix.error().message;
  EXPECT_EQ(matrix->size(), 490u);
  EXPECT_EQ(matrix->largest_pair_us(), 2'984'100u);
}

TEST(ReadMatrix, DirtyInputNeverYieldsAZeroPair) {
  auto matrix = read_matrix(kData + "seattle99/SeattleData_1");
  ASSERT_TRUE(matrix.ok()) << matrix.error().message;
  for (std::size_t a = 0; a < 99; ++a) {
    for (std::size_t b = 0; b < 99; ++b) EXPECT_TRUE(a == b || matrix->pair_us(a, b) > 0);
  }
}

TEST(ParseMatrix, KnowsTheWaysToSayUnknown) {
  auto matrix = parse_matrix("0 - nan\n1 0 -5\n# a comment\n2.5 0.25 0\n", "text");
  ASSERT_TRUE(matrix.ok()) << matrix.error().message;
  EXPECT_EQ(matrix->directed_us(0, 1), kUnknownRttUs);
  EXPECT_EQ(matrix->directed_us(0, 2), kUnknownRttUs);
  EXPECT_EQ(matrix->directed_us(1, 2), kUnknownRttUs);
  EXPECT_EQ(matrix->directed_us(2, 0), 2500u);
  EXPECT_EQ(matrix->pair_us(1, 2), kUnknownRttUs) << "one unknown direction makes the pair unknown";
}

TEST(ParseMatrix, ThePairIsTheWorseDirection) {
  auto matrix = parse_matrix("0 3\n7 0\n", "text");
  EXPECT_EQ(matrix->pair_us(0, 1), 7000u);
  EXPECT_EQ(matrix->pair_us(1, 0), 7000u);
}

TEST(ParseMatrix, Sparse) {
  auto matrix = parse_matrix("sparse 3\n0 1 5\n1 0 6\n", "text");
  ASSERT_TRUE(matrix.ok()) << matrix.error().message;
  EXPECT_EQ(matrix->pair_us(0, 1), 6000u);
  EXPECT_EQ(matrix->pair_us(0, 2), kUnknownRttUs);
}

TEST(ParseMatrix, ASparseLineIsARoundTrip) {
  const char* text = "sparse 4\n0 1 5\n1 2 3\n2 1 -\n2 3 0\n";
  auto matrix = parse_matrix(text, "text");
  ASSERT_TRUE(matrix.ok()) << matrix.error().message;
  EXPECT_EQ(matrix->pair_us(1, 0), 5000u) << "one line makes a pair known";
  EXPECT_EQ(matrix->pair_us(1, 2), kUnknownRttUs) << "one unknown line makes it unknown";
  EXPECT_EQ(matrix->pair_us(2, 3), kUnknownRttUs) << "0 is no distance";
  auto pairs = parse_pairs(text, "text");
  ASSERT_TRUE(pairs.ok());
  for (std::size_t a = 0; a < 4; ++a) {
    for (std::size_t b = 0; b < 4; ++b) EXPECT_EQ(pairs->us(a, b), matrix->pair_us(a, b));
  }
}

TEST(ParseMatrix, RefusesWithFileRowAndColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "row 1, column 1: the file is empty"},
      {"0 1\n1 0 2\n", "row 2, column 4: 3 numbers"},
      {"0 1\n", "1 rows but 2 columns"},
      {"0 1\n1 0\n1 1\n", "row 3, column 1: more rows"},
      {"0 x\n1 0\n", "row 1, column 2: 'x' is not a number"},
      {"sparse 2\n0 5 1\n", "row 2, column 2: '5' is not a node number"},
      {"sparse 2\n0 1\n", "row 2, column 3: a line has three words"},
      {"sparse nine\n", "row 1, column 2"},
  };
  for (auto [text, why] : cases) {
    auto matrix = parse_matrix(text, "f.txt");
    ASSERT_FALSE(matrix.ok()) << text;
    EXPECT_EQ(matrix.error().code, ErrorCode::kInvalidInput);
    EXPECT_EQ(matrix.error().message.find("f.txt: "), 0u) << matrix.error().message;
    EXPECT_NE(matrix.error().message.find(why), std::string::npos) << matrix.error().message;
  }
}

TEST(ParseMatrix, SurvivesRandomBytes) {
  std::mt19937 random(1);
  const std::string alphabet = "0123456789.- \n\tnaesprx#\x01\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 3 == 0 ? "sparse " : "";
    for (std::size_t length = random() % 60; length > 0; --length)
      text += alphabet[random() % alphabet.size()];
    auto matrix = parse_matrix(text, "fuzz");
    EXPECT_TRUE(matrix.ok() || !matrix.error().message.empty());
  }
}

TEST(WriteMatrix, RoundTrips) {
  std::string path = testing::TempDir() + "vesc_matrix_test.txt";
  RttMatrix matrix(3);
  matrix.set_directed_us(0, 1, 1234);
  matrix.set_directed_us(1, 0, 1);
  ASSERT_TRUE(write_matrix(matrix, path, "two\nlines").ok());
  auto read = read_matrix(path);
  ASSERT_TRUE(read.ok()) << read.error().message;
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b)
      EXPECT_EQ(read->directed_us(a, b), matrix.directed_us(a, b));
  }
  std::remove(path.c_str());
}

}  // namespace
}  // namespace vesc::forming
