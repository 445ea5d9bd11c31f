// SPDX-License-Identifier: MIT
#include "relay.hpp"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <ctime>
#include <memory>
#include <queue>
#include <random>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vesc::wan {
namespace {

constexpr std::size_t kPacketBytesMax = 2048;  // the devices' MTU is 1500
constexpr std::size_t kPacketsMax = 131'072;   // held at once, 256 MiB; one more is dropped
constexpr std::size_t kChunk = 1024;           // packets allocated together
constexpr std::size_t kCommandBytesMax = 4096;
constexpr unsigned char kNet0 = 10, kNet1 = 77;

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

// Lateness in buckets a factor of 2^(1/4) apart, from 1 us.
class Histogram {
 public:
  void add(std::int64_t ns) {
    double us = std::max(1.0, static_cast<double>(ns) / 1000);
    auto bucket = static_cast<std::size_t>(std::log2(us) * 4);
    ++counts_[std::min(bucket, counts_.size() - 1)];
    ++total_;
  }
  double quantile_us(double share) const {
    auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return std::exp2(static_cast<double>(i + 1) / 4);
    }
    return 0;
  }

 private:
  std::array<std::uint64_t, 100> counts_{};
  std::uint64_t total_ = 0;
};

struct Held {
  std::int64_t due_ns;
  std::uint64_t order;  // first in, first out among equal times
  std::uint32_t packet;
  std::uint16_t to;
  std::uint16_t bytes;
  bool operator>(const Held& other) const {
    return due_ns != other.due_ns ? due_ns > other.due_ns : order > other.order;
  }
};

class Packets {
 public:
  using Bytes = std::array<unsigned char, kPacketBytesMax>;
  // Nothing if all are in use.
  bool take(std::uint32_t& index) {
    if (free_.empty()) {
      if (chunks_.size() * kChunk >= kPacketsMax) return false;
      chunks_.push_back(std::make_unique<std::array<Bytes, kChunk>>());
      auto first = static_cast<std::uint32_t>((chunks_.size() - 1) * kChunk);
      for (std::uint32_t i = kChunk; i > 0; --i) free_.push_back(first + i - 1);
    }
    index = free_.back();
    free_.pop_back();
    return true;
  }
  void give_back(std::uint32_t index) { free_.push_back(index); }
  Bytes& at(std::uint32_t index) { return (*chunks_[index / kChunk])[index % kChunk]; }

 private:
  std::vector<std::unique_ptr<std::array<Bytes, kChunk>>> chunks_;
  std::vector<std::uint32_t> free_;
};

class Relay {
 public:
  Relay(const RelayPlan& plan, Links& links) : plan_(plan), links_(links), random_(plan.seed) {}

  Error run() {
    poll_fd_ = epoll_create1(EPOLL_CLOEXEC);
    timer_fd_ = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    for (std::size_t i = 0; i < plan_.devices.size(); ++i) watch(plan_.devices[i], i);
    watch(timer_fd_, kTimer);
    watch(plan_.control_fd, kControl);
    if (plan_.end_fd >= 0) watch(plan_.end_fd, kEnd);
    std::array<epoll_event, 64> events{};
    for (;;) {
      int count = epoll_wait(poll_fd_, events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) return system_error("epoll_wait", errno);
      for (int i = 0; i < count; ++i) {
        std::uint64_t what = events[static_cast<std::size_t>(i)].data.u64;
        if (what == kEnd) return {ErrorCode::kUnavailable, "its owner has ended"};
        if (what == kTimer)
          clear_timer();
        else if (what == kControl)
          serve();
        else
          read_device(what);
      }
      send_due();
      arm_timer();
    }
  }

 private:
  static constexpr std::uint64_t kTimer = ~0ull, kControl = ~1ull, kEnd = ~2ull;

