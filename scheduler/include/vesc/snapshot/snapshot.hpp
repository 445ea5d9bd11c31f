// SPDX-License-Identifier: MIT
//
// The snapshot: what vesc-schedd tells the Slurm plugins, as one file replaced by rename. The
// writer owns the directory (0750); the reader is the plugins' worker thread in slurmctld, which
// read()s the whole file and swaps a pointer. It is never mapped: a truncated map is a SIGBUS in
// slurmctld.
//
// File, all integers little-endian:
//   header    magic "VESCSNAP", format version, header size, file size, BLAKE2b-256 of everything
//             after the checksum field, sequence, time published, chain height and time, spool
//             sequence settled so far, number of sections
//   sections  a table of {id, version, offset, count, record size}; a reader skips ids it does not
//             know and refuses a version of a known one that it does not know
//   records   fixed size per section
// What is not there yet (accounts, submit keys, prices, partitions' rules) comes as new sections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vesc/base/result.hpp"

namespace vesc::snapshot {

// Limits; encode and decode refuse what exceeds them.
inline constexpr std::size_t kFileBytesMax = 64u << 20;
inline constexpr std::size_t kNodesMax = 100'000;
inline constexpr std::size_t kGroupsMax = 200'000;
inline constexpr std::size_t kNameBytesMax = 255;

struct Node {
  std::string name;  // Slurm's NodeName
};

// One mini-supercomputer: nodes whose every pair, both directions, is within tier_us.
struct Group {
  std::uint64_t id = 0;              // stable while the group goes on existing, never reused
  std::uint32_t tier_us = 0;         // tightest tier of the ladder that holds every pair
  std::uint32_t diameter_us = 0;     // largest measured pair, <= tier_us
  std::uint32_t slot = 0;            // number within the tier's pool of slots from 1; 0: has none
  std::vector<std::uint32_t> nodes;  // indices into Snapshot::nodes, ascending, at least two
};

struct Snapshot {
  std::uint64_t sequence = 0;          // grows by one with every publication
  std::int64_t published_unix_ms = 0;  // wall clock of the writer; staleness is judged by it
  std::uint64_t chain_height = 0;      // 0: no chain yet
  std::int64_t chain_unix_ms = 0;
  std::uint64_t spool_settled = 0;      // records of the spool up to this one are settled on chain
  std::uint32_t slots_per_tier = 0;     // size of each tier's slot pool, as in slurm.conf
  std::vector<std::uint32_t> tiers_us;  // the ladder in use, ascending
  std::vector<Node> nodes;
  std::vector<Group> groups;  // ascending by (tier_us, slot, id); groups may nest, never overlap
};

// The bytes of the file. Error kLimit or kInvalidInput if `snapshot` breaks a rule above.
Result<std::vector<std::byte>> encode(const Snapshot& snapshot);

// Checks magic, version, size, checksum, every offset, index and rule; kCorrupt with the first
// thing found wrong. Allocates at most a small multiple of bytes.size(). O(size).
Result<Snapshot> decode(std::span<const std::byte> bytes);

// encode, write beside `path`, fsync, rename.
Result<void> write_file(const Snapshot& snapshot, const std::string& path, unsigned mode = 0640);

// Opens without following a link, refuses a file that is not regular, is larger than kFileBytesMax,
// is writable by group or others, or belongs to neither root nor `owner_uid`; reads and decodes.
Result<Snapshot> read_file(const std::string& path, std::uint32_t owner_uid);

// The Slurm feature of a slot: "vesc_2689us_3" for tier 2,689 us, slot 3. The tier is in the name
// for ever: a reader needs no snapshot to know what a slot promises.
std::string slot_feature(std::uint32_t tier_us, std::uint32_t slot);

// The Slurm feature that every node of a VESC partition has: the last alternative of a job that may
// run anywhere.
inline constexpr const char* kAnywhereFeature = "vesc_any";

// A feature that no live node ever has and that says in a job's own constraint which limit it was
// promised: "vesc_max_10000us". It stands last among the alternatives of a limited job, so that the
// promise survives restarts with the job itself.
std::string limit_feature(std::uint32_t tier_us);

// The reverse of both; false if `feature` is neither (or is malformed).
bool parse_slot_feature(std::string_view feature, std::uint32_t& tier_us, std::uint32_t& slot);
bool parse_limit_feature(std::string_view feature, std::uint32_t& tier_us);

}  // namespace vesc::snapshot
