// SPDX-License-Identifier: GPL-2.0-or-later
//
// What job_submit decides from: an immutable picture made by the worker thread out of the snapshot,
// the configuration and slurmctld's node table, and swapped in as one pointer. No Slurm headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
};

struct View {
  bool usable = false;
  std::string why_not;  // a sentence, if not usable
  std::uint64_t sequence = 0;
  std::vector<std::uint32_t> tiers_us;
  std::vector<Slot> slots;  // tightest tier first, then fewest nodes: the order of preference
  bool tightest_by_default = true;
  std::uint32_t alternatives_max = 16;
};

}  // namespace vesc::plugin
