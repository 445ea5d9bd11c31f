// SPDX-License-Identifier: MIT
//
// vesc-bench-form: the figures of forming beside their goals, in one run on one core, and the same
// operations as Google Benchmark timings (--benchmark_filter=…). Real data up to 490 nodes; what is
// larger is bootstrapped from it and labelled synthetic.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <map>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "../src/forming/baselines.hpp"
#include "baselines.hpp"
#include "synthetic.hpp"
#include "vesc/base/version.hpp"
#include "vesc/forming/partition.hpp"
#include "vesc/forming/planner.hpp"
#include "vesc/forming/query.hpp"
#include "vesc/forming/samples.hpp"

namespace vesc::forming {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;

struct Options {
  std::string data = VESC_SOURCE_DIR "/tests/data/latency/planetlab490";
  std::string json_file;
  bool quick = false;
  bool benchmarks = false;
};

double since_ms(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  auto at = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

class Table {
 public:
  void head(const std::string& text) { fmt::print("\n{}\n", text); }
  void row(const std::string& what, const std::string& reached, const std::string& goal,
           bool held) {
    fmt::print("  {:<58} {:>26}   goal {:<24} {}\n", what, reached, goal, held ? "" : "MISSED");
    std::fflush(stdout);
    rows_.push_back({{"what", what}, {"reached", reached}, {"goal", goal}, {"held", held}});
  }
  json rows_ = json::array();
};

std::vector<std::size_t> draw_free(std::size_t size, double share, std::mt19937_64& random) {
  std::vector<std::size_t> free;
  for (std::size_t node = 0; node < size; ++node) {
    if (static_cast<double>(random() >> 11) * 0x1p-53 < share) free.push_back(node);
  }
  return free;
}

struct Timed {
  std::vector<double> ms;
  std::size_t exact = 0;
};

Timed ask(const Pairs& pairs, std::size_t size, double share, bool anchored, int count) {
  std::mt19937_64 random(size * 1000 + static_cast<std::size_t>(share * 100) + anchored);
  Timed timed;
  for (int i = 0; i < count; ++i) {
    Query query;
    query.size = size;
    if (share < 1) query.free = draw_free(pairs.size(), share, random);
    if (anchored)
      query.include = {query.free.empty() ? random() % pairs.size()
                                          : query.free[random() % query.free.size()]};
    auto start = Clock::now();
    auto answer = forming::query(pairs, query);
    timed.ms.push_back(since_ms(start));
    timed.exact += answer.ok() && answer->optimal;
  }
  return timed;
}

void queries(Table& table, const Pairs& planetlab, const Options& options) {
  table.head("Queries on PlanetLab slice 1 (490 nodes): exact with certificate, and time");
  int count = options.quick ? 40 : 400;
  for (bool anchored : {false, true}) {
    std::size_t exact = 0, asked = 0;
    std::vector<double> ms;
    for (double share : {1.0, 0.5, 0.25}) {
      for (std::size_t size : {4, 8, 16, 32}) {
        Timed timed = ask(planetlab, size, share, anchored, count);
        exact += timed.exact;
        asked += timed.ms.size();
        ms.insert(ms.end(), timed.ms.begin(), timed.ms.end());
      }
    }
    const char* kind = anchored ? "anchored" : "free-set";
    double part = static_cast<double>(exact) / static_cast<double>(asked);
    table.row(fmt::format("{} queries, 100/50/25 % free, k = 4 to 32: exact", kind),
              fmt::format("{} of {}", exact, asked), ">= 99.9 %", part >= 0.999);
    double p99 = quantile(ms, 0.99);
    table.row(fmt::format("{} queries: p50 / p99, ms", kind),
              fmt::format("{:.3f} / {:.3f}", quantile(ms, 0.5), p99), "p99 <= 2", p99 <= 2);
  }
}

void large_queries(Table& table, const RttMatrix& matrix, const Options& options) {
  struct Case {
    std::size_t n;
    double share;
    std::vector<std::size_t> sizes;
    double goal_ms;
    int count;
  };
  std::vector<Case> cases = {
      {1000, 1, {8, 32, 64}, 8, 200},      {1000, 0.5, {8, 32, 64}, 8, 200},
      {10'000, 0.3, {8, 32, 64}, 20, 200}, {10'000, 0.3, {128}, 80, 100},
      {100'000, 1, {8, 32, 64}, 200, 40},  {100'000, 0.3, {8, 32, 64}, 200, 40}};
  Pairs pairs;
  for (const Case& one : cases) {
    if (options.quick && one.n > 1000) continue;
    if (pairs.size() != one.n) {
      pairs = Pairs();
      auto start = Clock::now();
      Synthetic network(matrix, one.n, 7);
      pairs = one.n > 20'000 ? network.near_pairs(256) : Pairs(network.matrix());
      table.head(fmt::format("Queries on {} nodes, SYNTHETIC{} (made and indexed in {:.1f} s)",
                             one.n, one.n > 20'000 ? ", 256 nearest known" : "",
                             since_ms(start) / 1000));
    }
    for (std::size_t size : one.sizes) {
      for (bool anchored : {false, true}) {
        Timed timed = ask(pairs, size, one.share, anchored, options.quick ? 20 : one.count);
        double p99 = quantile(timed.ms, 0.99);
        table.row(fmt::format("k = {}, {:.0f} % free{}: exact, p50 / p99, ms", size,
                              100 * one.share, anchored ? ", anchored" : ""),
                  fmt::format("{} of {}, {:.2f} / {:.2f}", timed.exact, timed.ms.size(),
                              quantile(timed.ms, 0.5), p99),
                  fmt::format("p99 <= {}", one.goal_ms),
                  p99 <= one.goal_ms && timed.exact == timed.ms.size());
      }
    }
  }
}

void compare_choices(Table& table, const Pairs& pairs, const Options& options) {
  table.head("Other ways to choose, ratio to the exact optimum (median / p90), 50 % free");
  Vivaldi vivaldi(pairs, 32, 400, 5);
  int draws = options.quick ? 3 : 20;
  for (std::size_t size : {4, 8, 16, 32}) {
    std::mt19937_64 random(size);
    std::map<std::string, std::vector<double>> ratios;
    for (int draw = 0; draw < draws; ++draw) {
      Query query;
      query.size = size;
      query.free = draw_free(pairs.size(), 0.5, random);
      double best = forming::query(pairs, query)->diameter_us;
      ratios["random"].push_back(choose_at_random(pairs, query.free, size, random) / best);
      ratios["nearest to submitter"].push_back(
          nearest_to_submitter(pairs, query.free, size, random) / best);
      ratios["best star"].push_back(best_star(pairs, query.free, size) / best);
      ratios["greedy"].push_back(greedy(pairs, query.free, size) / best);
      ratios["Vivaldi"].push_back(vivaldi.greedy(pairs, query.free, size) / best);
    }
    for (const auto& [name, values] : ratios)
      table.row(fmt::format("k = {}: {}", size, name),
                fmt::format("{:.2f} / {:.2f}", quantile(values, 0.5), quantile(values, 0.9)), "-",
                true);
  }
}

struct Figures {
  double pairs = 0, placed = 0, mean_ms = 0;
  std::vector<std::size_t> jobs = {0, 0, 0};
};

template <typename Clusters>
Figures figures(const Pairs& pairs, const Clusters& clusters) {
  Figures out;
  double sum = 0;
  for (const auto& nodes : clusters) {
    if (nodes.size() < 4) continue;
    std::vector<std::size_t> group(nodes.begin(), nodes.end());
    double count = static_cast<double>(nodes.size() * (nodes.size() - 1)) / 2;
    out.pairs += count;
    out.placed += static_cast<double>(nodes.size()) / static_cast<double>(pairs.size());
    sum += mean_rtt_us(pairs, group) * count / 1000;
    for (std::size_t i = 0; i < 3; ++i) out.jobs[i] += nodes.size() >> (3 + i);
  }
  out.mean_ms = sum / std::max(1.0, out.pairs);
  return out;
}

std::vector<std::vector<std::size_t>> nodes_of(const std::vector<Cluster>& clusters) {
  std::vector<std::vector<std::size_t>> list;
  for (const Cluster& cluster : clusters) list.push_back(cluster.nodes);
  return list;
}

void partitions(Table& table, const Pairs& pairs) {
  table.head("Partition of PlanetLab slice 1, groups of 4 to 32, beside peeling and complete-link");
  for (std::uint32_t limit_us : {5000u, 10'000u, 20'000u, 50'000u}) {
    PartitionOptions options{limit_us, 4, 32, 1, 0};
    Threshold graph(pairs, limit_us);
    Figures peeled = figures(pairs, peel(graph, single_nodes(pairs.size()), 32));
    Figures linked = figures(pairs, complete_link(graph, single_nodes(pairs.size()), 32));
    auto start = Clock::now();
    Figures ours = figures(pairs, nodes_of(*partition(pairs, options)));
    double ms = since_ms(start);
    PartitionBound bound = partition_bound(pairs, options);
    std::string at = fmt::format("L = {} ms: ", limit_us / 1000);
    double better = std::max(peeled.pairs, linked.pairs);
    table.row(at + "pairs (peel, complete-link; upper bound)",
              fmt::format("{:.0f} ({:.0f}, {:.0f}; {:.0f})", ours.pairs, peeled.pairs, linked.pairs,
                          bound.pairs),
              fmt::format(">= {:.0f}", 1.1 * better), ours.pairs >= 1.1 * better);
    for (std::size_t i = 0; i < 3; ++i) {
      std::size_t goal = std::max(peeled.jobs[i], linked.jobs[i]);
      table.row(at + fmt::format("jobs of {} nodes", 8 << i),
                fmt::format("{} ({}, {})", ours.jobs[i], peeled.jobs[i], linked.jobs[i]),
                fmt::format(">= {}", goal), ours.jobs[i] >= goal);
    }
    double goal = std::max(peeled.placed, linked.placed);
    table.row(
        at + "share of nodes placed",
        fmt::format("{:.3f} ({:.3f}, {:.3f}; {:.3f})", ours.placed, peeled.placed, linked.placed,
                    static_cast<double>(bound.placed) / static_cast<double>(pairs.size())),
        fmt::format(">= {:.3f}", goal), ours.placed >= goal - 1e-9);
    table.row(at + "mean RTT of the pairs, ms",
              fmt::format("{:.2f} ({:.2f}, {:.2f})", ours.mean_ms, peeled.mean_ms, linked.mean_ms),
              fmt::format("<= {:.2f}", linked.mean_ms), ours.mean_ms <= linked.mean_ms);
    table.row(at + "time, ms", fmt::format("{:.0f}", ms), "-", true);
  }
}

// Adjusted Rand index; nodes in no group are groups of one.
double rand_index(std::size_t size, const std::vector<Cluster>& a, const std::vector<Cluster>& b) {
  auto labels = [&](const std::vector<Cluster>& clusters) {
    std::vector<std::size_t> label(size);
    for (std::size_t node = 0; node < size; ++node) label[node] = size + node;
    for (std::size_t c = 0; c < clusters.size(); ++c) {
      for (std::size_t node : clusters[c].nodes) label[node] = c;
    }
    return label;
  };
  auto x = labels(a), y = labels(b);
  std::map<std::pair<std::size_t, std::size_t>, double> both;
  std::map<std::size_t, double> of_a, of_b;
  for (std::size_t node = 0; node < size; ++node) {
    ++both[{x[node], y[node]}];
    ++of_a[x[node]];
    ++of_b[y[node]];
  }
  auto choose2 = [](double n) { return n * (n - 1) / 2; };
  double sum = 0, sum_a = 0, sum_b = 0;
  for (const auto& [key, count] : both) sum += choose2(count);
  for (const auto& [key, count] : of_a) sum_a += choose2(count);
  for (const auto& [key, count] : of_b) sum_b += choose2(count);
  double expected = sum_a * sum_b / choose2(static_cast<double>(size));
  return (sum - expected) / ((sum_a + sum_b) / 2 - expected);
}

double squares(const std::vector<Cluster>& clusters) {
  double sum = 0;
  for (const Cluster& cluster : clusters)
    sum += static_cast<double>(cluster.nodes.size() * cluster.nodes.size());
  return sum;
}

double placed(const std::vector<Cluster>& clusters) {
  double sum = 0;
  for (const Cluster& cluster : clusters) sum += static_cast<double>(cluster.nodes.size());
  return sum;
}

double widest(const Pairs& pairs, const std::vector<Cluster>& clusters, std::uint32_t limit_us) {
  std::uint32_t us = 0;
  for (const Cluster& cluster : clusters) us = std::max(us, diameter_us(pairs, cluster.nodes));
  return static_cast<double>(us) / limit_us;
}

RttMatrix noisy(const RttMatrix& matrix, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> factor(1, 0.1);
  RttMatrix out(matrix.size());
  for (std::size_t a = 0; a < matrix.size(); ++a) {
    for (std::size_t b = a + 1; b < matrix.size(); ++b) {
      auto us = static_cast<std::uint32_t>(std::max(1.0, matrix.pair_us(a, b) * factor(random)));
      out.set_directed_us(a, b, us);
      out.set_directed_us(b, a, us);
    }
  }
  return out;
}

void steadiness(Table& table, const std::vector<RttMatrix>& slices, const Options& options) {
  table.head("Repair, groups of 4 to 32: noise of 10 %, drift over slices, churn");
  std::size_t n = slices[0].size();
  for (std::uint32_t limit_us : {5000u, 10'000u, 20'000u, 50'000u}) {
    RepairOptions repairing;
    repairing.partition = {limit_us, 4, 32, 1, 0};
    std::string at = fmt::format("L = {} ms: ", limit_us / 1000);
    std::vector<Cluster> clean = *partition(Pairs(slices[0]), repairing.partition);
    std::vector<double> index, width, share, ms;
    for (std::uint64_t seed = 1; seed <= (options.quick ? 1u : 5u); ++seed) {
      Pairs now(noisy(slices[0], seed));
      auto start = Clock::now();
      auto repaired = repair(now, clean, repairing);
      ms.push_back(since_ms(start));
      index.push_back(rand_index(n, clean, repaired->clusters));
      width.push_back(widest(now, repaired->clusters, limit_us));
      share.push_back(squares(repaired->clusters) / squares(*partition(now, repairing.partition)));
    }
    table.row(at + "noise: Rand index, median (worst)",
              fmt::format("{:.3f} ({:.3f})", quantile(index, 0.5), quantile(index, 0)), ">= 0.98",
              quantile(index, 0.5) >= 0.98);
    table.row(at + "noise: widest group / L", fmt::format("{:.3f}", quantile(width, 1)), "<= 1.1",
              quantile(width, 1) <= 1.1);
    table.row(at + "noise: objective / fresh run's, worst; ms",
              fmt::format("{:.3f}; {:.0f}", quantile(share, 0), quantile(ms, 0.5)), ">= 0.97",
              quantile(share, 0) >= 0.97);
    std::vector<double> moved;
    width.clear();
    share.clear();
    std::vector<Cluster> current = clean;
    for (std::size_t slice = 1; slice < slices.size(); ++slice) {
      Pairs now(slices[slice]);
      auto repaired = repair(now, current, repairing);
      current = repaired->clusters;
      moved.push_back(static_cast<double>(repaired->moves.size()) / static_cast<double>(n));
      width.push_back(widest(now, current, limit_us));
      share.push_back(squares(current) / squares(*partition(now, repairing.partition)));
    }
    if (moved.empty()) continue;
    table.row(
        at + "drift: moved a slice, median (worst)",
        fmt::format("{:.2f} % ({:.2f} %)", 100 * quantile(moved, 0.5), 100 * quantile(moved, 1)),
        "<= 2 %", quantile(moved, 1) <= 0.02);
    table.row(at + "drift: widest group / L", fmt::format("{:.3f}", quantile(width, 1)), "<= 1.1",
              quantile(width, 1) <= 1.1);
    table.row(at + "drift: objective / fresh run's, median (worst)",
              fmt::format("{:.3f} ({:.3f})", quantile(share, 0.5), quantile(share, 0)), ">= 0.97",
              quantile(share, 0) >= 0.97);
    if (options.quick) continue;
    // A fifth of the nodes is away at a time.
    std::mt19937_64 random(11);
    std::vector<bool> here(n);
    for (std::size_t node = 0; node < n; ++node) here[node] = random() % 5 != 0;
    auto view = [&] {
      RttMatrix matrix(n);
      for (std::size_t a = 0; a < n; ++a) {
        for (std::size_t b = 0; b < n; ++b) {
          if (a != b && here[a] && here[b])
            matrix.set_directed_us(a, b, slices[0].directed_us(a, b));
        }
      }
      return Pairs(matrix);
    };
    current = *partition(view(), repairing.partition);
    double worst_moved = 0, worst_behind = 0;
    for (int step = 0; step < 50; ++step) {
      std::vector<std::size_t> in, out;
      for (std::size_t node = 0; node < n; ++node) (here[node] ? in : out).push_back(node);
      std::shuffle(in.begin(), in.end(), random);
      std::shuffle(out.begin(), out.end(), random);
      std::size_t count = in.size() / 20;
      for (std::size_t i = 0; i < std::min(count, out.size()); ++i) {
        here[in[i]] = false;
        here[out[i]] = true;
      }
      Pairs now = view();
      auto repaired = repair(now, current, repairing);
      current = repaired->clusters;
      auto present = static_cast<double>(in.size());
      worst_moved = std::max(worst_moved, static_cast<double>(repaired->moves.size()) /
                                              (present - static_cast<double>(count)));
      if (step % 5 == 4)
        worst_behind =
            std::max(worst_behind,
                     (placed(*partition(now, repairing.partition)) - placed(current)) / present);
    }
    table.row(at + "churn: survivors moved a step, worst",
              fmt::format("{:.2f} %", 100 * worst_moved), "<= 2 %", worst_moved <= 0.02);
    table.row(at + "churn: nodes placed, points behind a fresh run",
              fmt::format("{:.1f}", 100 * worst_behind), "<= 2", worst_behind <= 0.02);
  }
}

void probing(Table& table, const RttMatrix& matrix, const Options& options) {
  table.head("64 initiated probes a node on PlanetLab slice 1, and up to 2 k^2 pairs a query");
  std::map<std::size_t, std::vector<double>> ratios;
  std::size_t invalid = 0, unanswered = 0;
  std::vector<double> recall;
  for (std::uint64_t seed = 1; seed <= (options.quick ? 1u : 5u); ++seed) {
    SimulateOptions simulation;
    simulation.seed = seed;
    auto result = simulate(matrix, simulation);
    recall.push_back(result.recall_20ms);
    for (const auto& size : result.sizes) {
      invalid += size.invalid;
      unanswered += size.unanswered;
      ratios[size.size].insert(ratios[size.size].end(), size.ratios.begin(), size.ratios.end());
    }
  }
  for (const auto& [size, values] : ratios) {
    double median = quantile(values, 0.5), p90 = quantile(values, 0.9);
    bool small = size <= 16;
    table.row(fmt::format("k = {}: ratio to the true optimum, median / p90", size),
              fmt::format("{:.3f} / {:.3f}", median, p90), small ? "1.00 / 1.05" : "1.05 / 1.15",
              small ? median <= 1.0005 && p90 <= 1.05 : median <= 1.05 && p90 <= 1.15);
  }
  table.row("invalid answers; unanswered", fmt::format("{}; {}", invalid, unanswered), "0; -",
            invalid == 0);
  table.row("pairs within 20 ms that are known", fmt::format("{:.3f}", quantile(recall, 0)), "-",
            true);
}

void ingesting(Table& table, const RttMatrix& matrix, const Options& options) {
  std::size_t n = options.quick ? 10'000 : 100'000;
  table.head(fmt::format("Ingest: samples of {} nodes, SYNTHETIC, 192 known pairs a node", n));
  Synthetic network(matrix, n, 3);
  Samples samples(n, 192);
  std::mt19937_64 random(1);
  constexpr std::size_t kCount = 2'000'000;
  auto start = Clock::now();
  for (std::size_t i = 0; i < kCount; ++i) {
    std::size_t from = random() % n, to = random() % n;
    if (from != to) samples.add(from, to, network.pair_us(from, to), static_cast<std::uint32_t>(i));
  }
  double seconds = since_ms(start) / 1000;
  table.row("samples a second, one core", fmt::format("{:.0f}", kCount / seconds), "-", true);
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) {
      double gib = std::atof(line.c_str() + 6) / 1024 / 1024;
      table.row("largest resident size of this run, GiB", fmt::format("{:.2f}", gib), "-", true);
    }
  }
}

const RttMatrix& benchmark_matrix(const std::string& data) {
  static const RttMatrix matrix = *read_matrix(data + "/PlanetLabData_1.xz");
  return matrix;
}

void register_benchmarks(const Options& options) {
  static Pairs planetlab(benchmark_matrix(options.data));
  static Pairs thousand(Synthetic(benchmark_matrix(options.data), 1000, 7).matrix());
  for (auto [name, pairs] : {std::pair{"490", &planetlab}, {"1000_synthetic", &thousand}}) {
    for (std::size_t size : {8, 32, 64}) {
      benchmark::RegisterBenchmark(fmt::format("query/{}/k{}", name, size).c_str(),
                                   [pairs = pairs, size](benchmark::State& state) {
                                     Query query;
                                     query.size = size;
                                     for (auto _ : state)
                                       benchmark::DoNotOptimize(forming::query(*pairs, query));
                                   });
    }
    benchmark::RegisterBenchmark(
        fmt::format("partition/{}/20ms", name).c_str(),
        [pairs = pairs](benchmark::State& state) {
          for (auto _ : state) benchmark::DoNotOptimize(partition(*pairs, {20'000, 4, 32, 1, 0}));
        })
        ->Unit(benchmark::kMillisecond);
    benchmark::RegisterBenchmark(fmt::format("repair/{}/20ms", name).c_str(),
                                 [pairs = pairs](benchmark::State& state) {
                                   RepairOptions repairing;
                                   repairing.partition = {20'000, 4, 32, 1, 0};
                                   auto before = *partition(*pairs, repairing.partition);
                                   for (auto _ : state)
                                     benchmark::DoNotOptimize(repair(*pairs, before, repairing));
                                 })
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("ingest/10000_synthetic", [](benchmark::State& state) {
    Samples samples(10'000, 192);
    std::mt19937_64 random(1);
    for (auto _ : state) {
      std::size_t from = random() % 10'000, to = random() % 10'000;
      if (from != to) samples.add(from, to, 1 + static_cast<std::uint32_t>(random() % 300'000), 1);
    }
  });
}

int run(const Options& options) {
  std::vector<RttMatrix> slices;
  for (int slice = 1; slice <= 6; ++slice) {
    std::string path = fmt::format("{}/PlanetLabData_{}.xz", options.data, slice);
    auto matrix = read_matrix(path);
    if (!matrix && slice == 1) {
      fmt::print(stderr, "vesc-bench-form: {}\n", matrix.error().message);
      return 2;
    }
    if (!matrix) break;
    slices.push_back(std::move(*matrix));
  }
  fmt::print("vesc-bench-form {} ({}), {} slices of PlanetLab\n", version(), git_revision(),
             slices.size());
  Pairs planetlab(slices[0]);
  Table table;
  queries(table, planetlab, options);
  compare_choices(table, planetlab, options);
  partitions(table, planetlab);
  steadiness(table, slices, options);
  probing(table, slices[0], options);
  large_queries(table, slices[0], options);
  ingesting(table, slices[0], options);
  if (!options.json_file.empty()) {
    json out = {{"version", fmt::format("{} ({})", version(), git_revision())},
                {"rows", table.rows_}};
    std::ofstream(options.json_file) << out.dump(2) << "\n";
  }
  return 0;
}

}  // namespace
}  // namespace vesc::forming

int main(int argc, char** argv) {
  vesc::forming::Options options;
  CLI::App app("The figures of forming beside their goals.");
  app.add_option("--data", options.data, "directory of PlanetLabData_1.xz to _6.xz (those there)")
      ->capture_default_str();
  app.add_option("--json", options.json_file, "write the table to this file");
  app.add_flag("--quick", options.quick, "fewer repetitions, nothing above 1,000 nodes");
  app.add_flag("--benchmarks", options.benchmarks,
               "Google Benchmark timings instead of the table; its own options after --");
  app.allow_extras();
  app.footer(
      "Example:\n  vesc-bench-form --json form.json\n"
      "  vesc-bench-form --benchmarks -- --benchmark_filter=query");
  CLI11_PARSE(app, argc, argv);
  if (!options.benchmarks) return vesc::forming::run(options);
  std::vector<std::string> rest = app.remaining();
  std::vector<char*> arguments = {argv[0]};
  for (std::string& text : rest) arguments.push_back(text.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  vesc::forming::register_benchmarks(options);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
