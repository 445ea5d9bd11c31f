// SPDX-License-Identifier: MIT
//
// A picture of a matrix ordered by group: a heat map with groups outlined and choices marked.
#pragma once

#include <string>
#include <vector>

#include "vesc/forming/matrix.hpp"
#include "vesc/forming/partition.hpp"

namespace vesc::forming {

struct Mark {
  std::string label;   // for the legend
  std::string colour;  // any SVG colour
  std::vector<std::size_t> nodes;
};

struct Plot {
  std::string title;
  std::string subtitle;
  std::vector<std::string> names;  // of the nodes; may be empty
  std::vector<TierGroup> groups;   // may nest
  std::vector<Mark> marks;
};

// A self-contained SVG document. Pure.
std::string plot_svg(const RttMatrix& matrix, const Plot& plot);

// Nodes so that every group of a nested partition stands together, largest first.
std::vector<std::size_t> order_by_group(std::size_t size, const std::vector<TierGroup>& groups);

}  // namespace vesc::forming
