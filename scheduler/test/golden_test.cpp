// SPDX-License-Identifier: MIT
//
// NAME.matrix with NAME.expect beside it: lines of "size include... -> diameter_us" for queries and
// "partition limit_us min max -> sum_of_squares placed" for partitions. `include` may be empty, and
// "none" stands for a proved "there is none". NAME.matrix may be a line "use FILE" that names a
// matrix under tests/data/latency.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "vesc/forming/partition.hpp"
#include "vesc/forming/query.hpp"

namespace vesc::forming {
namespace {

namespace fs = std::filesystem;

Pairs load(const fs::path& path) {
  std::ifstream file(path);
  std::string word, name;
  file >> word >> name;
  auto pairs = read_pairs(
      word == "use" ? std::string(VESC_SOURCE_DIR) + "/tests/data/latency/" + name : path.string());
  EXPECT_TRUE(pairs.ok()) << path;
  return *pairs;
}

std::string answer(const Pairs& pairs, const std::string& question) {
  std::istringstream words(question);
  std::string first;
  words >> first;
  if (first == "partition") {
    PartitionOptions options;
    words >> options.limit_us >> options.size_min >> options.size_max;
    options.moves = 200'000;
    std::size_t squares = 0, placed = 0;
    auto clusters = partition(pairs, options);
    for (const Cluster& cluster : *clusters) {
      squares += cluster.nodes.size() * cluster.nodes.size();
      placed += cluster.nodes.size();
    }
    return std::to_string(squares) + " " + std::to_string(placed);
  }
  Query query;
  query.size = std::stoul(first);
  for (std::size_t node; words >> node;) query.include.push_back(node);
  auto answer = forming::query(pairs, query);
  EXPECT_TRUE(answer->optimal);
  return answer->feasible ? std::to_string(answer->diameter_us) : "none";
}

TEST(Golden, AnswersAreAsTheyWere) {
  fs::path directory = fs::path(VESC_SOURCE_DIR) / "scheduler/test/golden";
  std::size_t checked = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".expect") continue;
    Pairs pairs = load(fs::path(entry.path()).replace_extension(".matrix"));
    std::ifstream lines(entry.path());
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line[0] == '#') continue;
      std::size_t arrow = line.find(" -> ");
      ASSERT_NE(arrow, std::string::npos) << entry.path() << ": " << line;
      EXPECT_EQ(answer(pairs, line.substr(0, arrow)), line.substr(arrow + 4))
          << entry.path() << ": " << line;
      ++checked;
    }
  }
  EXPECT_GE(checked, 20u);
}

}  // namespace
}  // namespace vesc::forming
