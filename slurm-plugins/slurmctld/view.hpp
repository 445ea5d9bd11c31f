// SPDX-License-Identifier: GPL-2.0-or-later
//
// What job_submit decides from: an immutable picture made by the worker thread out of the snapshot,
// the configuration and slurmctld's node table, and swapped in as one pointer. No Slurm headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace vesc::snapshot {
struct Snapshot;
}

namespace vesc::plugin {

// slurmctld 22.05.8 aborts on a constraint with more exclusive alternatives (_valid_features sets
// bit 64 of a 64-bit map).
inline constexpr std::size_t kSlurmAlternativesMax = 64;

struct Slot {
  std::string feature;
  std::uint32_t tier_us = 0;
  std::uint32_t nodes = 0;           // members, up or not
  std::uint32_t cpus = 0;            // of all members; members never seen count as the largest seen
  std::vector<std::string> members;  // names, sorted
  bool holds_all = false;            // every node that slurmctld knows is a member
};

struct View {
  bool usable = false;
  std::string why_not;  // a sentence, if not usable
  std::uint64_t sequence = 0;
  std::vector<std::uint32_t> tiers_us;
  // Tightest tier first, then fewest nodes: the order of preference. No two have the same members:
  // a looser slot that equals a tighter one says nothing new.
  std::vector<Slot> slots;
  bool tightest_by_default = true;
  std::uint32_t alternatives_max = 8;  // of one job
  std::uint32_t preferred_max = 64;    // of all waiting jobs placed by default together
};

// CPUs of every node that slurmctld knows, by name.
using CpusOfNode = std::unordered_map<std::string, std::uint32_t>;

// Slots and tiers out of a snapshot; the rest is the caller's. O(nodes in groups * log).
View make_view(const snapshot::Snapshot& snapshot, const CpusOfNode& cpus);
// Whether both lead to the same decisions about slots.
bool same_decisions(const View& a, const View& b);

}  // namespace vesc::plugin
