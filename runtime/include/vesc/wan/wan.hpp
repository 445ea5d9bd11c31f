// SPDX-License-Identifier: MIT
//
// A virtual wide-area network on one machine. Every host has its own network, hostname, mounts,
// /tmp, /run, /dev/shm, sysfs, IPC and process space; one relay process carries every packet
// between two hosts and holds it for the one-way delay of that ordered pair.
//
// Lifetime: namespaces and devices are held by processes only, never by names in the file system.
// The hosts' first processes die with the relay, and all that runs in a host dies with its first
// process; so killing the relay, however, leaves nothing but a directory below /run/vesc.
//
// Needs root. Threads: these functions fork; call them from a program with one thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "vesc/base/process.hpp"
#include "vesc/base/result.hpp"
#include "vesc/forming/matrix.hpp"

namespace vesc::wan {

inline constexpr std::size_t kHostsMax = 1024;
inline constexpr const char* kDevice = "wan0";

struct Host {
  std::string name;
  std::string address;         // IPv4, on device wan0
  std::size_t matrix_row = 0;  // the row of the matrix that gives its delays
  ProcessId init;              // its first process
};

struct State {
  std::string name;
  std::string directory;  // the WAN's own, below the state directory
  ProcessId relay;
  std::vector<Host> hosts;
  std::vector<std::pair<std::string, std::size_t>> attached;  // extra hosts and beside which host
};

struct UpOptions {
  std::string name = "default";
  std::string matrix_path;
  std::size_t hosts = 0;  // draw so many rows by `seed`; 0: all rows, or `pick`
  std::uint64_t seed = 1;
  std::vector<std::size_t> pick;  // exactly these rows, in this order
  // Extra hosts {name, beside which host}: the delays of that host, and 0.2 ms RTT to it.
  std::vector<std::pair<std::string, std::size_t>> attach;
  double jitter_ms = 0;   // each packet is late by up to this much more, uniformly
  double loss = 0;        // share of packets dropped, 0 to 1
  double mbit_per_s = 0;  // cap of each ordered pair; 0: none
  pid_t dies_with = 0;    // the WAN ends when this process does; 0: it stays until down()
};

// `count` different numbers below `total`, in drawing order: the first `count` steps of a
// Fisher-Yates shuffle driven by mt19937_64(seed), each index drawn without bias by rejection. The
// same on every machine and compiler.
std::vector<std::size_t> draw_hosts(std::size_t total, std::size_t count, std::uint64_t seed);

// Starts the WAN and returns when every host can be used. Refused if one of that name lives.
Result<State> up(const UpOptions& options);

// kNotFound if there is none of that name, kUnavailable if its relay is gone.
Result<State> load(const std::string& name);
std::vector<std::string> list();

// Ends every process of the WAN and removes its directory. No WAN is no error.
Result<void> down(const std::string& name);

// What the relay should do between two hosts; in force for packets that enter from now on.
struct LinkChange {
  std::string from, to;
  bool both_ways = true;
  enum class Kind { kCut, kRestore, kScale, kSetRtt } kind = Kind::kRestore;
  double value = 0;  // kScale: factor on the matrix's delay; kSetRtt: ms
};
Result<void> change_link(const std::string& name, const LinkChange& change);

struct RelayStatistics {
  std::uint64_t packets = 0;
  std::uint64_t dropped = 0;
  double late_us_p50 = 0;  // actual sending minus due time
  double late_us_p99 = 0;
};
Result<RelayStatistics> statistics(const std::string& name);

// What the matrix and the links' present state promise between the named hosts: the RTT of each
// ordered pair is the sum of its two one-way delays.
Result<forming::RttMatrix> promised_rtts(const std::string& name,
                                         const std::vector<std::string>& hosts);

// Measures every ordered pair of the named hosts with `count` ICMP echoes, a few probes a host
// under way at a time; the median of those answered, unknown if none was.
Result<forming::RttMatrix> ping(const std::string& name, const std::vector<std::string>& hosts,
                                int count = 5);

}  // namespace vesc::wan
