// SPDX-License-Identifier: MIT
#include "vesc/forming/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "vesc/base/duration.hpp"

namespace vesc::forming {
namespace {

// Dark blue (near) to pale yellow (far), after the viridis map; log scale between the ends.
constexpr std::array<std::array<int, 3>, 6> kColours = {
    {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}, {255, 250, 205}}};

struct Scale {
  double low, high;  // log of us
  std::string colour(std::uint32_t us) const {
    if (us == kUnknownRttUs) return "#dddddd";
    double share =
        (std::log(std::max(1.0, static_cast<double>(us))) - low) / std::max(high - low, 1e-9);
    return at(std::clamp(share, 0.0, 1.0));
  }
  static std::string at(double share) {
    double place = share * (kColours.size() - 1);
    auto left = std::min(static_cast<std::size_t>(place), kColours.size() - 2);
    double part = place - static_cast<double>(left);
    std::array<int, 3> rgb{};
    for (std::size_t i = 0; i < 3; ++i)
      rgb[i] = static_cast<int>(
          std::lround(kColours[left][i] * (1 - part) + kColours[left + 1][i] * part));
    return fmt::format("#{:02x}{:02x}{:02x}", rgb[0], rgb[1], rgb[2]);
  }
};

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

class Drawing {
 public:
  Drawing(const RttMatrix& matrix, const Plot& plot)
      : matrix_(matrix),
        plot_(plot),
        order_(order_by_group(matrix.size(), plot.groups)),
        place_(order_.size()) {
    for (std::size_t i = 0; i < order_.size(); ++i) place_[order_[i]] = i;
    std::size_t n = std::max<std::size_t>(order_.size(), 1);
    cell_ = std::max(1.6, 640.0 / static_cast<double>(n));
    side_ = cell_ * static_cast<double>(n);
    labels_ = !plot.names.empty() && n <= 40;
    left_ = labels_ ? 90 : 40;
    top_ = 96 + (labels_ ? 44 : 24);
    std::uint32_t least = kUnknownRttUs;
    for (std::size_t a = 0; a < matrix.size(); ++a) {
      for (std::size_t b = 0; b < matrix.size(); ++b) {
        if (a != b) least = std::min(least, matrix.pair_us(a, b));
      }
    }
    scale_ = {std::log(std::max(1.0, static_cast<double>(least))),
              std::log(std::max(2.0, static_cast<double>(matrix.largest_pair_us())))};
  }

  std::string draw() {
    double width = left_ + side_ + 190, height = top_ + side_ + 40;
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
        "width=\"{0:.0f}\" height=\"{1:.0f}\" font-family=\"sans-serif\">\n<rect width=\"100%\" "
        "height=\"100%\" fill=\"white\"/>\n",
        width, height);
    text(24, 36, 20, plot_.title, "font-weight=\"bold\"");
    text(24, 60, 14, plot_.subtitle);
    cells();
    groups();
    marks();
    legend();
    return out_ + "</svg>\n";
  }

