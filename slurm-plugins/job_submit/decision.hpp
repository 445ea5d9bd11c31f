// SPDX-License-Identifier: GPL-2.0-or-later
//
// What job_submit answers. Pure: a view and a request in, a decision out; no Slurm headers, no I/O,
// a few microseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "view.hpp"

namespace vesc::plugin {

struct Request {
  std::optional<std::string> max_rtt;  // text of --max-rtt
  std::string features;                // what the user (or the job so far) has as constraint
  std::string prefer;
  std::uint32_t nodes_min = 1;
  std::uint32_t nodes_max = 0;  // 0: not stated
  std::uint32_t tasks = 1;
  std::uint32_t cpus_per_task = 1;
  std::vector<std::string> nodes_wanted;  // --nodelist
  std::vector<std::string> nodes_excluded;
  bool spread = false;
  bool contiguous = false;
  bool expand = false;  // --dependency=expand
  bool expands_promised_job = false;
};

enum class Verdict { kAccept, kRefuseFeature, kRefuseNodes, kRefuseDependency };

struct Decision {
  Verdict verdict = Verdict::kAccept;
  std::optional<std::string> features;  // new constraint
  std::string message;                  // for the user; a refusal always has one
};

// A new job.
Decision decide(const View& view, const Request& request);

// A constraint that VESC wrote, taken apart.
struct Written {
  std::string user_part;  // what stood before "&["
  std::vector<std::string> slots;
  std::uint32_t limit_us = 0;  // the promise; 0: "anywhere" is allowed
};
std::optional<Written> parse_written(std::string_view features);

// The constraint of a waiting job under a new view: the same promise, the slots of now. The same
// text if nothing changes.
std::string refreshed(const View& view, const Written& written, const Request& request);

// A change of a job (scontrol update) whose constraint so far is `current`.
Decision decide_change(const View& view, const std::string& current, const Request& change,
                       bool features_given);

// Alternatives in the largest bracket or chain of '|' of a constraint.
std::size_t alternatives(std::string_view features);

}  // namespace vesc::plugin
