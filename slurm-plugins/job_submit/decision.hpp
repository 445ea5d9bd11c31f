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
  // Part of an array or a heterogeneous job, whose preferences Slurm 22.05.8 does not handle: see
  // decide().
  bool compound = false;
  bool held = false;
  bool expands_promised_job = false;
};

enum class Verdict { kAccept, kRefuseFeature, kRefuseNodes, kRefuseDependency };

struct Decision {
  Verdict verdict = Verdict::kAccept;
  std::optional<std::string> features;  // new constraint
  std::optional<std::string> prefer;    // new preference; "" clears it
  std::string message;                  // for the user; a refusal always has one
};

// A new job. A limit becomes a matching-OR in its constraint. Without one the same list, ending in
// "anywhere", becomes its *preference*: the backfill scheduler tests a preference for "now" only
// (backfill.c, TEST_NOW_ONLY) and plans with the constraint, so that a waiting job costs it little
// more than in stock Slurm, while a list in the constraint is one whole plan an alternative. The
// list ends in "anywhere" because the main scheduler passes a whole partition over once a
// preference did not fit (job_scheduler.c, fail_by_part).
// A compound job gets it as constraint: backfill skips the second queue record of an array whose
// first was rejected (reject_array_job), and starts a heterogeneous job by the last one tested.
Decision decide(const View& view, const Request& request);

// What a job has. Also the view of a job's constraint in slurmctld's tables.
struct Constraint {
  std::string features, prefer;
  bool operator==(const Constraint&) const = default;
};

// A constraint that VESC wrote, taken apart.
struct Written {
  std::string user_part;  // what stood before "&["
  std::vector<std::string> slots;
  std::uint32_t limit_us = 0;  // the promise; 0: "anywhere" is allowed
};
std::optional<Written> parse_written(std::string_view features);

// The constraint of a waiting job under a new view: the same promise, the slots of now. The same
// texts if nothing changes.
Constraint refreshed(const View& view, const Constraint& current, const Request& request);

// A waiting job as slurmctld has it, and what it shall have.
struct Waiting {
  std::uint32_t id = 0;
  std::uint32_t priority = 0;  // 0: held, or its time has not come
  Constraint now;
  Request request;  // of the job as it is; its constraint is in `now`
  Constraint wanted;
};

// Sets `wanted` of all waiting jobs: promises follow the groups as in refreshed(), and the default
// placement is given to the most urgent jobs, as many as `view.preferred_max` alternatives reach.
// Each alternative of each job is one more test in every pass of the backfill scheduler, and each
// preference one more record in the main scheduler's queue; a job far down the queue gets its own
// when its turn comes near. A preference that the user wrote is never touched.
void arrange(const View& view, std::vector<Waiting>& jobs);

// What a change of a job (scontrol update) states; the rest of `request` is as the job has it.
struct Update {
  Request request;
  bool features_given = false, prefer_given = false;
};
// A change of a job whose constraint so far is `current`.
Decision decide_change(const View& view, const Constraint& current, const Update& change);

// Alternatives in the largest bracket or chain of '|' of a constraint.
std::size_t alternatives(std::string_view features);

}  // namespace vesc::plugin
