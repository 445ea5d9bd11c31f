// SPDX-License-Identifier: GPL-2.0-or-later
//
// vesc.conf, the TOML file beside slurm.conf.
#pragma once

#include <cstdint>
#include <string>

namespace vesc::plugin {

struct Settings {
  std::string snapshot = "/var/lib/vesc/published/snapshot";
  std::uint32_t snapshot_owner = 0;
  std::int64_t stale_after_s = 300;
  std::int64_t poll_ms = 200;
  bool tightest_by_default = true;
  std::uint32_t alternatives_max = 8;  // of one job
  std::uint32_t preferred_max = 64;    // of all waiting jobs placed by default together
  std::string statistics;              // a file to write figures to; empty: none
  bool verify_tables = false;          // look slurmctld's tables over after every change
};

// Values out of range are drawn to the nearest that is in it. Throws std::exception with a sentence
// if the file cannot be read or is no TOML.
Settings read_settings(const std::string& path);

}  // namespace vesc::plugin
