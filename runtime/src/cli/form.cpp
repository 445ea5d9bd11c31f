// SPDX-License-Identifier: MIT
//
// vesc form query|batch|partition|simulate|plot.
#include <chrono>
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>

#include "commands.hpp"
#include "form_input.hpp"
#include "vesc/base/duration.hpp"
#include "vesc/forming/planner.hpp"
#include "vesc/forming/plot.hpp"
#include "vesc/forming/tiers.hpp"

namespace vesc::cli {
namespace {

struct FormArguments {
  std::string matrix, names_file, partition_file, previous_file, queries_file, out;
  std::size_t size = 0, min_size = 2, max_size = 0;
  double max_rtt_ms = 0;
  std::string include, free_file, exclude_file, sizes = "4,8,16,32";
  forming::SimulateOptions simulate;
  std::uint64_t seed = 1;
  bool json = false;
};
using Shared = std::shared_ptr<FormArguments>;
using Names = std::vector<std::string>;

class Stopwatch {
 public:
  std::int64_t us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

nlohmann::json as_json(const forming::Answer& answer, std::int64_t elapsed_us, const Names& names) {
  nlohmann::json lower;
  if (answer.lower_bound_us != forming::kUnknownRttUs) lower = answer.lower_bound_us / 1000.0;
  nlohmann::json out = {{"nodes", answer.nodes},
                        {"diameter_ms", answer.diameter_us / 1000.0},
                        {"mean_ms", answer.mean_us / 1000},
                        {"lower_bound_ms", lower},
                        {"optimal", answer.optimal},
                        {"feasible", answer.feasible},
                        {"elapsed_us", elapsed_us}};
  if (!names.empty()) out["names"] = names_of(answer.nodes, names);
  return out;
}

Result<int> query(const FormArguments& arguments) {
  auto pairs = forming::read_pairs(arguments.matrix);
  if (!pairs) return pairs.error();
  auto names = read_names(arguments.names_file, pairs->size());
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
    auto nodes = read_nodes(*path);
    if (!nodes) return nodes.error();
    *list = *nodes;
  }
  Stopwatch watch;
  auto answer = forming::query(*pairs, question);
  std::int64_t elapsed_us = watch.us();
  if (!answer) return answer.error();
  if (arguments.json) {
    fmt::print("{}\n", as_json(*answer, elapsed_us, *names).dump());
  } else if (answer->feasible) {
    fmt::print("{}\ndiameter {} ({}), mean {}\n", shown(answer->nodes, *names),
               format_rtt_ms(answer->diameter_us),
               answer->optimal
                   ? "the smallest possible"
                   : fmt::format("at least {} is needed", format_rtt_ms(answer->lower_bound_us)),
               format_rtt_ms(static_cast<std::uint64_t>(answer->mean_us)));
  } else {
    fmt::print("{}\n", answer->optimal ? "there are no such nodes"
                                       : "none found; not proved that there are none");
  }
  return answer->feasible ? 0 : exit_code(ErrorCode::kInfeasible);
}

// A line of a batch: {"size":16,"free":[…],"include":[…],"exclude":[…],"max_rtt_ms":20}.
Result<forming::Query> parse_query(const std::string& line) {
  Error wrong{ErrorCode::kInvalidInput, ""};
  auto json = nlohmann::json::parse(line, nullptr, false);
  if (json.is_discarded() || !json.is_object() || !json.contains("size") ||
      !json["size"].is_number_unsigned()) {
    wrong.message = "a query is a JSON object with a \"size\"";
    return wrong;
  }
  forming::Query query;
  query.size = json["size"].get<std::size_t>();
  for (const auto& [key, value] : json.items()) {
    if (key == "size") continue;
    if (key == "max_rtt_ms" && value.is_number() && value.get<double>() > 0) {
      query.max_rtt_us = limit_us(value.get<double>());
      continue;
    }
    Nodes* list = key == "free"      ? &query.free
                  : key == "include" ? &query.include
                  : key == "exclude" ? &query.exclude
                                     : nullptr;
    bool numbers = list != nullptr && value.is_array();
    if (numbers) {
      for (const auto& node : value) numbers = numbers && node.is_number_unsigned();
    }
    if (!numbers) {
      wrong.message = fmt::format("\"{}\" is not understood", key.substr(0, 64));
      return wrong;
    }
    if (key == "free" && value.empty()) {
      wrong.message = "\"free\" is empty; leave it out to mean all nodes";
      return wrong;
    }
    *list = value.get<Nodes>();
  }
  return query;
}

Result<int> batch(const FormArguments& arguments) {
  auto pairs = forming::read_pairs(arguments.matrix);
  if (!pairs) return pairs.error();
  auto names = read_names(arguments.names_file, pairs->size());
  if (!names) return names.error();
  auto text = read_text(arguments.queries_file);
  if (!text) return text.error();
  std::istringstream lines(*text);
  int code = 0;
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto question = parse_query(line);
    Stopwatch watch;
    auto answer = question ? forming::query(*pairs, *question) : question.error();
    std::int64_t elapsed_us = watch.us();
    if (answer) {
      fmt::print("{}\n", as_json(*answer, elapsed_us, *names).dump());
    } else {
      // The others are answered all the same.
      std::string message =
          fmt::format("{}: line {}: {}", arguments.queries_file, number, answer.error().message);
      fmt::print("{}\n", nlohmann::json{{"error", message}}.dump());
      fmt::print(stderr, "vesc: {}\n", message);
      code = exit_code(ErrorCode::kInvalidInput);
    }
  }
  return code;
}

struct Printed {
  nlohmann::json clusters = nlohmann::json::array();
  std::string text;
};

void add_cluster(Printed& printed, const forming::Pairs& pairs, const forming::Cluster& cluster,
                 std::uint32_t tier_us, const Names& names) {
  std::uint32_t diameter_us = forming::diameter_us(pairs, cluster.nodes);
  nlohmann::json item = {{"id", cluster.id},
                         {"nodes", cluster.nodes},
                         {"diameter_ms", diameter_us / 1000.0},
                         {"mean_ms", forming::mean_rtt_us(pairs, cluster.nodes) / 1000},
                         {"tier_ms", tier_us / 1000.0}};
  if (!names.empty()) item["names"] = names_of(cluster.nodes, names);
  printed.clusters.push_back(std::move(item));
  printed.text += fmt::format("{:<8} within {:>9}: {:>3} nodes, diameter {:>9}: {}\n", cluster.id,
                              format_rtt_ms(tier_us), cluster.nodes.size(),
                              format_rtt_ms(diameter_us), shown(cluster.nodes, names));
}

Result<int> partition(const FormArguments& arguments) {
  auto pairs = forming::read_pairs(arguments.matrix);
  if (!pairs) return pairs.error();
  auto names = read_names(arguments.names_file, pairs->size());
  if (!names) return names.error();
  forming::PartitionOptions options;
  options.limit_us = limit_us(arguments.max_rtt_ms);
  options.size_min = arguments.min_size;
  options.size_max =
      arguments.max_size == 0 ? std::max<std::size_t>(2, pairs->size()) : arguments.max_size;
  options.seed = arguments.seed;
  Printed printed;
  nlohmann::json moves = nlohmann::json::array();
  Stopwatch watch;
  std::int64_t elapsed_us = 0;
  if (arguments.max_rtt_ms == 0) {
    std::uint32_t largest_us = 0;
    for (std::size_t node = 0; node < pairs->size(); ++node) {
      pairs->for_each_within(
          node, forming::kUnknownRttUs - 1,
          [&](std::uint32_t, std::uint32_t us) { largest_us = std::max(largest_us, us); });
    }
    auto groups = forming::partition_ladder(*pairs, forming::tier_ladder_us(largest_us));
    elapsed_us = watch.us();
    for (const auto& group : groups) {
      std::string id = fmt::format("{}us-{}", group.tier_us, group.nodes.front());
      add_cluster(printed, *pairs, {id, group.nodes}, group.tier_us, *names);
    }
  } else {
    std::vector<forming::Cluster> clusters;
    if (arguments.previous_file.empty()) {
      auto formed = forming::partition(*pairs, options);
      if (!formed) return formed.error();
      clusters = std::move(*formed);
    } else {
      auto previous = read_partition(arguments.previous_file, pairs->size());
      if (!previous) return previous.error();
      std::vector<forming::Cluster> before;
      for (const ReadCluster& read : *previous) before.push_back(read.cluster);
      forming::RepairOptions repair;
      repair.partition = options;
      auto repaired = forming::repair(*pairs, before, repair);
      if (!repaired) return repaired.error();
      clusters = std::move(repaired->clusters);
      for (const auto& move : repaired->moves) {
        moves.push_back(
            {{"node", move.node}, {"from", move.from}, {"to", move.to}, {"why", move.why}});
        printed.text += fmt::format("node {} left {} {}: {}\n", move.node, move.from,
                                    move.to.empty() ? "for no group" : "for " + move.to, move.why);
      }
    }
    elapsed_us = watch.us();
    for (const auto& cluster : clusters)
      add_cluster(printed, *pairs, cluster, options.limit_us, *names);
  }
  if (!arguments.json) {
    fmt::print("{}", printed.text);
    return 0;
  }
  std::vector<bool> placed(pairs->size());
  for (const auto& cluster : printed.clusters) {
    for (const auto& node : cluster["nodes"]) placed[node.get<std::size_t>()] = true;
  }
  nlohmann::json out = {{"clusters", printed.clusters},
                        {"unplaced", nlohmann::json::array()},
                        {"moved", moves.size()},
                        {"moves", moves},
                        {"elapsed_us", elapsed_us}};
  for (std::size_t node = 0; node < placed.size(); ++node) {
    if (!placed[node]) out["unplaced"].push_back(node);
  }
  fmt::print("{}\n", out.dump());
  return 0;
}

Result<int> simulate(const FormArguments& arguments) {
  auto matrix = forming::read_matrix(arguments.matrix);
  if (!matrix) return matrix.error();
  forming::SimulateOptions options = arguments.simulate;
  options.seed = arguments.seed;
  auto sizes = parse_nodes(arguments.sizes, "--sizes");
  if (!sizes) return sizes.error();
  options.sizes = *sizes;
  for (std::size_t size : options.sizes) {
    if (size < 1 || size > matrix->size())
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("--sizes: {} of {} nodes cannot be chosen", size, matrix->size())};
  }
  auto result = forming::simulate(*matrix, options);
  nlohmann::json out = {{"probes", options.probes},
                        {"seed", options.seed},
                        {"known_per_node", result.known_per_node},
                        {"recall_20ms", result.recall_20ms},
                        {"invalid", 0},
                        {"sizes", nlohmann::json::array()}};
  if (!arguments.json)
    fmt::print("each node knows {:.1f} others; {:.1f} % of the pairs within 20 ms are known\n",
               result.known_per_node, 100 * result.recall_20ms);
  std::size_t invalid = 0;
  for (const auto& size : result.sizes) {
    auto quantile = [&](double share) {
      if (size.ratios.empty()) return 0.0;
      auto at = static_cast<std::size_t>(share * static_cast<double>(size.ratios.size()));
      return size.ratios[std::min(at, size.ratios.size() - 1)];
    };
    invalid += size.invalid;
    out["sizes"].push_back({{"size", size.size},
                            {"queries", size.queries},
                            {"unanswered", size.unanswered},
                            {"invalid", size.invalid},
                            {"ratio_median", quantile(0.5)},
                            {"ratio_p90", quantile(0.9)},
                            {"ratio_max", quantile(1)},
                            {"pairs_measured_mean", size.pairs_measured}});
    if (!arguments.json)
      fmt::print(
          "{:>3} nodes: {} queries, ratio to the optimum {:.3f} median, {:.3f} p90, {:.3f} worst; "
          "{} "
          "unanswered, {} invalid; {:.0f} pairs measured a query\n",
          size.size, size.queries, quantile(0.5), quantile(0.9), quantile(1), size.unanswered,
          size.invalid, size.pairs_measured);
  }
  out["invalid"] = invalid;
  if (arguments.json) fmt::print("{}\n", out.dump());
  return invalid == 0 ? 0 : 1;
}

