// SPDX-License-Identifier: MIT
//
// vesc form query|partition|plot.
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "vesc/base/duration.hpp"
#include "vesc/forming/partition.hpp"
#include "vesc/forming/plot.hpp"
#include "vesc/forming/query.hpp"
#include "vesc/forming/tiers.hpp"

namespace vesc::cli {
namespace {

struct FormArguments {
  std::string matrix, names_file, partition_file, out;
  std::size_t size = 0, min_size = 2, max_size = 0;
  double max_rtt_ms = 0;
  std::string include, free_file, exclude_file;
  std::vector<std::string> marks;
  bool json = false;
};
using Shared = std::shared_ptr<FormArguments>;
using Nodes = std::vector<std::size_t>;

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

Result<std::string> read_text(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{ErrorCode::kInvalidInput, "cannot read " + path};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Result<Nodes> node_file(const std::string& path) {
  auto text = read_text(path);
  if (!text) return text.error();
  return parse_nodes(*text, path);
}

Result<std::vector<std::string>> names_of(const FormArguments& arguments, std::size_t size) {
  std::vector<std::string> names;
  if (arguments.names_file.empty()) return names;
  auto text = read_text(arguments.names_file);
  if (!text) return text.error();
  std::istringstream words(*text);
  for (std::string name; words >> name;) names.push_back(name);
  if (names.size() != size)
    return Error{ErrorCode::kInvalidInput, fmt::format("{} has {} names for {} rows",
                                                       arguments.names_file, names.size(), size)};
  return names;
}

std::int64_t since_us(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                               start)
      .count();
}

std::uint32_t limit_us(double ms) {
  return ms > 0 ? static_cast<std::uint32_t>(std::min(ms * 1000 + 1e-6, 4e9))
                : forming::kUnknownRttUs;
}

std::string shown(const Nodes& nodes, const std::vector<std::string>& names) {
  if (names.empty()) return fmt::format("{}", fmt::join(nodes, " "));
  std::vector<std::string> both;
  for (std::size_t node : nodes) both.push_back(fmt::format("{}:{}", node, names[node]));
  return fmt::format("{}", fmt::join(both, " "));
}

void add_names(nlohmann::json& out, const Nodes& nodes, const std::vector<std::string>& names) {
  if (names.empty()) return;
  for (std::size_t node : nodes) out["names"].push_back(names[node]);
}

Result<int> query(const FormArguments& arguments) {
  auto matrix = forming::read_matrix(arguments.matrix);
  if (!matrix) return matrix.error();
  auto names = names_of(arguments, matrix->size());
  if (!names) return names.error();
  forming::Query question;
  question.size = arguments.size;
  question.max_rtt_us = limit_us(arguments.max_rtt_ms);
  auto include = parse_nodes(arguments.include, "--include");
  if (!include) return include.error();
  question.include = *include;
  for (auto [path, list] : {std::pair{&arguments.free_file, &question.free},
                            std::pair{&arguments.exclude_file, &question.exclude}}) {
    if (path->empty()) continue;
    auto nodes = node_file(*path);
    if (!nodes) return nodes.error();
    *list = *nodes;
  }
  auto start = std::chrono::steady_clock::now();
  auto answer = forming::query(forming::Pairs(*matrix), question);
  std::int64_t elapsed_us = since_us(start);
  if (!answer) return answer.error();
  double lower_ms =
      answer->lower_bound_us == forming::kUnknownRttUs ? -1 : answer->lower_bound_us / 1000.0;
  if (arguments.json) {
    nlohmann::json out = {
        {"nodes", answer->nodes},
        {"diameter_ms", answer->diameter_us / 1000.0},
        {"mean_ms", answer->mean_us / 1000},
        {"lower_bound_ms", lower_ms < 0 ? nlohmann::json() : nlohmann::json(lower_ms)},
        {"optimal", answer->optimal},
        {"feasible", answer->feasible},
        {"elapsed_us", elapsed_us}};
    add_names(out, answer->nodes, *names);
    fmt::print("{}\n", out.dump());
  } else if (answer->feasible) {
    fmt::print("{}\ndiameter {} ({}), mean {}\n", shown(answer->nodes, *names),
               format_rtt_ms(answer->diameter_us),
               answer->optimal ? "the smallest possible"
                               : fmt::format("at least {:.3f} ms is needed", lower_ms),
               format_rtt_ms(static_cast<std::uint64_t>(answer->mean_us)));
  } else {
    fmt::print("{}\n", answer->optimal ? "there are no such nodes"
                                       : "none found; not proved that there are none");
  }
  return answer->feasible ? 0 : exit_code(ErrorCode::kInfeasible);
}

Result<int> partition(const FormArguments& arguments) {
  auto matrix = forming::read_matrix(arguments.matrix);
  if (!matrix) return matrix.error();
  auto names = names_of(arguments, matrix->size());
  if (!names) return names.error();
  bool ladder = arguments.max_rtt_ms == 0;
  auto start = std::chrono::steady_clock::now();
  auto groups =
      ladder
          ? forming::partition_ladder(*matrix, forming::tier_ladder_us(matrix->largest_pair_us()))
          : forming::partition_flat(*matrix, limit_us(arguments.max_rtt_ms), arguments.min_size,
                                    arguments.max_size == 0 ? matrix->size() : arguments.max_size);
  std::int64_t elapsed_us = since_us(start);
  std::vector<bool> placed(matrix->size());
  nlohmann::json out = {{"clusters", nlohmann::json::array()},
                        {"unplaced", nlohmann::json::array()},
                        {"moved", 0},
                        {"elapsed_us", elapsed_us}};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto& group = groups[g];
    nlohmann::json item = {{"id", fmt::format("{}us-{}", group.tier_us, group.nodes.front())},
                           {"tier_ms", group.tier_us / 1000.0},
                           {"nodes", group.nodes},
                           {"diameter_ms", group.diameter_us / 1000.0},
                           {"mean_ms", forming::mean_rtt_us(forming::Pairs(*matrix), group.nodes) / 1000}};
    add_names(item, group.nodes, *names);
    out["clusters"].push_back(item);
    for (std::size_t node : group.nodes) placed[node] = true;
    if (!arguments.json)
      fmt::print("within {:>9}: {:>3} nodes, diameter {:>9}: {}\n", format_rtt_ms(group.tier_us),
                 group.nodes.size(), format_rtt_ms(group.diameter_us), shown(group.nodes, *names));
  }
  for (std::size_t node = 0; node < placed.size(); ++node) {
    if (!placed[node]) out["unplaced"].push_back(node);
  }
  if (arguments.json) fmt::print("{}\n", out.dump());
  return 0;
}

Result<int> plot(const FormArguments& arguments) {
  auto matrix = forming::read_matrix(arguments.matrix);
  if (!matrix) return matrix.error();
  auto names = names_of(arguments, matrix->size());
  if (!names) return names.error();
  forming::Plot plot;
  plot.names = *names;
  plot.title =
      fmt::format("Round trips of {} nodes, ordered by mini-supercomputer", matrix->size());
  auto text = read_text(arguments.partition_file);
  if (!text) return text.error();
  auto json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("clusters"))
    return Error{ErrorCode::kInvalidInput,
                 arguments.partition_file + " is not the JSON of 'vesc form partition --json'"};
  for (const auto& cluster : json["clusters"]) {
    forming::TierGroup group;
    group.tier_us = static_cast<std::uint32_t>(
        cluster.value("tier_ms", cluster.value("diameter_ms", 0.0)) * 1000);
    group.diameter_us = static_cast<std::uint32_t>(cluster.value("diameter_ms", 0.0) * 1000);
    group.nodes = cluster.value("nodes", Nodes());
    for (std::size_t node : group.nodes) {
      if (node >= matrix->size())
        return Error{ErrorCode::kInvalidInput,
                     fmt::format("{} names node {}, but the matrix has {}",
                                 arguments.partition_file, node, matrix->size())};
    }
    if (!group.nodes.empty()) plot.groups.push_back(std::move(group));
  }
  plot.subtitle = fmt::format("{} groups", plot.groups.size());
  std::ofstream file(arguments.out);
  file << forming::plot_svg(*matrix, plot);
  file.close();
  if (!file) return Error{ErrorCode::kSystem, "cannot write " + arguments.out};
  return 0;
}

