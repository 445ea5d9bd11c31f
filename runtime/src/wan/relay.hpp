// SPDX-License-Identifier: MIT
//
// The relay process: reads every host's TUN device, holds each packet until it is due, and writes
// it to the device of the host it is addressed to. One thread, real-time priority if allowed.
#pragma once

#include <string>
#include <vector>

#include "links.hpp"
#include "vesc/base/result.hpp"

namespace vesc::wan {

struct RelayPlan {
  std::vector<int> devices;        // one a host
  std::vector<std::string> names;  // as in commands on the control socket
  int control_fd = -1;             // listening Unix socket
  int end_fd = -1;                 // the relay ends when this becomes readable; -1: none
  std::uint64_t seed = 1;          // of loss and jitter
};

// Host number of a packet's destination (10.77.0.0/16, counted from 10.77.0.1), -1 if it is for
// nobody here.
int destination_of(const unsigned char* packet, std::size_t bytes, std::size_t hosts);
std::string address_of(std::size_t host);

// Runs until end_fd or SIGTERM; returns only on an error.
Error run_relay(const RelayPlan& plan, Links& links);

}  // namespace vesc::wan
