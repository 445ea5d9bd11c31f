// SPDX-License-Identifier: MIT
//
// Measuring the WAN as it is: one raw ICMP socket in each host's network, all of them served by one
// thread. Probes leave one at a time, a fraction of a millisecond apart, so that they queue neither
// behind each other nor behind their answers; arrival is stamped by the kernel.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

#include "vesc/wan/wan.hpp"

namespace vesc::wan {
namespace {

constexpr std::int64_t kPaceNs = 250'000;
constexpr std::int64_t kAnswerWaitNs = 4'000'000'000;  // after the last probe

std::int64_t wall_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

struct Probe {
  std::uint16_t mark;  // tells our echoes from others'
  std::uint16_t from, to;
  std::int64_t sent_ns;
};

struct Echo {
  icmphdr header;
  Probe probe;
};

std::uint16_t checksum(const void* data, std::size_t bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes; i += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, static_cast<const char*>(data) + i, 2);
    sum += word;
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum += sum >> 16;
  return static_cast<std::uint16_t>(~sum & 0xffff);
}
static_assert(sizeof(Echo) % 2 == 0);

Result<int> open_socket(pid_t pid) {
  int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int theirs = open(fmt::format("/proc/{}/ns/net", pid).c_str(), O_RDONLY | O_CLOEXEC);
  int fd = -1;
  int error = 0;
  if (theirs >= 0 && setns(theirs, CLONE_NEWNET) == 0) {
    fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
    error = errno;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    [[maybe_unused]] int back = setns(own, CLONE_NEWNET);
  } else {
    error = errno;
  }
  if (own >= 0) close(own);
  if (theirs >= 0) close(theirs);
  if (fd < 0) return system_error("cannot open a probe socket in a host (root only)", error);
  return fd;
}

class Measurement {
 public:
  Measurement(std::vector<int> sockets, std::vector<in_addr> addresses)
      : sockets_(std::move(sockets)),
        addresses_(std::move(addresses)),
        samples_(sockets_.size() * sockets_.size()) {
    for (int fd : sockets_) polls_.push_back({fd, POLLIN, 0});
  }
  ~Measurement() {
    for (int fd : sockets_) close(fd);
  }
  Measurement(const Measurement&) = delete;
  Measurement& operator=(const Measurement&) = delete;

  forming::RttMatrix run(int count) {
    std::size_t n = sockets_.size();
    std::int64_t next_ns = wall_ns();
    for (int round = 0; round < count; ++round) {
      // Offset by offset, so that no host is probed twice in a row.
      for (std::size_t offset = 1; offset < n; ++offset) {
        for (std::size_t from = 0; from < n; ++from) {
          next_ns = std::max(next_ns + kPaceNs, wall_ns() - 10 * kPaceNs);
          receive_until(next_ns, false);
          send(from, (from + offset) % n);
        }
      }
    }
    receive_until(wall_ns() + kAnswerWaitNs, true);
    return medians();
  }

 private:
  void send(std::size_t from, std::size_t to) {
    Echo echo{};
    echo.header.type = ICMP_ECHO;
    echo.header.un.echo.id = kMark;
    echo.probe = {kMark, static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(to),
                  wall_ns()};
    echo.header.checksum = checksum(&echo, sizeof(echo));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr = addresses_[to];
    if (sendto(sockets_[from], &echo, sizeof(echo), 0, reinterpret_cast<sockaddr*>(&address),
               sizeof(address)) > 0)
      ++missing_;
  }

  void receive_until(std::int64_t until_ns, bool stop_when_complete) {
    for (;;) {
      std::int64_t left = until_ns - wall_ns();
      if (stop_when_complete && missing_ == 0) return;
      timespec wait{std::max<std::int64_t>(left, 0) / 1'000'000'000,
                    std::max<std::int64_t>(left, 0) % 1'000'000'000};
      int ready = ppoll(polls_.data(), polls_.size(), &wait, nullptr);
      if (ready > 0) {
        for (const pollfd& one : polls_) {
          if (one.revents != 0) drain(one.fd);
        }
      }
      if (left <= 0) return;
    }
  }

  void drain(int fd) {
    std::array<char, 256> packet{};
    std::array<char, 256> control{};
    for (;;) {
      iovec data{packet.data(), packet.size()};
      msghdr message{};
      message.msg_iov = &data;
      message.msg_iovlen = 1;
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      ssize_t bytes = recvmsg(fd, &message, 0);
      if (bytes < 0) return;
      std::int64_t arrived_ns = wall_ns();
      for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
           item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_TIMESTAMPNS) {
          timespec stamp{};
          std::memcpy(&stamp, CMSG_DATA(item), sizeof(stamp));
          arrived_ns = stamp.tv_sec * 1'000'000'000LL + stamp.tv_nsec;
        }
      }
      record(packet.data(), static_cast<std::size_t>(bytes), arrived_ns);
    }
  }

  void record(const char* packet, std::size_t bytes, std::int64_t arrived_ns) {
    if (bytes < sizeof(iphdr)) return;
    std::size_t header = static_cast<std::size_t>(static_cast<unsigned char>(packet[0]) & 0x0f) * 4;
    if (bytes < header + sizeof(Echo)) return;
    Echo echo{};
    std::memcpy(&echo, packet + header, sizeof(echo));
    std::size_t n = sockets_.size();
    if (echo.header.type != ICMP_ECHOREPLY || echo.probe.mark != kMark || echo.probe.from >= n ||
        echo.probe.to >= n)
      return;
    --missing_;
    samples_[echo.probe.from * n + echo.probe.to].push_back(arrived_ns - echo.probe.sent_ns);
  }

  forming::RttMatrix medians() {
    std::size_t n = sockets_.size();
    forming::RttMatrix matrix(n);
    for (std::size_t from = 0; from < n; ++from) {
      matrix.set_directed_us(from, from, 0);
      for (std::size_t to = 0; to < n; ++to) {
        auto& samples = samples_[from * n + to];
        if (from == to || samples.empty()) continue;
        auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
        std::nth_element(samples.begin(), middle, samples.end());
        std::int64_t us =
            std::clamp<std::int64_t>((*middle + 500) / 1000, 1, forming::kUnknownRttUs - 1);
        matrix.set_directed_us(from, to, static_cast<std::uint32_t>(us));
      }
    }
    return matrix;
  }

  static constexpr std::uint16_t kMark = 0x5645;
  std::vector<int> sockets_;
  std::vector<in_addr> addresses_;
  std::vector<pollfd> polls_;
  std::vector<std::vector<std::int64_t>> samples_;
  std::int64_t missing_ = 0;
};

}  // namespace

Result<forming::RttMatrix> ping(const std::string& name, const std::vector<std::string>& hosts,
                                int count) {
  auto state = load(name);
  if (!state) return state.error();
  std::vector<int> sockets;
  std::vector<in_addr> addresses;
  for (const std::string& wanted : hosts) {
    auto at = std::find_if(state->hosts.begin(), state->hosts.end(),
                           [&](const Host& host) { return host.name == wanted; });
    if (at == state->hosts.end())
      return Error{ErrorCode::kNotFound, fmt::format("there is no host '{}'", wanted)};
    auto fd = open_socket(at->init.pid);
    if (!fd) {
      for (int opened : sockets) close(opened);
      return fd.error();
    }
    sockets.push_back(*fd);
    in_addr address{};
    inet_pton(AF_INET, at->address.c_str(), &address);
    addresses.push_back(address);
  }
  return Measurement(std::move(sockets), std::move(addresses)).run(count);
}

}  // namespace vesc::wan
