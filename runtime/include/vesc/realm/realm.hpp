// SPDX-License-Identifier: MIT
//
// A Slurm realm on the hosts of a virtual WAN: munged with a fresh key and a keeper on every host,
// slurmctld and vesc-schedd on the controller host, and one slurmd on each other host, joined as a
// dynamic node. All of it is Debian's own software with the files that a site would have; nothing
// of the machine's own /etc, /home or /run is touched, because each host sees its own.
//
// Lifetime: a realm lives in its hosts' namespaces. Killing a host's keeper takes the host's
// daemons and its jobs with it; taking the WAN down takes the realm along.
//
// Threads: none of these may be called while another thread runs (they fork).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "vesc/base/process.hpp"
#include "vesc/base/result.hpp"

namespace vesc::realm {

inline constexpr const char* kControllerHost = "ctl";
inline constexpr const char* kResearcher =
    "researcher";  // an ordinary user that exists in a realm only

struct Options {
  std::string wan = "default";  // the WAN to live on; it has a host "ctl"
  std::string program_dir;      // where vesc-schedd is
  std::string plugin_dir;  // where job_submit_vesc.so and its companions are; empty: stock Slurm
  unsigned slots_per_tier = 8;
  std::string more_slurm_conf;  // lines added to slurm.conf as they are
  bool verify_tables = true;    // slurmctld's tables are looked over after every change
  double ready_timeout_s = 40;
};

// Users that exist in a realm only, added to the machine's own in each host's /etc/passwd.
inline constexpr unsigned kScheddUid = 60999;
inline constexpr unsigned kResearcherUid = 61000;

// What a step did, for a progress line; called from the calling thread.
using Progress = std::function<void(const std::string& step)>;

struct Node {
  std::string name;
  int keeper_pid = 0;
  std::string
      state;  // as sinfo shows it ("idle", "down*"); empty for the controller and if unknown
};

struct Status {
  std::string wan;
  std::string directory;      // everything of the realm
  std::string log_directory;  // the logs of every daemon
  bool controller_answers = false;
  std::vector<Node> nodes;  // the controller first
};

// Starts the realm and waits until every node is idle. On any failure the realm is taken down
// again and the error names the log to read (its last lines are in the message).
Result<Status> up(const Options& options, const Progress& progress);

Result<Status> status(const std::string& wan);

// Ends every process of the realm and removes its files. No realm is no error.
Result<void> down(const std::string& wan);

struct ExecOptions {
  std::string host = kControllerHost;
  std::string user = kResearcher;
  double timeout_s = 0;  // 0: none
};

// Runs argv inside the realm with this process's standard streams; its exit code (128 + signal).
Result<int> exec(const std::string& wan, const std::vector<std::string>& argv,
                 const ExecOptions& options);

// The same with the output captured; kTimeout when it took longer than options.timeout_s, after it
// has been killed.
Result<Output> capture(const std::string& wan, const std::vector<std::string>& argv,
                       const ExecOptions& options);

// The file that vesc-schedd watches: writing a matrix there is what changes the groups.
std::string measured_matrix_path(const std::string& wan);
std::string snapshot_path(const std::string& wan);
// Figures that the plugins keep: calls and times of job_submit, times that locks were held (JSON).
std::string plugin_statistics_path(const std::string& wan);
// The researcher's home as this process sees it.
std::string researcher_home(const std::string& wan);

// The last `lines` lines of the realm's log of `daemon` ("slurmctld", "slurmd-h3"), indented.
std::string log_tail(const std::string& wan, const std::string& daemon, int lines = 12);

}  // namespace vesc::realm
