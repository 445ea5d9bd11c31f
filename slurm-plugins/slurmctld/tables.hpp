// SPDX-License-Identifier: GPL-2.0-or-later
//
// The worker's hands inside slurmctld's tables. Implemented by tables.cpp, the one file of this
// library that sees Slurm's internal headers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "decision.hpp"

namespace vesc::plugin {

// Node name -> its slot features. Nodes that are not in it shall have none.
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

// Whether the node table differs from `wanted`, or a dynamic node's port is wrong. READ locks.
bool needs_change(const SlotsOfNode& wanted);

// One critical section (CONF read; JOB, NODE and PART write; FED read): makes the nodes' slot
// features those of `wanted`, keeps every config record to nodes of one feature set, merges equal
// records, calls `publish`, then rewrites the constraint of waiting jobs that `refresh` answers
// with another text for. Features that are not slots are untouched.
Change change_tables(
    const SlotsOfNode& wanted, const std::function<void()>& publish,
    const std::function<std::string(const std::string& features, const Request&)>& refresh);

void log_line(bool is_error, const std::string& text);

}  // namespace vesc::plugin
