// SPDX-License-Identifier: MIT
#include "keeper.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/format.h>

namespace vesc::realm {
namespace {

// A daemon that ends is started again after this long, and after twice that each time it ends
// within ten seconds, up to the largest.
constexpr int kRestartMs = 500;
constexpr int kRestartMsMax = 16'000;
constexpr int kReadyWaitMs = 10'000;
const std::string kReady = "ready";

void sleep_ms(int ms) {
  timespec pause{ms / 1000, (ms % 1000) * 1'000'000L};
  nanosleep(&pause, nullptr);
}

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

struct Running {
  pid_t pid = -1;
  std::int64_t started_ms = 0;
  std::int64_t start_at_ms = 0;  // when pid is -1
  int pause_ms = kRestartMs;
};

class Keeper {
 public:
  explicit Keeper(const KeeperPlan& plan) : plan_(plan), running_(plan.daemons.size()) {}

  // Everything that can fail for a reason outside; empty when done.
  std::string prepare() {
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return failed("make mounts private");
    if (mount("proc", "/proc", "proc", 0, nullptr) != 0) return failed("mount /proc");
    for (const auto& [from, to] : plan_.binds) {
      if (mount(from.c_str(), to.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
        return failed("bind " + from + " to " + to);
      }
    }
    for (const auto& [path, owner] : plan_.run_directories) {
      if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return failed("make " + path);
      if (chown(path.c_str(), owner, static_cast<gid_t>(-1)) != 0) return failed("chown " + path);
    }
    int log = open((plan_.log_directory + "/keeper-" + plan_.host + ".log").c_str(),
                   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) return failed("open the keeper's log");
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    return "";
  }

  [[noreturn]] void run() {
    for (std::size_t i = 0; i < plan_.daemons.size(); ++i) {
      start(i);
      wait_until_ready(plan_.daemons[i]);
    }
    for (;;) {
      collect(200);
      for (std::size_t i = 0; i < running_.size(); ++i) {
        if (running_[i].pid < 0 && now_ms() >= running_[i].start_at_ms) start(i);
      }
    }
  }

 private:
  static std::string failed(const std::string& what) { return system_error(what, errno).message; }

  void say(const std::string& text) {
    std::array<char, 32> stamp{};
    std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::strftime(stamp.data(), stamp.size(), "%FT%TZ", &parts);
    dprintf(2, "%s %s\n", stamp.data(), text.c_str());
  }

  void wait_until_ready(const Daemon& daemon) {
    if (daemon.ready_path.empty()) return;
    for (int waited = 0; waited < kReadyWaitMs; waited += 20) {
      if (access(daemon.ready_path.c_str(), F_OK) == 0) return;
      collect(20);
    }
    say(daemon.name + " did not make " + daemon.ready_path + " in 10 s; going on");
  }

  void start(std::size_t i) {
    const Daemon& daemon = plan_.daemons[i];
    Running& state = running_[i];
    state.started_ms = now_ms();
    state.pid = fork();
    if (state.pid == 0) execute(daemon);
    if (state.pid < 0) {
      say(failed("fork for " + daemon.name));
      state.start_at_ms = now_ms() + state.pause_ms;
      return;
    }
    say(fmt::format("{} started, pid {}", daemon.name, state.pid));
  }

  [[noreturn]] void execute(const Daemon& daemon) {
    setsid();
    int log = open((plan_.log_directory + "/" + daemon.name + ".out").c_str(),
                   O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (log >= 0) {
      dup2(log, 1);
      dup2(log, 2);
      close(log);
    }
    if (daemon.uid != 0 || daemon.gid != 0) {
      if (setgroups(0, nullptr) != 0 || setgid(daemon.gid) != 0 || setuid(daemon.uid) != 0) {
        _exit(126);
      }
    }
    std::vector<char*> argv;
    for (const std::string& word : daemon.argv) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    std::array<const char*, 3> environment = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
        nullptr};
    execvpe(argv[0], argv.data(), const_cast<char**>(environment.data()));
    dprintf(2, "cannot run %s: error %d\n", argv[0], errno);
    _exit(127);
  }

  // Reaps whatever has ended, waiting at most `ms`.
  void collect(int ms) {
    sleep_ms(ms);
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
      for (std::size_t i = 0; i < running_.size(); ++i) {
        if (running_[i].pid == pid) ended(i, status);
      }
    }
  }

