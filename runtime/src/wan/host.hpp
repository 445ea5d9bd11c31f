// SPDX-License-Identifier: MIT
//
// One host of the WAN: its first process, with every namespace of its own, and its TUN device.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "vesc/base/result.hpp"

namespace vesc::wan {

struct HostPlan {
  std::string name;
  std::string address;
  std::string wan_directory;      // stays visible in the host under its own path
  std::string hosts_file;         // becomes /etc/hosts
  std::string private_directory;  // files of this host alone: hostname, boot id, machine id
};

// Starts the host's first process, a child of the calling one that dies with it, and returns once
// its mounts are in place.
Result<pid_t> start_host(const HostPlan& plan);

// Makes device wan0 with `address`/16 in the network namespace of `pid` and returns its
// descriptor, non-blocking. The calling thread is back in its own namespace afterwards.
Result<int> open_device(pid_t pid, const std::string& address);

}  // namespace vesc::wan