Result<int> plot(const FormArguments& arguments) {
  auto matrix = forming::read_matrix(arguments.matrix);
  if (!matrix) return matrix.error();
  auto names = read_names(arguments.names_file, matrix->size());
  if (!names) return names.error();
  auto clusters = read_partition(arguments.partition_file, matrix->size());
  if (!clusters) return clusters.error();
  forming::Pairs pairs(*matrix);
  forming::Plot plot;
  plot.names = *names;
  plot.title =
      fmt::format("Round trips of {} nodes, ordered by mini-supercomputer", matrix->size());
  for (const ReadCluster& read : *clusters) {
    if (!read.cluster.nodes.empty())
      plot.groups.push_back(
          {read.tier_us, forming::diameter_us(pairs, read.cluster.nodes), read.cluster.nodes});
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

void add_query(CLI::App* form, const Shared& arguments) {
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

  auto* many = form->add_subcommand("batch", "many queries on one matrix, a JSON line each");
  add_matrix(many, arguments);
  many->add_option("--queries", arguments->queries_file,
                   "lines like {\"size\":16,\"free\":[0,3],\"include\":[5],\"exclude\":[7],"
                   "\"max_rtt_ms\":20}; all but size optional; -: standard input")
      ->required();
  many->footer(
      "An answer line has the fields of 'vesc form query --json'; a query that makes no sense is "
      "answered by\n{\"error\":...} and makes the exit code 2.\nExample:\n  echo "
      "'{\"size\":16,\"max_rtt_ms\":20}' | vesc form batch --matrix measured.matrix --queries -");
  run(many, [arguments] { return batch(*arguments); });
}

void add_partition(CLI::App* form, const Shared& arguments) {
  auto* split = form->add_subcommand("partition",
                                     "all nodes into groups, for one limit or the ladder of tiers");
  add_matrix(split, arguments);
  auto* limit =
      split->add_option("--max-rtt", arguments->max_rtt_ms, "one limit, ms; without it every tier")
          ->check(CLI::Range(0.001, 60000.0));
  split->add_option("--min-size", arguments->min_size, "smallest group (one limit only)")
      ->capture_default_str();
  split->add_option("--max-size", arguments->max_size, "largest group (one limit only; 0: any)")
      ->capture_default_str();
  split
      ->add_option("--previous", arguments->previous_file,
                   "JSON of a former partition: keep its groups and ids, move few nodes")
      ->needs(limit);
  split->add_option("--seed", arguments->seed, "of the search")->capture_default_str();
  split->add_flag("--json", arguments->json, "print JSON");
  split->footer(
      "Examples:\n  vesc form partition --matrix measured.matrix --json > tiers.json\n"
      "  vesc form partition --matrix now.matrix --max-rtt 10 --min-size 4 --max-size 32 "
      "--previous old.json --json");
  run(split, [arguments] { return partition(*arguments); });
}

void add_simulate(CLI::App* form, const Shared& arguments) {
  auto* learn = form->add_subcommand(
      "simulate", "what a network learns from few probes, and how good its answers are");
  add_matrix(learn, arguments);
  learn->add_option("--probes", arguments->simulate.probes, "probes that each node starts")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  learn->add_option("--seed", arguments->seed, "of the random probes and free sets")
      ->capture_default_str();
  learn->add_option("--sizes", arguments->sizes, "of the groups asked for: i,j,...")
      ->capture_default_str();
  learn
      ->add_option("--draws", arguments->simulate.draws,
                   "random free sets of a half and of a quarter of the nodes, each size")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  learn->add_flag("--json", arguments->json, "print JSON");
  learn->footer("Example:\n  vesc form simulate --matrix planetlab490.xz --probes 64 --sizes 8,16");
  run(learn, [arguments] { return simulate(*arguments); });
}

}  // namespace

void add_form_commands(CLI::App& app) {
  auto* form = app.add_subcommand("form", "mini-supercomputers from measured round-trip times");
  form->require_subcommand(1);
  auto arguments = std::make_shared<FormArguments>();
  add_query(form, arguments);
  add_partition(form, arguments);
  add_simulate(form, arguments);
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
