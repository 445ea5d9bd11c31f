// SPDX-License-Identifier: GPL-2.0-or-later
//
// The worker's hands inside slurmctld's tables. Implemented by tables.cpp, the one file of this
// library that sees Slurm's internal headers.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "decision.hpp"

namespace vesc::plugin {

// Node name -> its slot features. Nodes that are not in it shall have none. Every live node also
// has snapshot::kAnywhereFeature.
using SlotsOfNode = std::unordered_map<std::string, std::vector<std::string>>;

struct Change {
  std::size_t nodes = 0;     // whose features changed
  std::size_t jobs = 0;      // waiting, whose constraint changed
  std::size_t ports = 0;     // of dynamic nodes that were mended
  std::int64_t held_ns = 0;  // time the write locks were held
};

bool in_slurmctld();
bool shutting_down();
// slurmctld opens plugins before it has read its nodes and jobs: false until then. READ locks.
bool tables_ready();
std::string configuration_directory();  // of slurm.conf

// Grows when something about a node changed; compare for inequality.
std::int64_t node_table_stamp();

// CPUs of every node that slurmctld knows, by name. Takes READ locks.
std::unordered_map<std::string, std::uint32_t> node_cpus();

// A change prepared outside the write locks: what slurmctld had when it was read, and what it shall
// have. Inside the locks only what is still so is taken from it.
struct Plan;
struct PlanDeleter {
  void operator()(Plan* plan) const;
};
using PlanPointer = std::unique_ptr<Plan, PlanDeleter>;

// What waiting jobs shall have. `arrange` sees all of them, under no lock; `refresh` one that is
// new or has changed since, under the write locks. Neither does I/O.
struct JobRules {
  std::function<void(std::vector<Waiting>&)> arrange;
  std::function<Constraint(const Constraint& now, const Request&)> refresh;
};

// Reads nodes and waiting jobs under READ locks, and works out the rest under none.
PlanPointer plan_change(const SlotsOfNode& wanted, const JobRules& rules);
// Whether it would change anything.
bool changes_anything(const Plan& plan);

// One critical section (CONF read; JOB, NODE and PART write; FED read): makes the nodes' slot
// features those of `wanted`, keeps every config record to nodes of one feature set, merges equal
// records, calls `publish`, then rewrites the constraints of waiting jobs as `rules` say.
// Features that are not slots are untouched. Whatever changed since `plan` was made is worked out
// anew inside, so the result never depends on the plan; only the time does.
Change change_tables(const Plan& plan, const SlotsOfNode& wanted,
                     const std::function<void()>& publish, const JobRules& rules);

// What is wrong with slurmctld's tables: a config record that holds nodes of different features,
// two records that are equal, a feature bitmap that disagrees with a node. Empty: nothing. READ
// locks; for tests and for admins who want to be sure (verify_tables in vesc.conf).
std::string first_fault();

void log_line(bool is_error, const std::string& text);

}  // namespace vesc::plugin
