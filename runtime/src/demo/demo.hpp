// SPDX-License-Identifier: MIT
//
// The demo: the product's main job, end to end, on real parts. For one seed: draw hosts from real
// latencies, start WAN and realm, run an MPI job as stock Slurm places it, measure, form
// mini-supercomputers, run the same job with VESC, compare.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "vesc/base/result.hpp"
#include "vesc/forming/matrix.hpp"
#include "vesc/snapshot/snapshot.hpp"

namespace vesc::demo {

struct Options {
  std::string wan;          // name of the WAN, made and ended by the demo
  std::string matrix_path;  // real latencies, all of them
  std::size_t hosts = 16;
  std::string program_dir;
  std::string plugin_dir;
  std::string job_program;  // the MPI program
  std::string job_script;   // its sbatch script
  std::string raw_dir;      // where the logs are kept; empty: nowhere
};

// One run of the MPI job.
struct Run {
  std::vector<std::size_t> nodes;  // host numbers, ascending
  std::uint32_t diameter_us = 0;   // on the measured matrix
  double ms_per_iteration = 0;
  double mpi_share = 0;
  double error_norm = 0;
  int iterations = 0;
  std::string sbatch_said;  // what the researcher saw at submission
};

struct Report {
  std::uint64_t seed = 0;
  std::vector<std::string> hosts;       // names
  std::vector<std::size_t> drawn_rows;  // rows of the real matrix
  forming::RttMatrix measured;
  std::vector<snapshot::Group> groups;
  std::string refused_said;  // the answer to a limit that no group can keep
  Run stock;
  Run vesc;
  std::uint32_t optimal_diameter_us = 0;  // of 4 of all the hosts, exact, on the measured matrix
  double time_ratio() const { return stock.ms_per_iteration / vesc.ms_per_iteration; }
  double diameter_ratio() const {
    return static_cast<double>(stock.diameter_us) / static_cast<double>(vesc.diameter_us);
  }
};

inline constexpr std::size_t kJobNodes = 4;

using Progress = std::function<void(const std::string& step)>;

// Runs the demo for one seed. The WAN is ended before it returns, also on an error.
Result<Report> run(const Options& options, std::uint64_t seed, const Progress& progress);

std::string table(const std::vector<Report>& reports);
std::string json(const std::vector<Report>& reports);
std::string picture(const Report& report);  // SVG

}  // namespace vesc::demo
