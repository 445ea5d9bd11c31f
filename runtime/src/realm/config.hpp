// SPDX-License-Identifier: MIT
//
// The texts of a realm's configuration files. Pure: arguments in, text out.
#pragma once

#include <string>
#include <vector>

#include "vesc/realm/realm.hpp"

namespace vesc::realm {

struct Paths {
  std::string root;  // <state directory of the WAN>/realm
  std::string etc() const { return root + "/etc"; }
  std::string slurm_etc() const { return root + "/etc/slurm"; }
  std::string logs() const { return root + "/log"; }
  std::string spool() const { return root + "/spool"; }
  std::string state() const { return root + "/state"; }
  std::string plugins() const { return root + "/plugins"; }
  std::string home() const { return root + "/home"; }
  std::string published() const { return root + "/published"; }
  std::string measured() const { return root + "/measured"; }
  std::string munge_key() const { return root + "/etc/munge.key"; }
  std::string snapshot() const { return published() + "/snapshot"; }
  std::string statistics() const { return state() + "/vesc-statistics.json"; }
  std::string matrix() const { return measured() + "/rtt.matrix"; }
  std::string names() const { return measured() + "/names"; }
  std::string keeper_file(const std::string& host) const { return root + "/keepers/" + host; }
};

struct SlurmConfig {
  std::string controller_address;
  std::size_t nodes = 0;
  bool plugins = false;
  unsigned slots_per_tier = 0;
};

std::string slurm_conf(const Paths& paths, const SlurmConfig& config);
std::string cgroup_conf();
std::string plugstack_conf(const Paths& paths, bool plugins);
std::string vesc_conf(const Paths& paths, bool verify_tables);

// NAME=value lines that make an unmodified Open MPI program work over the WAN; the SPANK plugin
// puts them into each task's environment.
std::string mpi_env();

// The slurmd --conf of every node.
std::string node_conf();

}  // namespace vesc::realm
