// SPDX-License-Identifier: MIT
//
// Processes: naming one so that a reused pid is never mistaken for it, ending it, and running a
// command, if asked inside the namespaces of another process, with its output captured and a time
// limit. Fork-based: call from a program with one thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "vesc/base/result.hpp"

namespace vesc {

// A pid is reused, a pid and its start time (clock ticks since boot, /proc/PID/stat) are not.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_ticks = 0;
};

// start_ticks is 0 if there is no such process.
ProcessId identify(pid_t pid);

// Exists, is that very process, and is not a zombie.
bool alive(const ProcessId& id);

// SIGKILLs it if it is that very process and waits (at most 5 s) until it is gone.
void kill_and_wait(const ProcessId& id);

struct SpawnOptions {
  pid_t namespaces_of = 0;  // join this process's net, uts, ipc, mnt and pid namespaces; 0: none
  uid_t uid = 0;            // with gid: become this user before running; 0: stay who we are
  gid_t gid = 0;
  std::string directory;                 // working directory; empty: stay
  std::vector<std::string> environment;  // the whole environment; empty: inherit
  int stdin_fd = -1;                     // -1: inherit
  int stdout_fd = -1;
  int stderr_fd = -1;
};

// Starts argv[0] (looked up in PATH). The child dies with the calling process (SIGKILL), and
// everything it left behind in a joined PID namespace does not: that is the namespace's to clean.
// Returns the child's pid as the caller sees it. A command that cannot be run is exit code 127.
Result<pid_t> spawn(const std::vector<std::string>& argv, const SpawnOptions& options);

// Waits for a child; its exit code, 128 + signal for one that was killed; kTimeout (child killed
// and collected) after timeout_s seconds, if not 0.
Result<int> wait_for(pid_t child, double timeout_s = 0);

struct Output {
  int exit_code = 0;
  std::string text;    // standard output
  std::string errors;  // standard error
};

inline constexpr std::size_t kOutputBytesMax = 16u << 20;  // of each stream; the rest is dropped

// spawn + wait_for with standard input empty and both outputs captured.
Result<Output> capture(const std::vector<std::string>& argv, SpawnOptions options,
                       double timeout_s);

}  // namespace vesc
