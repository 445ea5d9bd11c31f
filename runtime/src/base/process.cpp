// SPDX-License-Identifier: MIT
#include "vesc/base/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace vesc {
namespace {

using Clock = std::chrono::steady_clock;

struct Stat {
  char state = 0;
  std::uint64_t start_ticks = 0;
};

// Fields 3 and 22 of /proc/PID/stat; the command name in field 2 may hold anything, so count from
// its closing parenthesis.
Stat read_stat(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  std::size_t close = text.rfind(')');
  Stat stat;
  if (close == std::string::npos) return stat;
  std::istringstream fields(text.substr(close + 1));
  std::string skipped;
  fields >> stat.state;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  fields >> stat.start_ticks;
  return stat;
}

int open_pid(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

[[noreturn]] void run_child(const std::vector<std::string>& argv, const SpawnOptions& options) {
  auto give_up = [&](const char* what) {
    dprintf(2, "%s: %s: %s\n", argv[0].c_str(), what, strerrordesc_np(errno));
    _exit(126);
  };
  if (options.stdin_fd >= 0) dup2(options.stdin_fd, 0);
  if (options.stdout_fd >= 0) dup2(options.stdout_fd, 1);
  if (options.stderr_fd >= 0) dup2(options.stderr_fd, 2);
  if (options.uid != 0 || options.gid != 0) {
    if (setgroups(0, nullptr) != 0 || setgid(options.gid) != 0 || setuid(options.uid) != 0) {
      give_up("cannot become the user");
    }
  }
  // Changing the user clears it, so it is set here, for a parent that is already gone too.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!options.directory.empty() && chdir(options.directory.c_str()) != 0) {
    give_up("cannot enter its working directory");
  }
  signal(SIGPIPE, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::vector<char*> environment;
  for (const std::string& line : options.environment) {
    environment.push_back(const_cast<char*>(line.c_str()));
  }
  environment.push_back(nullptr);
  if (options.environment.empty())
    execvp(words[0], words.data());
  else
    execvpe(words[0], words.data(), environment.data());
  dprintf(2, "%s: cannot be run: %s\n", argv[0].c_str(), strerrordesc_np(errno));
  _exit(127);
}

// A process between us and a child in other namespaces: it joins them, forks the command there,
// and passes the command's end on as its own.
[[noreturn]] void run_relayed(const std::vector<std::string>& argv, const SpawnOptions& options) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int handle = open_pid(options.namespaces_of);
  int kinds = CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID;
  if (handle < 0 || setns(handle, kinds) != 0) {
    dprintf(2, "%s: cannot enter the host: %s\n", argv[0].c_str(), strerrordesc_np(errno));
    _exit(126);
  }
  close(handle);
  pid_t child = fork();
  if (child == 0) run_child(argv, options);
  if (child < 0) _exit(126);
  signal(SIGINT, SIG_IGN);  // a terminal's Ctrl-C reaches the command itself
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

double seconds_left(Clock::time_point deadline) {
  return std::chrono::duration<double>(deadline - Clock::now()).count();
}

}  // namespace

ProcessId identify(pid_t pid) {
  return {pid, read_stat(pid).start_ticks};
}

bool alive(const ProcessId& id) {
  if (id.pid <= 0) return false;
  Stat stat = read_stat(id.pid);
  return stat.start_ticks == id.start_ticks && stat.state != 0 && stat.state != 'Z' &&
         stat.state != 'X';
}

void kill_and_wait(const ProcessId& id) {
  int handle = open_pid(id.pid);
  if (handle < 0) return;
  if (alive(id)) {
    syscall(SYS_pidfd_send_signal, handle, SIGKILL, nullptr, 0);
    pollfd gone{handle, POLLIN, 0};
    poll(&gone, 1, 5000);
  }
  close(handle);
}

Result<pid_t> spawn(const std::vector<std::string>& argv, const SpawnOptions& options) {
  assert(!argv.empty());
  pid_t child = fork();
  if (child < 0) return system_error("cannot start " + argv[0], errno);
  if (child == 0) {
    if (options.namespaces_of != 0) run_relayed(argv, options);
    run_child(argv, options);
  }
  return child;
}

Result<int> wait_for(pid_t child, double timeout_s) {
  if (timeout_s > 0) {
    int handle = open_pid(child);
    auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                       std::chrono::duration<double>(timeout_s));
    pollfd gone{handle, POLLIN, 0};
    int ready = 0;
    do {
      double left = seconds_left(deadline);
      ready = handle < 0 ? 1 : poll(&gone, 1, left > 0 ? static_cast<int>(left * 1000) + 1 : 0);
    } while (ready < 0 && errno == EINTR);
    if (handle >= 0) close(handle);
    if (ready == 0) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
      return Error{ErrorCode::kTimeout, fmt::format("it did not end within {} s", timeout_s)};
    }
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_error("cannot wait for a child", errno);
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Result<Output> capture(const std::vector<std::string>& argv, SpawnOptions options,
                       double timeout_s) {
  std::array<std::array<int, 2>, 2> pipes{};
  for (auto& ends : pipes) {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  }
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  options.stdin_fd = null;
  options.stdout_fd = pipes[0][1];
  options.stderr_fd = pipes[1][1];
  auto child = spawn(argv, options);
  close(null);
  close(pipes[0][1]);
  close(pipes[1][1]);
  Output output;
  std::array<std::string*, 2> streams = {&output.text, &output.errors};
  auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(timeout_s));
  std::array<pollfd, 2> waiting = {{{pipes[0][0], POLLIN, 0}, {pipes[1][0], POLLIN, 0}}};
  bool late = false;
  std::array<char, 16384> buffer{};
  while (child.ok() && (waiting[0].fd >= 0 || waiting[1].fd >= 0)) {
    double left = seconds_left(deadline);
    if (timeout_s > 0 && left <= 0) {
      late = true;
      break;
    }
    poll(waiting.data(), waiting.size(), timeout_s > 0 ? static_cast<int>(left * 1000) + 1 : -1);
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      ssize_t got = read(waiting[i].fd, buffer.data(), buffer.size());
      if (got <= 0)
        waiting[i].fd = -1;
      else if (streams[i]->size() + static_cast<std::size_t>(got) <= kOutputBytesMax) {
        streams[i]->append(buffer.data(), static_cast<std::size_t>(got));
      }
    }
  }
  close(pipes[0][0]);
  close(pipes[1][0]);
  if (!child) return child.error();
  std::string command = fmt::format("{}", argv[0]);
  if (late) {
    kill(*child, SIGKILL);
    waitpid(*child, nullptr, 0);
    return Error{ErrorCode::kTimeout,
                 fmt::format("'{}' did not end within {} s", command, timeout_s)};
  }
  auto code = wait_for(*child, 10);
  if (!code)
    return Error{code.error().code, fmt::format("'{}': {}", command, code.error().message)};
  output.exit_code = *code;
  return output;
}

}  // namespace vesc
