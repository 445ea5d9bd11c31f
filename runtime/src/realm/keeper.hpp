// SPDX-License-Identifier: MIT
//
// The keeper: what systemd is on a site's host, one process a host of the realm. It is process 1 of
// a PID namespace of its own inside the host, and owns a mount namespace in which /etc/slurm,
// /etc/passwd, /etc/group and /home are the realm's. It starts its daemons in order, starts one
// again that ends, and collects orphans. When it dies, by whatever signal, the kernel ends all that
// it kept, jobs included: nothing can be left behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "vesc/base/result.hpp"

namespace vesc::realm {

struct Daemon {
  std::string name;  // also the name of its log in `log_directory`
  std::vector<std::string> argv;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string ready_path;  // the next daemon waits (at most 10 s) until this exists; may be empty
};

struct KeeperPlan {
  std::string host;
  std::string log_directory;
  // {what the realm has, where the host shall see it}: both exist as files or directories.
  std::vector<std::pair<std::string, std::string>> binds;
  // Made in the host's own /run before anything starts: {path, owner uid}.
  std::vector<std::pair<std::string, uid_t>> run_directories;
  std::vector<Daemon> daemons;
};

// Starts the keeper inside the namespaces of `host_init_pid` and returns its pid, as this process
// sees it, once its mounts are in place. The caller is not its parent afterwards.
Result<pid_t> start_keeper(pid_t host_init_pid, const KeeperPlan& plan);

}  // namespace vesc::realm
