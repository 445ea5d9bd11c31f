// SPDX-License-Identifier: MIT
//
// What the `vesc form` commands read besides matrices: node lists, names, partitions.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "vesc/base/result.hpp"
#include "vesc/forming/partition.hpp"

namespace vesc::cli {

using Nodes = std::vector<std::size_t>;

Result<std::string> read_text(const std::string& path);  // "-": standard input
// Numbers separated by commas or blanks; `what` stands for the source in messages.
Result<Nodes> parse_nodes(std::string text, const std::string& what);
Result<Nodes> read_nodes(const std::string& path);
// One name a line for `size` rows; an empty path is no names.
Result<std::vector<std::string>> read_names(const std::string& path, std::size_t size);

// The clusters of `vesc form partition --json`: their ids, nodes and tiers (0 if not said).
struct ReadCluster {
  forming::Cluster cluster;
  std::uint32_t tier_us = 0;
};
// kInvalidInput if the file is no such JSON or names a node >= size.
Result<std::vector<ReadCluster>> read_partition(const std::string& path, std::size_t size);

// 0 and below: no limit.
std::uint32_t limit_us(double ms);
nlohmann::json names_of(const Nodes& nodes, const std::vector<std::string>& names);
std::string shown(const Nodes& nodes, const std::vector<std::string>& names);

}  // namespace vesc::cli