  void watch(int fd, std::uint64_t what) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = what;
    epoll_ctl(poll_fd_, EPOLL_CTL_ADD, fd, &event);
  }

  void clear_timer() {
    std::uint64_t expirations = 0;
    [[maybe_unused]] ssize_t got = read(timer_fd_, &expirations, sizeof(expirations));
    armed_ns_ = 0;
  }

  // At most so many packets a wake-up from one device, so that sending is not late for it.
  void read_device(std::size_t from) {
    constexpr int kBatch = 64;
    for (int i = 0; i < kBatch; ++i) {
      std::uint32_t index = 0;
      unsigned char spill[kPacketBytesMax];
      bool room = packets_.take(index);
      unsigned char* to_bytes = room ? packets_.at(index).data() : spill;
      ssize_t bytes = read(plan_.devices[from], to_bytes, kPacketBytesMax);
      if (bytes <= 0) {
        if (room) packets_.give_back(index);
        return;
      }
      if (!room) {
        ++dropped_;
        continue;
      }
      accept(from, index, static_cast<std::size_t>(bytes));
    }
  }

  void accept(std::size_t from, std::uint32_t index, std::size_t bytes) {
    int to = destination_of(packets_.at(index).data(), bytes, plan_.devices.size());
    std::optional<std::int64_t> due;
    if (to >= 0) due = links_.send(from, static_cast<std::size_t>(to), bytes, now_ns(), random_());
    if (!due) {
      if (to >= 0) ++dropped_;  // others are the kernel's own multicast chatter
      packets_.give_back(index);
      return;
    }
    held_.push(
        {*due, order_++, index, static_cast<std::uint16_t>(to), static_cast<std::uint16_t>(bytes)});
  }

  void send_due() {
    std::int64_t now = now_ns();
    while (!held_.empty() && held_.top().due_ns <= now) {
      const Held& next = held_.top();
      ssize_t sent = write(plan_.devices[next.to], packets_.at(next.packet).data(), next.bytes);
      if (sent < 0)
        ++dropped_;
      else
        ++sent_;
      lateness_.add(now - next.due_ns);
      packets_.give_back(next.packet);
      held_.pop();
    }
  }

  void arm_timer() {
    std::int64_t due = held_.empty() ? 0 : held_.top().due_ns;
    if (due == 0 || due == armed_ns_) return;
    itimerspec at{};
    at.it_value.tv_sec = due / 1'000'000'000;
    at.it_value.tv_nsec = due % 1'000'000'000;
    timerfd_settime(timer_fd_, TFD_TIMER_ABSTIME, &at, nullptr);
    armed_ns_ = due;
  }

  // One command a connection: a line of JSON in, a line of JSON out.
  void serve() {
    int fd = accept4(plan_.control_fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    timeval limit{0, 200'000};  // a client that is slow to speak does not hold the network up
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    std::string text(kCommandBytesMax, '\0');
    ssize_t got = recv(fd, text.data(), text.size(), 0);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    std::string answer = obey(nlohmann::json::parse(text, nullptr, false)).dump() + "\n";
    std::size_t at = 0;
    while (at < answer.size()) {
      ssize_t put = ::send(fd, answer.data() + at, answer.size() - at, MSG_NOSIGNAL);
      if (put <= 0) break;
      at += static_cast<std::size_t>(put);
    }
    close(fd);
  }

  nlohmann::json obey(const nlohmann::json& command) {
    if (!command.is_object()) return {{"error", "not a command"}};
    std::string what = command.value("command", "");
    if (what == "statistics") {
      return {{"packets", sent_},
              {"dropped", dropped_},
              {"late_us_p50", lateness_.quantile_us(0.5)},
              {"late_us_p99", lateness_.quantile_us(0.99)}};
    }
    if (what == "delays") {
      nlohmann::json rows = nlohmann::json::array();
      for (std::size_t from = 0; from < links_.size(); ++from) {
        nlohmann::json row = nlohmann::json::array();
        for (std::size_t to = 0; to < links_.size(); ++to)
          row.push_back(links_.delay_ns(from, to).value_or(-1));
        rows.push_back(std::move(row));
      }
      return {{"delays_ns", rows}};
    }
    if (what == "link") return change(command);
    return {{"error", "unknown command"}};
  }

  nlohmann::json change(const nlohmann::json& command) {
    std::array<std::size_t, 2> ends{};
    for (std::size_t i = 0; i < 2; ++i) {
      std::string name = command.value(i == 0 ? "from" : "to", "");
      auto at = std::find(plan_.names.begin(), plan_.names.end(), name);
      if (at == plan_.names.end()) return {{"error", fmt::format("there is no host '{}'", name)}};
      ends[i] = static_cast<std::size_t>(at - plan_.names.begin());
    }
    if (ends[0] == ends[1]) return {{"error", "a host has no link to itself"}};
    int directions = command.value("both_ways", true) ? 2 : 1;
    for (int direction = 0; direction < directions; ++direction) {
      std::size_t from = ends[direction == 0 ? 0 : 1], to = ends[direction == 0 ? 1 : 0];
      std::string kind = command.value("kind", "");
      double value = command.value("value", 0.0);
      if (kind == "cut")
        links_.cut(from, to);
      else if (kind == "restore")
        links_.restore(from, to);
      else if (kind == "scale")
        links_.scale(from, to, value);
      else if (kind == "rtt")
        links_.set_delay_ns(from, to, static_cast<std::int64_t>(value * 5e5));
      else
        return {{"error", "unknown kind of change"}};
    }
    return {{"done", true}};
  }

  const RelayPlan& plan_;
  Links& links_;
  std::mt19937_64 random_;
  int poll_fd_ = -1, timer_fd_ = -1;
  std::int64_t armed_ns_ = 0;
  std::priority_queue<Held, std::vector<Held>, std::greater<>> held_;
  Packets packets_;
  std::uint64_t order_ = 0, sent_ = 0, dropped_ = 0;
  Histogram lateness_;
};

// Busy MPI ranks must not make the network late. Without the right the network still works.
void take_priority() {
  sched_param parameter{};
  parameter.sched_priority = 10;
  sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameter);
  mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

}  // namespace

int destination_of(const unsigned char* packet, std::size_t bytes, std::size_t hosts) {
  if (bytes < 20 || packet[0] >> 4 != 4) return -1;
  if (packet[16] != kNet0 || packet[17] != kNet1) return -1;
  std::size_t number = std::size_t{packet[18]} * 256 + packet[19];
  if (number == 0 || number > hosts) return -1;
  return static_cast<int>(number - 1);
}

std::string address_of(std::size_t host) {
  std::size_t number = host + 1;
  return fmt::format("{}.{}.{}.{}", kNet0, kNet1, number / 256, number % 256);
}

Error run_relay(const RelayPlan& plan, Links& links) {
  take_priority();
  return Relay(plan, links).run();
}

}  // namespace vesc::wan
