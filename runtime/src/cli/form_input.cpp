// SPDX-License-Identifier: MIT
#include "form_input.hpp"

#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vesc::cli {

Result<std::string> read_text(const std::string& path) {
  std::ostringstream text;
  if (path == "-") {
    text << std::cin.rdbuf();
    return text.str();
  }
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::kInvalidInput, "cannot read " + path};
  text << file.rdbuf();
  return text.str();
}

Result<Nodes> parse_nodes(std::string text, const std::string& what) {
  for (char& c : text) {
    if (c == ',') c = ' ';
  }
  Nodes nodes;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.find_first_not_of("0123456789") != std::string::npos || word.size() > 9)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("{}: '{}' is not a node number", what, word)};
    nodes.push_back(std::stoul(word));
  }
  return nodes;
}

Result<Nodes> read_nodes(const std::string& path) {
  auto text = read_text(path);
  if (!text) return text.error();
  return parse_nodes(*text, path);
}

Result<std::vector<std::string>> read_names(const std::string& path, std::size_t size) {
  std::vector<std::string> names;
  if (path.empty()) return names;
  auto text = read_text(path);
  if (!text) return text.error();
  std::istringstream lines(*text);
  for (std::string name; std::getline(lines, name);) {
    if (!name.empty()) names.push_back(name);
  }
  if (names.size() != size)
    return Error{ErrorCode::kInvalidInput,
                 fmt::format("{} has {} names for {} rows", path, names.size(), size)};
  return names;
}

Result<std::vector<ReadCluster>> read_partition(const std::string& path, std::size_t size) {
  auto text = read_text(path);
  if (!text) return text.error();
  Error wrong{ErrorCode::kInvalidInput, path + " is not the JSON of 'vesc form partition --json'"};
  auto json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("clusters") ||
      !json["clusters"].is_array())
    return wrong;
  std::vector<ReadCluster> clusters;
  for (const auto& item : json["clusters"]) {
    if (!item.is_object() || !item.contains("nodes") || !item["nodes"].is_array()) return wrong;
    ReadCluster read;
    read.cluster.id = item.contains("id") && item["id"].is_string()
                          ? item["id"].get<std::string>()
                          : fmt::format("g{}", clusters.size() + 1);
    for (const char* field : {"diameter_ms", "tier_ms"}) {
      if (item.contains(field) && item[field].is_number())
        read.tier_us = limit_us(item[field].get<double>());
    }
    for (const auto& node : item["nodes"]) {
      if (!node.is_number_unsigned()) return wrong;
      if (node.get<std::size_t>() >= size)
        return Error{ErrorCode::kInvalidInput,
                     fmt::format("{} names node {}, but the matrix has {}", path,
                                 node.get<std::size_t>(), size)};
      read.cluster.nodes.push_back(node.get<std::size_t>());
    }
    clusters.push_back(std::move(read));
  }
  return clusters;
}

std::uint32_t limit_us(double ms) {
  return ms > 0 ? static_cast<std::uint32_t>(std::min(ms * 1000 + 1e-6, 4e9))
                : forming::kUnknownRttUs;
}

nlohmann::json names_of(const Nodes& nodes, const std::vector<std::string>& names) {
  auto list = nlohmann::json::array();
  for (std::size_t node : nodes) list.push_back(names[node]);
  return list;
}

std::string shown(const Nodes& nodes, const std::vector<std::string>& names) {
  if (names.empty()) return fmt::format("{}", fmt::join(nodes, " "));
  std::vector<std::string> both;
  for (std::size_t node : nodes) both.push_back(fmt::format("{}:{}", node, names[node]));
  return fmt::format("{}", fmt::join(both, " "));
}

}  // namespace vesc::cli