  void ended(std::size_t i, int status) {
    Running& state = running_[i];
    bool soon = now_ms() - state.started_ms < 10'000;
    state.pause_ms = soon ? std::min(state.pause_ms * 2, kRestartMsMax) : kRestartMs;
    state.pid = -1;
    state.start_at_ms = now_ms() + state.pause_ms;
    say(fmt::format("{} {} {}; started again in {} ms", plan_.daemons[i].name,
                    WIFSIGNALED(status) ? "was ended by signal" : "ended with code",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), state.pause_ms));
  }

  const KeeperPlan& plan_;
  std::vector<Running> running_;
};

[[noreturn]] void keeper_main(const KeeperPlan& plan, int report_fd) {
  prctl(PR_SET_NAME, "vesc-keeper");
  setsid();
  signal(SIGINT, SIG_DFL);
  signal(SIGHUP, SIG_IGN);
  Keeper keeper(plan);
  std::string problem = keeper.prepare();
  const std::string& answer = problem.empty() ? kReady : problem;
  ssize_t sent = send(report_fd, answer.c_str(), answer.size(), 0);
  // Nothing of the starting process stays open: a pipe held here would keep its reader waiting.
  syscall(SYS_close_range, 3u, ~0u, 0u);
  if (!problem.empty() || sent < 0) _exit(1);
  keeper.run();
}

// Joins every namespace of `pid` (the PID namespace for later children).
bool enter_namespaces(pid_t pid) {
  int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (handle < 0) return false;
  int kinds = CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID;
  bool joined = setns(handle, kinds) == 0;
  close(handle);
  return joined;
}

}  // namespace

Result<pid_t> start_keeper(pid_t host_init_pid, const KeeperPlan& plan) {
  std::array<int, 2> report{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report.data()) != 0) {
    return system_error("cannot make a socket pair", errno);
  }
  int on = 1;
  setsockopt(report[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
  pid_t helper = fork();
  if (helper < 0) return system_error("cannot fork", errno);
  if (helper == 0) {
    auto give_up = [&](const char* what) {
      std::string problem = std::string(what) + ": " + strerrordesc_np(errno);
      [[maybe_unused]] ssize_t sent = send(report[1], problem.c_str(), problem.size(), 0);
      _exit(1);
    };
    // A nested PID namespace can only be made from inside the outer one, so by a child.
    if (!enter_namespaces(host_init_pid)) give_up("enter its namespaces");
    if (fork() != 0) _exit(0);
    long keeper =
        syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, nullptr, nullptr, nullptr, 0);
    if (keeper == 0) keeper_main(plan, report[1]);
    if (keeper < 0) give_up("make the keeper's namespaces");
    _exit(0);
  }
  close(report[1]);
  waitpid(helper, nullptr, 0);
  // The kernel adds the sender's pid, translated to the receiver's namespace.
  std::array<char, 512> text{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control{};
  iovec data{text.data(), text.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = recvmsg(report[0], &message, 0);
  close(report[0]);
  const cmsghdr* item = CMSG_FIRSTHDR(&message);
  std::string said(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  if (said != kReady || item == nullptr || item->cmsg_type != SCM_CREDENTIALS) {
    return Error{ErrorCode::kSystem,
                 "cannot prepare host " + plan.host + ": " + (said.empty() ? "it ended" : said)};
  }
  ucred sender{};
  std::memcpy(&sender, CMSG_DATA(item), sizeof(sender));
  return sender.pid;
}

}  // namespace vesc::realm
