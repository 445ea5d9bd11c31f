// SPDX-License-Identifier: MIT
//
// All nodes into mini-supercomputers: disjoint groups whose every pair is within a limit.
//
// What makes one partition better than another, in this order: the sum of squared group sizes (big
// groups are what big jobs need; coverage alone would reward shredding), the nodes placed, and
// small RTTs inside the groups. Never worse than both peeling and complete-link clustering in the
// nodes placed and in the jobs of 8, 16, 32, ... nodes that fit, if any of the attempts reaches
// that.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vesc/base/result.hpp"
#include "vesc/forming/pairs.hpp"

namespace vesc::forming {

struct PartitionOptions {
  std::uint32_t limit_us = 0;
  std::size_t size_min = 2, size_max = 32;
  std::uint64_t seed = 1;
  std::uint64_t moves = 0;  // tried by each of six attempts; 0: as the size asks for
};

struct Cluster {
  std::string id;                  // stable through repair()
  std::vector<std::size_t> nodes;  // ascending
};

// Deterministic: the same input gives the same answer on every machine. 490 nodes take some tenths
// of a second, 10,000 some seconds. kInvalidInput for size_min < 2 or above size_max.
Result<std::vector<Cluster>> partition(const Pairs& pairs, const PartitionOptions& options);

struct RepairOptions {
  PartitionOptions partition;
  // A pair may grow to limit * leave_factor before a node has to leave.
  double leave_factor = 1.1;
  // Reports in a row with a pair above that before a node leaves. With 1 it leaves at once.
  unsigned patience = 1;
  // Once moves that must be reach this share of the members, none is made only for bigger groups.
  double moved_share = 0.019;
  // Nothing moves for bigger groups while the sum of squares is this share of a fresh partition's,
  // and it places at most `placed_slack` of all nodes fewer.
  double enough = 0.98, placed_slack = 0.015;
};

struct Move {
  std::size_t node;
  std::string from, to;  // ids; empty: in no group
  std::string why;
};

struct Repaired {
  std::vector<Cluster> clusters;
  std::vector<Move> moves;  // of nodes that were there before
  // Reports in a row that each node has been too far from a member; hand it to the next repair().
  std::vector<unsigned> strikes;
};

// From the previous partition and present RTTs to a valid one with few moves. Nodes enter only
// where every pair is within the limit, and leave where one is above limit * leave_factor or not
// known. `previous` may name nodes that are no more (>= pairs.size(), or without any known pair):
// they are dropped and count as no move. `strikes` is what the last call returned, or empty.
Result<Repaired> repair(const Pairs& pairs, const std::vector<Cluster>& previous,
                        const RepairOptions& options, const std::vector<unsigned>& strikes = {});

struct TierGroup {
  std::uint32_t tier_us = 0;  // the tightest tier at which the group exists
  std::uint32_t diameter_us = 0;
  std::vector<std::size_t> nodes;  // ascending, at least two
};

// For every tier at once; groups of a tighter tier lie whole inside groups of a looser one. Bottom
// up: the groups of one tier, and the nodes outside them, are the units of the next, where the
// better of peeling and complete-link merging of units is taken. Every distinct group once,
// ascending by (tier, size descending, first node). Deterministic.
std::vector<TierGroup> partition_ladder(const Pairs& pairs,
                                        const std::vector<std::uint32_t>& tiers_us);

// Upper bounds of any partition within the limits: each node is in a group of at most the largest
// clique that holds it (exact up to `steps_max` a node).
struct PartitionBound {
  std::size_t placed = 0;  // nodes
  double pairs = 0;        // pairs of nodes in one group
};
PartitionBound partition_bound(const Pairs& pairs, const PartitionOptions& options,
                               std::uint64_t steps_max = 20'000);

}  // namespace vesc::forming
