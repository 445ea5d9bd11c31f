// SPDX-License-Identifier: MIT
#include "vesc/forming/query.hpp"

#include <algorithm>
#include <optional>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/core_numbers.hpp>
#include <fmt/format.h>

#include "clique.hpp"

namespace vesc::forming {
namespace {

using ThresholdGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;

// Candidates that could be in a group of `wanted` with every pair <= limit_us: the (wanted-1)-core.
std::vector<std::size_t> core(const RttMatrix& matrix, const std::vector<std::size_t>& candidates,
                              std::size_t wanted, std::uint32_t limit_us) {
  ThresholdGraph graph(candidates.size());
  for (std::size_t a = 0; a < candidates.size(); ++a) {
    for (std::size_t b = a + 1; b < candidates.size(); ++b) {
      if (matrix.pair_us(candidates[a], candidates[b]) <= limit_us) boost::add_edge(a, b, graph);
    }
  }
  std::vector<std::size_t> cores(candidates.size());
  if (!candidates.empty()) {
    boost::core_numbers(graph, boost::make_iterator_property_map(
                                   cores.begin(), boost::get(boost::vertex_index, graph)));
  }
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (cores[i] + 1 >= wanted) kept.push_back(candidates[i]);
  }
  return kept;
}

struct Problem {
  const RttMatrix& matrix;
  std::vector<std::size_t> anchors;     // must be in
  std::vector<std::size_t> candidates;  // may be added, ascending
  std::size_t size;                     // in all
  std::uint64_t steps_max;
  std::uint64_t steps = 0;
};

enum class Found { kYes, kNo, kUndecided };

// Is there a group with every pair <= limit_us? Fills `nodes` if so.
Found find_within(Problem& problem, std::uint32_t limit_us, std::vector<std::size_t>& nodes) {
  if (diameter_us(problem.matrix, problem.anchors) > limit_us) return Found::kNo;
  std::size_t wanted = problem.size - problem.anchors.size();
  std::vector<std::size_t> near;
  for (std::size_t node : problem.candidates) {
    bool close = std::all_of(
        problem.anchors.begin(), problem.anchors.end(),
        [&](std::size_t anchor) { return problem.matrix.pair_us(anchor, node) <= limit_us; });
    if (close) near.push_back(node);
  }
  if (wanted > 0) near = core(problem.matrix, near, wanted, limit_us);
  if (near.size() < wanted) return Found::kNo;
  Graph graph(near.size());
  for (std::size_t a = 0; a < near.size(); ++a) {
    for (std::size_t b = a + 1; b < near.size(); ++b) {
      if (problem.matrix.pair_us(near[a], near[b]) <= limit_us) graph.connect(a, b);
    }
  }
  std::uint64_t left = problem.steps_max > problem.steps ? problem.steps_max - problem.steps : 0;
  Clique clique;
  if (wanted > 0) clique = heaviest_clique(graph, wanted, left, problem.steps);
  if (clique.weight < wanted) return clique.proved ? Found::kNo : Found::kUndecided;
  nodes = problem.anchors;
  for (std::size_t i = 0; i < wanted; ++i) nodes.push_back(near[clique.vertices[i]]);
  std::sort(nodes.begin(), nodes.end());
  return Found::kYes;
}

Result<Problem> make_problem(const RttMatrix& matrix, const Query& query) {
  std::vector<int> state(matrix.size(), query.free.empty() ? 1 : 0);
  for (const auto* list : {&query.free, &query.include, &query.exclude}) {
    for (std::size_t node : *list) {
      if (node >= matrix.size())
        return Error{ErrorCode::kInvalidInput,
                     fmt::format("there is no node {}: the matrix has nodes 0 to {}", node,
                                 matrix.size() - 1)};
    }
  }
  for (std::size_t node : query.free) state[node] = 1;
  for (std::size_t node : query.exclude) state[node] = 0;
  for (std::size_t node : query.include) {
    if (state[node] == 0)
      return Error{ErrorCode::kInvalidInput,
                   fmt::format("node {} is to be included but is excluded or not free", node)};
    state[node] = 2;
  }
  Problem problem{matrix, {}, {}, query.size, query.steps_max};
  for (std::size_t node = 0; node < matrix.size(); ++node) {
    if (state[node] == 2) problem.anchors.push_back(node);
    if (state[node] == 1) problem.candidates.push_back(node);
  }
  if (query.size == 0 || query.size < problem.anchors.size()) {
    return Error{ErrorCode::kInvalidInput, fmt::format("a group of {} cannot hold {} given nodes",
                                                       query.size, problem.anchors.size())};
  }
  return problem;
}

// The RTT values that can be a diameter, ascending, none above the limit.
std::vector<std::uint32_t> values_of(const Problem& problem, std::uint32_t limit_us) {
  std::vector<std::size_t> nodes = problem.anchors;
  nodes.insert(nodes.end(), problem.candidates.begin(), problem.candidates.end());
  std::vector<std::uint32_t> values;
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes.size(); ++b) {
      std::uint32_t us = problem.matrix.pair_us(nodes[a], nodes[b]);
      if (us != kUnknownRttUs && us <= limit_us) values.push_back(us);
    }
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

std::uint32_t diameter_us(const RttMatrix& matrix, const std::vector<std::size_t>& nodes) {
  std::uint32_t largest = 0;
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes.size(); ++b)
      largest = std::max(largest, matrix.pair_us(nodes[a], nodes[b]));
  }
  return largest;
}

double mean_rtt_us(const RttMatrix& matrix, const std::vector<std::size_t>& nodes) {
  double sum = 0;
  std::size_t pairs = 0;
  for (std::size_t a = 0; a < nodes.size(); ++a) {
    for (std::size_t b = a + 1; b < nodes.size(); ++b, ++pairs)
      sum += matrix.pair_us(nodes[a], nodes[b]);
  }
  return pairs == 0 ? 0 : sum / static_cast<double>(pairs);
}

Result<Answer> query(const RttMatrix& matrix, const Query& query) {
  auto problem = make_problem(matrix, query);
  if (!problem) return problem.error();
  Answer answer;
  auto finish = [&] {
    answer.steps = problem->steps;
    answer.diameter_us = diameter_us(matrix, answer.nodes);
    answer.mean_us = mean_rtt_us(matrix, answer.nodes);
    return answer;
  };
  answer.optimal = true;
  if (problem->anchors.size() + problem->candidates.size() < query.size) return finish();
  std::vector<std::uint32_t> values = values_of(*problem, query.max_rtt_us);
  if (query.size == 1) values = {0};
  // Invariant: nothing below index `low` is feasible; `high` is feasible or past the end.
  std::size_t low = 0, high = values.size();
  while (low < high) {
    std::size_t middle = low + (high - low) / 2;
    std::vector<std::size_t> nodes;
    Found found = find_within(*problem, values[middle], nodes);
    if (found == Found::kYes) {
      answer.nodes = nodes;
      answer.feasible = true;
      // What was found may be tighter than what was asked.
      std::uint32_t reached = diameter_us(matrix, nodes);
      high = static_cast<std::size_t>(std::lower_bound(values.begin(), values.end(), reached) -
                                      values.begin());
      if (high > middle) high = middle;
    } else {
      if (found == Found::kUndecided) answer.optimal = false;
      if (answer.optimal)
        answer.lower_bound_us = middle + 1 < values.size() ? values[middle + 1] : kUnknownRttUs;
      low = middle + 1;
    }
  }
  finish();
  if (answer.optimal && answer.feasible) answer.lower_bound_us = answer.diameter_us;
  return answer;
}

}  // namespace vesc::forming
