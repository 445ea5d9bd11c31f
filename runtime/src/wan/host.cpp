// SPDX-License-Identifier: MIT
#include "host.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
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

#include "vesc/wan/wan.hpp"

namespace vesc::wan {
namespace {

constexpr int kMtuBytes = 1500;
constexpr int kQueuePackets = 10'000;  // a full TCP window must fit while the relay is busy

std::string failed(const std::string& what) {
  return system_error(what, errno).message;
}

bool bind_mount(const std::string& from, const std::string& to, unsigned long extra = 0) {
  return mount(from.c_str(), to.c_str(), nullptr, MS_BIND | extra, nullptr) == 0;
}

// /sys shows the network devices of the namespace that mounted it: the machine's own view would
// make UCX and hwloc see devices that are not there. The cgroup tree is bound back below it, for
// slurmd stops without it.
std::string mount_sysfs() {
  int cgroups = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
  std::string from = "/proc/self/fd/" + std::to_string(cgroups);
  if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return failed("mount /sys");
  }
  if (cgroups >= 0) {
    bind_mount(from, "/sys/fs/cgroup", MS_REC);
    close(cgroups);
  }
  return "";
}

std::string mount_run(const HostPlan& plan) {
  int keep = open(plan.wan_directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (keep < 0) return failed("open " + plan.wan_directory);
  if (mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0)
    return failed("mount /run");
  for (std::size_t at = plan.wan_directory.find('/', 1); at != std::string::npos;
       at = plan.wan_directory.find('/', at + 1)) {
    mkdir(plan.wan_directory.substr(0, at).c_str(), 0755);
  }
  mkdir(plan.wan_directory.c_str(), 0755);
  mkdir("/run/lock", 01777);
  bool bound = bind_mount("/proc/self/fd/" + std::to_string(keep), plan.wan_directory, MS_REC);
  close(keep);
  return bound ? "" : failed("bind " + plan.wan_directory);
}

std::string prepare(const HostPlan& plan) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return failed("make mounts private");
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
    return failed("mount /proc");
  if (std::string problem = mount_sysfs(); !problem.empty()) return problem;
  if (std::string problem = mount_run(plan); !problem.empty()) return problem;
  if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0)
    return failed("mount /tmp");
  if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0)
    return failed("mount /dev/shm");
  if (access("/etc/hosts", F_OK) != 0) {
    return "this machine has no /etc/hosts to put the hosts' own in place of. Make one: touch "
           "/etc/hosts";
  }
  if (!bind_mount(plan.hosts_file, "/etc/hosts")) return failed("bind /etc/hosts");
  if (access("/etc/hostname", F_OK) == 0 &&
      !bind_mount(plan.private_directory + "/hostname", "/etc/hostname")) {
    return failed("bind /etc/hostname");
  }
  // Who asks whether two processes share a machine (UCX, PMIx, Open MPI) looks at these.
  if (!bind_mount(plan.private_directory + "/boot_id", "/proc/sys/kernel/random/boot_id"))
    return failed("bind boot_id");
  if (access("/etc/machine-id", F_OK) == 0)
    bind_mount(plan.private_directory + "/machine_id", "/etc/machine-id");
  if (sethostname(plan.name.c_str(), plan.name.size()) != 0) return failed("set the host name");
  return "";
}

bool interface_flags_up(int socket_fd, const char* device) {
  ifreq request{};
  std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
  if (ioctl(socket_fd, SIOCGIFFLAGS, &request) != 0) return false;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
  return ioctl(socket_fd, SIOCSIFFLAGS, &request) == 0;
}

[[noreturn]] void host_main(const HostPlan& plan, int report_fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NAME, "vesc-host");
  (void)parent;
  setsid();
  std::string problem = prepare(plan);
  int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (problem.empty() && !interface_flags_up(socket_fd, "lo")) problem = failed("bring lo up");
  int null = open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  ssize_t written = write(report_fd, problem.c_str(), problem.size());
  close(report_fd);
  syscall(SYS_close_range, 3u, ~0u, 0u);
  if (!problem.empty() || written < 0) _exit(1);
  // The first process of a PID namespace must collect its orphans.
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, nullptr);
  for (;;) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    sigwaitinfo(&child, nullptr);
  }
}

std::string configure(const std::string& address) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  auto ask = [&](unsigned long what, ifreq& request) {
    std::strncpy(request.ifr_name, kDevice, IFNAMSIZ - 1);
    return ioctl(fd, what, &request) == 0;
  };
  auto with_address = [](const char* text) {
    ifreq request{};
    sockaddr_in in{};
    in.sin_family = AF_INET;
    inet_pton(AF_INET, text, &in.sin_addr);
    std::memcpy(&request.ifr_addr, &in, sizeof(in));
    return request;
  };
  ifreq host = with_address(address.c_str());
  ifreq mask = with_address("255.255.0.0");
  ifreq mtu{};
  mtu.ifr_mtu = kMtuBytes;
  ifreq queue{};
  queue.ifr_qlen = kQueuePackets;
  bool done = ask(SIOCSIFADDR, host) && ask(SIOCSIFNETMASK, mask) && ask(SIOCSIFMTU, mtu) &&
              ask(SIOCSIFTXQLEN, queue) && interface_flags_up(fd, kDevice);
  std::string problem = done ? "" : failed("configure wan0");
  close(fd);
  return problem;
}

}  // namespace

Result<pid_t> start_host(const HostPlan& plan) {
  std::array<int, 2> report{};
  if (pipe2(report.data(), O_CLOEXEC) != 0) return system_error("cannot make a pipe", errno);
  pid_t self = getpid();
  int kinds = CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;
  long pid = syscall(SYS_clone, kinds | SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (pid < 0) return system_error("cannot make the namespaces of host " + plan.name, errno);
  if (pid == 0) host_main(plan, report[1], self);
  close(report[1]);
  std::string problem;
  std::array<char, 512> text{};
  ssize_t length = 0;
  while ((length = read(report[0], text.data(), text.size())) > 0)
    problem.append(text.data(), static_cast<std::size_t>(length));
  close(report[0]);
  if (!problem.empty()) {
    return Error{ErrorCode::kSystem, "cannot prepare host " + plan.name + ": " + problem};
  }
  return static_cast<pid_t>(pid);
}

Result<int> open_device(pid_t pid, const std::string& address) {
  int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int theirs = open(("/proc/" + std::to_string(pid) + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
  if (own < 0 || theirs < 0 || setns(theirs, CLONE_NEWNET) != 0) {
    return system_error("cannot enter a host's network", errno);
  }
  std::string problem;
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) {
    problem = failed("open /dev/net/tun (is the kernel's tun module there?)");
  } else {
    ifreq request{};
    std::strncpy(request.ifr_name, kDevice, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    problem = ioctl(device, TUNSETIFF, &request) != 0 ? failed("make wan0") : configure(address);
    // Long fat pipes: a connection that paused keeps its window, as an HPC site sets it.
    int knob = open("/proc/sys/net/ipv4/tcp_slow_start_after_idle", O_WRONLY | O_CLOEXEC);
    if (knob >= 0) {
      [[maybe_unused]] ssize_t written = write(knob, "0", 1);
      close(knob);
    }
  }
  [[maybe_unused]] int back = setns(own, CLONE_NEWNET);
  close(own);
  close(theirs);
  if (!problem.empty()) {
    if (device >= 0) close(device);
    return Error{ErrorCode::kSystem, problem};
  }
  return device;
}

}  // namespace vesc::wan
