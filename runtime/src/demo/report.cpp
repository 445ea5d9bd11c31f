// SPDX-License-Identifier: MIT
//
// What the demo shows: a table, JSON and a picture.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "demo.hpp"
#include "vesc/base/duration.hpp"
#include "vesc/base/version.hpp"
#include "vesc/forming/plot.hpp"

namespace vesc::demo {
namespace {

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::string names(const Report& report, const std::vector<std::size_t>& nodes) {
  std::vector<std::string> list;
  for (std::size_t node : nodes) list.push_back(report.hosts[node]);
  return fmt::format("{}", fmt::join(list, " "));
}

nlohmann::json run_json(const Report& report, const Run& run) {
  std::vector<std::string> list;
  for (std::size_t node : run.nodes) list.push_back(report.hosts[node]);
  return {{"nodes", list},
          {"diameter_ms", run.diameter_us / 1000.0},
          {"ms_per_iteration", run.ms_per_iteration},
          {"mpi_share", run.mpi_share},
          {"iterations", run.iterations},
          {"error_norm", run.error_norm}};
}

nlohmann::json report_json(const Report& report) {
  nlohmann::json hosts = nlohmann::json::array();
  for (std::size_t i = 0; i < report.hosts.size(); ++i) {
    hosts.push_back({{"name", report.hosts[i]}, {"matrix_row", report.drawn_rows[i]}});
  }
  nlohmann::json groups = nlohmann::json::array();
  for (const auto& group : report.groups) {
    nlohmann::json members = nlohmann::json::array();
    for (std::uint32_t node : group.nodes) members.push_back(report.hosts[node]);
    groups.push_back({{"tier_ms", group.tier_us / 1000.0},
                      {"diameter_ms", group.diameter_us / 1000.0},
                      {"nodes", members}});
  }
  return {{"seed", report.seed},
          {"hosts", hosts},
          {"groups", groups},
          {"stock", run_json(report, report.stock)},
          {"vesc", run_json(report, report.vesc)},
          {"ratio", report.time_ratio()},
          {"diameter_ratio", report.diameter_ratio()},
          {"optimal_diameter_ms", report.optimal_diameter_us / 1000.0},
          {"vesc_over_optimal",
           static_cast<double>(report.vesc.diameter_us) / report.optimal_diameter_us},
          {"ok", true}};
}

}  // namespace

std::string table(const std::vector<Report>& reports) {
  std::string text;
  std::vector<double> ratios;
  for (const Report& report : reports) {
    text += fmt::format("\nseed {}, the same 4-rank MPI job on 4 of {} hosts\n", report.seed,
                        report.hosts.size());
    text += fmt::format("  {:<12} {:<20} {:>12} {:>18} {:>12}\n", "placed by", "nodes", "diameter",
                        "time / iteration", "MPI share");
    for (const auto& [label, run] :
         {std::pair{"stock Slurm", &report.stock}, std::pair{"VESC", &report.vesc}}) {
      text += fmt::format("  {:<12} {:<20} {:>12} {:>15.2f} ms {:>10.0f} %\n", label,
                          names(report, run->nodes), format_rtt_ms(run->diameter_us),
                          run->ms_per_iteration, run->mpi_share * 100);
    }
    text += fmt::format("  {:<33} {:>11.1f}x {:>17.1f}x\n", "stock / VESC", report.diameter_ratio(),
                        report.time_ratio());
    text += fmt::format("  smallest possible diameter of 4 hosts: {} (VESC is at {:.2f} x)\n",
                        format_rtt_ms(report.optimal_diameter_us),
                        static_cast<double>(report.vesc.diameter_us) / report.optimal_diameter_us);
    ratios.push_back(report.time_ratio());
  }
  if (ratios.size() > 1) {
    auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    text += fmt::format(
        "\ntime per iteration, stock / VESC, over {} seeds: median {:.1f}x, from {:.1f}x to "
        "{:.1f}x\n",
        ratios.size(), median(ratios), *least, *most);
  }
  return text;
}

std::string json(const std::vector<Report>& reports) {
  nlohmann::json out;
  if (reports.size() == 1) {
    out = report_json(reports.front());
  } else {
    std::vector<double> ratios;
    for (const Report& report : reports) {
      out["seeds"].push_back(report_json(report));
      ratios.push_back(report.time_ratio());
    }
    out["ratio"] = median(ratios);
    out["ok"] = true;
  }
  out["version"] = fmt::format("{} ({})", version(), git_revision());
  return out.dump(2) + "\n";
}

std::string picture(const Report& report) {
  forming::Plot plot;
  plot.title = fmt::format("Measured round trips of {} hosts, ordered by mini-supercomputer",
                           report.hosts.size());
  plot.subtitle = fmt::format(
      "The same 4-rank MPI job: {:.2f} ms per iteration on stock Slurm's choice, {:.2f} ms on "
      "VESC's ({:.1f} x), seed {}",
      report.stock.ms_per_iteration, report.vesc.ms_per_iteration, report.time_ratio(),
      report.seed);
  plot.names = report.hosts;
  for (const auto& group : report.groups) {
    forming::TierGroup item{group.tier_us, group.diameter_us, {}};
    for (std::uint32_t node : group.nodes) item.nodes.push_back(node);
    plot.groups.push_back(std::move(item));
  }
  plot.marks = {{"stock Slurm's nodes", "#ff7f0e", report.stock.nodes},
                {"VESC's nodes", "#1f77ff", report.vesc.nodes}};
  return forming::plot_svg(report.measured, plot);
}

}  // namespace vesc::demo