void add_matrix(CLI::App* command, const Shared& arguments) {
  command->add_option("--matrix", arguments->matrix, "round-trip times in ms (.xz and .gz too)")
      ->required();
  command->add_option("--names", arguments->names_file, "a name a line, for the rows");
}

}  // namespace

void add_form_commands(CLI::App& app) {
  auto* form = app.add_subcommand("form", "mini-supercomputers from measured round-trip times");
  form->require_subcommand(1);
  auto arguments = std::make_shared<FormArguments>();
  auto* ask = form->add_subcommand("query", "so many nodes with the smallest diameter");
  add_matrix(ask, arguments);
  ask->add_option("--size", arguments->size, "how many")->required()->check(CLI::Range(1, 100000));
  ask->add_option("--max-rtt", arguments->max_rtt_ms, "no pair above this, ms")
      ->check(CLI::Range(0.001, 60000.0));
  ask->add_option("--include", arguments->include, "with these nodes: i,j,...");
  auto* free =
      ask->add_option("--free-file", arguments->free_file, "only among the nodes in this file");
  ask->add_option("--exclude-file", arguments->exclude_file, "without the nodes in this file")
      ->excludes(free);
  ask->add_flag("--json", arguments->json, "print JSON");
  ask->footer(
      "Exit code 3: there are no such nodes.\nExample:\n  vesc form query --matrix measured.matrix "
      "--size 4");
  run(ask, [arguments] { return query(*arguments); });

  auto* split = form->add_subcommand("partition",
                                     "all nodes into groups, for one limit or the ladder of tiers");
  add_matrix(split, arguments);
  split->add_option("--max-rtt", arguments->max_rtt_ms, "one limit, ms; without it every tier")
      ->check(CLI::Range(0.001, 60000.0));
  split->add_option("--min-size", arguments->min_size, "smallest group (one limit only)")
      ->capture_default_str();
  split->add_option("--max-size", arguments->max_size, "largest group (one limit only; 0: any)")
      ->capture_default_str();
  split->add_flag("--json", arguments->json, "print JSON");
  split->footer("Example:\n  vesc form partition --matrix measured.matrix --json > groups.json");
  run(split, [arguments] { return partition(*arguments); });

  auto* draw = form->add_subcommand("plot", "the matrix ordered by group, as an SVG picture");
  add_matrix(draw, arguments);
  draw->add_option("--partition", arguments->partition_file, "JSON of 'vesc form partition'")
      ->required();
  draw->add_option("-o,--out", arguments->out, "the SVG file")->required();
  draw->footer(
      "Example:\n  vesc form plot --matrix measured.matrix --partition groups.json -o groups.svg");
  run(draw, [arguments] { return plot(*arguments); });
}

}  // namespace vesc::cli