 private:
  void text(double x, double y, int size, const std::string& what, const std::string& more = "") {
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" {}>{}</text>\n", x, y,
                        size, more, escaped(what));
  }

  void cells() {
    for (std::size_t row = 0; row < order_.size(); ++row) {
      for (std::size_t column = 0; column < order_.size(); ++column) {
        if (row == column) continue;
        out_ += fmt::format(
            "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"/>\n",
            x_of(column), y_of(row), cell_ + 0.1, cell_ + 0.1,
            scale_.colour(matrix_.directed_us(order_[row], order_[column])));
      }
    }
    for (std::size_t i = 0; labels_ && i < order_.size(); ++i) {
      const std::string& name = plot_.names[order_[i]];
      text(left_ - 26, y_of(i) + cell_ / 2 + 5, 13, name, "text-anchor=\"end\"");
      text(x_of(i) + cell_ / 2, top_ - 26, 13, name, "text-anchor=\"middle\"");
    }
  }

  // Outlines of the groups that stand together in the order; thicker for looser tiers.
  void groups() {
    for (const TierGroup& group : plot_.groups) {
      std::size_t first = place_[group.nodes[0]], last = first;
      for (std::size_t node : group.nodes) {
        first = std::min(first, place_[node]);
        last = std::max(last, place_[node]);
      }
      if (last - first + 1 != group.nodes.size()) continue;
      double size = cell_ * static_cast<double>(group.nodes.size());
      out_ += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"none\" "
          "stroke=\"#d62728\" stroke-width=\"{:.1f}\"><title>{} nodes within {} ms (diameter {} "
          "ms)</title></rect>\n",
          x_of(first), y_of(first), size, size, order_.size() <= 40 ? 2.0 : 1.0, group.nodes.size(),
          group.tier_us / 1000.0, group.diameter_us / 1000.0);
    }
  }

  void marks() {
    for (std::size_t m = 0; m < plot_.marks.size(); ++m) {
      const Mark& mark = plot_.marks[m];
      double off = 8 + 9 * static_cast<double>(m), radius = std::clamp(cell_ / 5, 1.5, 4.0);
      for (std::size_t node : mark.nodes) {
        double middle = cell_ * (static_cast<double>(place_[node]) + 0.5);
        for (auto [x, y] :
             {std::pair{left_ + middle, top_ - off}, std::pair{left_ - off, top_ + middle}}) {
          out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\"/>\n", x,
                              y, radius, mark.colour);
        }
        for (std::size_t other : mark.nodes) {
          if (other == node) continue;
          double inset = cell_ * (0.14 + 0.12 * static_cast<double>(m));
          out_ += fmt::format(
              "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"none\" "
              "stroke=\"{}\" stroke-width=\"{:.1f}\"/>\n",
              x_of(place_[other]) + inset, y_of(place_[node]) + inset, cell_ - 2 * inset,
              cell_ - 2 * inset, mark.colour, std::clamp(cell_ / 12, 0.8, 3.0));
        }
      }
    }
  }

  void legend() {
    double x = left_ + side_ + 34, y = top_ + 12;
    text(x, y - 16, 13, "round trip", "font-weight=\"bold\"");
    constexpr int kSteps = 48;
    double height = 220;
    for (int i = 0; i < kSteps; ++i) {
      out_ += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"18\" height=\"{:.2f}\" fill=\"{}\"/>\n", x,
          y + height * i / kSteps, height / kSteps + 0.3,
          Scale::at(static_cast<double>(i) / (kSteps - 1)));
    }
    for (int i = 0; i <= 4; ++i) {
      double us = std::exp(scale_.low + (scale_.high - scale_.low) * i / 4);
      text(x + 26, y + height * i / 4 + 5, 12, format_rtt_ms(static_cast<std::uint64_t>(us)));
    }
    y += height + 34;
    out_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"18\" height=\"14\" fill=\"none\" "
        "stroke=\"#d62728\" stroke-width=\"2\"/>\n",
        x, y - 11);
    text(x + 26, y, 12, "mini-supercomputer");
    for (const Mark& mark : plot_.marks) {
      y += 26;
      out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"{}\"/>\n", x + 9,
                          y - 4, mark.colour);
      text(x + 26, y, 12, mark.label);
    }
  }

  double x_of(std::size_t column) const { return left_ + cell_ * static_cast<double>(column); }
  double y_of(std::size_t row) const { return top_ + cell_ * static_cast<double>(row); }

  const RttMatrix& matrix_;
  const Plot& plot_;
  std::vector<std::size_t> order_, place_;
  double cell_ = 0, side_ = 0, left_ = 0, top_ = 0;
  bool labels_ = false;
  Scale scale_{};
  std::string out_;
};

}  // namespace

std::vector<std::size_t> order_by_group(std::size_t size, const std::vector<TierGroup>& groups) {
  // From loose to tight, each level sorted stably by its groups: nodes of a tight group stay
  // together inside their loose one.
  std::vector<const TierGroup*> loose_first;
  for (const TierGroup& group : groups) loose_first.push_back(&group);
  std::stable_sort(loose_first.begin(), loose_first.end(),
                   [](const auto* a, const auto* b) { return a->nodes.size() > b->nodes.size(); });
  std::vector<std::vector<std::size_t>> path(size);  // groups a node is in, largest first
  for (std::size_t g = 0; g < loose_first.size(); ++g) {
    for (std::size_t node : loose_first[g]->nodes) path[node].push_back(g);
  }
  std::vector<std::size_t> order(size);
  for (std::size_t i = 0; i < size; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    for (std::size_t i = 0; i < std::min(path[a].size(), path[b].size()); ++i) {
      if (path[a][i] != path[b][i]) return path[a][i] < path[b][i];
    }
    return path[a].size() > path[b].size();
  });
  return order;
}

std::string plot_svg(const RttMatrix& matrix, const Plot& plot) {
  return Drawing(matrix, plot).draw();
}

}  // namespace vesc::forming
