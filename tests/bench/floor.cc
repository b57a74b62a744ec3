// The floor of `run`: what the kernel alone takes to make a container. No configuration is parsed,
// no path is verified, nothing is recorded and no executable protected.
//
//   floor bare ROOTFS PROGRAM [ARGUMENT...]
//     clone3 with every namespace, the root bound and pivoted to, proc mounted, execve.
//   floor full ROOTFS CGROUP FILTER PROGRAM [ARGUMENT...]
//     all that the configuration of oci_vs_crun asks for, in as few system calls as it can be had:
//     the groups of CGROUP with their device rules, the default mounts, devices, links, masks and
//     read-only paths, capabilities dropped, the filter (a file of runtime/seccomp_cache.h) loaded,
//     execve, the groups removed.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

constexpr uint64_t kNamespaces =
    CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET;
constexpr unsigned long kLocked = MS_NOSUID | MS_NOEXEC | MS_NODEV;
constexpr int kUnified = -1;  // the group of a host without v1 controllers

void must(long result, const char* what) {
  if (result >= 0) return;
  std::perror(what);
  std::_Exit(125);
}

[[noreturn]] void run_program(char** arguments) {
  must(::execv(arguments[0], arguments), arguments[0]);
  std::abort();
}

[[noreturn]] void be_bare(const char* rootfs, char** arguments) {
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make / private");
  must(::mount(rootfs, rootfs, nullptr, MS_BIND | MS_REC, nullptr), "bind");
  must(::chdir(rootfs), "chdir");
  must(::mount("proc", "proc", "proc", 0, nullptr), "mount proc");
  must(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(::umount2(".", MNT_DETACH), "umount2");
  run_program(arguments);
}

const char* const kControllers[] = {"cpu", "cpuacct", "memory", "devices", "freezer", "pids"};
const char* const kDevices[] = {"c *:* m",   "b *:* m",   "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm",
                                "c 1:8 rwm", "c 1:9 rwm", "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm"};
struct Node {
  const char* path;
  unsigned major;
  unsigned minor;
};
const Node kNodes[] = {{"dev/null", 1, 3},   {"dev/zero", 1, 5},    {"dev/full", 1, 7},
                       {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0}};
const char* const kLinks[][2] = {
    {"pts/ptmx", "dev/ptmx"},          {"/proc/self/fd", "dev/fd"},
    {"/proc/self/fd/0", "dev/stdin"},  {"/proc/self/fd/1", "dev/stdout"},
    {"/proc/self/fd/2", "dev/stderr"}, {"/proc/kcore", "dev/core"}};
const char* const kMaskedFiles[] = {"proc/kcore",      "proc/keys",        "proc/latency_stats",
                                    "proc/timer_list", "proc/timer_stats", "proc/sched_debug"};
const char* const kMaskedDirectories[] = {"proc/acpi", "proc/asound", "sys/firmware", "proc/scsi"};
const char* const kReadonly[] = {"proc/bus", "proc/fs", "proc/irq", "proc/sys",
                                 "proc/sysrq-trigger"};
// Docker's fourteen.
constexpr uint32_t kCapabilities = 1u << CAP_AUDIT_WRITE | 1u << CAP_CHOWN |
                                   1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID |
                                   1u << CAP_KILL | 1u << CAP_MKNOD | 1u << CAP_NET_BIND_SERVICE |
                                   1u << CAP_NET_RAW | 1u << CAP_SETFCAP | 1u << CAP_SETGID |
                                   1u << CAP_SETPCAP | 1u << CAP_SETUID | 1u << CAP_SYS_CHROOT;

struct Path {
  char text[512];
  Path(const char* controller, const char* group, const char* file = "") {
    std::snprintf(text, sizeof(text), "/sys/fs/cgroup/%s%s%s", controller, group, file);
  }
};

bool is_v1() {
  return ::access("/sys/fs/cgroup/memory/tasks", F_OK) == 0;
}

void write_to(const Path& path, const char* value) {
  int file = ::open(path.text, O_WRONLY | O_CLOEXEC);
  must(file, path.text);
  must(::write(file, value, std::strlen(value)), path.text);
  ::close(file);
}

void make_groups(const char* group, bool v1) {
  if (!v1) {
    must(::mkdir(Path("", group).text, 0755), group);
    return;
  }
  for (const char* controller : kControllers)
    must(::mkdir(Path(controller, group).text, 0755), group);
  write_to(Path("devices", group, "/devices.deny"), "a");
  int allow = ::open(Path("devices", group, "/devices.allow").text, O_WRONLY | O_CLOEXEC);
  for (const char* rule : kDevices) must(::write(allow, rule, std::strlen(rule)), rule);
  ::close(allow);
}

void remove_groups(const char* group, bool v1) {
  if (!v1) {
    must(::rmdir(Path("", group).text), group);
    return;
  }
  for (const char* controller : kControllers) must(::rmdir(Path(controller, group).text), group);
}

void mount_at(const char* type, const char* target, unsigned long flags, const char* data) {
  must(::mount(type, target, type, flags, data), target);
}

void mount_cgroups(bool v1) {
  const char* place = "sys/fs/cgroup";
  if (!v1) {
    mount_at("cgroup2", place, kLocked | MS_RDONLY, nullptr);
    return;
  }
  mount_at("tmpfs", place, kLocked, "mode=755");
  for (const char* controller : kControllers) {
    char target[64];
    std::snprintf(target, sizeof(target), "%s/%s", place, controller);
    must(::mkdir(target, 0755), target);
    mount_at("cgroup", target, kLocked | MS_RDONLY, controller);
  }
  must(::mount(nullptr, place, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kLocked, nullptr),
       place);
}

void mount_all(bool v1) {
  mount_at("proc", "proc", 0, nullptr);
  mount_at("tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k");
  for (const char* directory : {"dev/pts", "dev/shm", "dev/mqueue"}) {
    must(::mkdir(directory, 0755), directory);
  }
  mount_at("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5");
  mount_at("tmpfs", "dev/shm", kLocked, "mode=1777,size=65536k");
  mount_at("mqueue", "dev/mqueue", kLocked, nullptr);
  mount_at("sysfs", "sys", kLocked | MS_RDONLY, nullptr);
  mount_cgroups(v1);
  for (const Node& node : kNodes) {
    must(::mknod(node.path, S_IFCHR | 0666, ::makedev(node.major, node.minor)), node.path);
  }
  for (const auto& link : kLinks) must(::symlink(link[0], link[1]), link[1]);
}

void hide() {
  for (const char* path : kMaskedFiles) {
    if (::mount("/dev/null", path, nullptr, MS_BIND, nullptr) < 0 && errno != ENOENT)
      must(-1, path);
  }
  for (const char* path : kMaskedDirectories) {
    long done = ::mount("tmpfs", path, "tmpfs", MS_RDONLY | kLocked, nullptr);
    if (done < 0 && errno != ENOENT) must(-1, path);
  }
  for (const char* path : kReadonly) {
    if (::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) < 0) {
      if (errno == ENOENT) continue;
      must(-1, path);
    }
    must(::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), path);
  }
}

void drop_privileges() {
  for (int number = 0; number <= CAP_LAST_CAP; ++number) {
    bool keeps = number < 32 && (kCapabilities >> number & 1) != 0;
    if (!keeps) must(::prctl(PR_CAPBSET_DROP, number, 0, 0, 0), "PR_CAPBSET_DROP");
  }
  must(::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS");
  must(::syscall(SYS_setgroups, 0, nullptr), "setgroups");
  must(::syscall(SYS_setresgid, 0, 0, 0), "setresgid");
  must(::syscall(SYS_setresuid, 0, 0, 0), "setresuid");
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2] = {{kCapabilities, kCapabilities, 0}, {0, 0, 0}};
  must(::syscall(SYS_capset, &header, data), "capset");
  must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
}

sock_fprog read_filter(const char* path) {
  struct {
    char magic[16];
    uint32_t instructions;
    uint32_t flags;
  } head;
  static sock_filter filter[4096];
  int file = ::open(path, O_RDONLY | O_CLOEXEC);
  must(file, path);
  must(::read(file, &head, sizeof(head)), path);
  must(::read(file, filter, sizeof(filter)), path);
  ::close(file);
  return {static_cast<unsigned short>(head.instructions), filter};
}

[[noreturn]] void be_full(const char* rootfs, const char* group, bool v1, const sock_fprog& filter,
                          char** arguments) {
  if (v1) {
    for (const char* controller : kControllers) write_to(Path(controller, group, "/tasks"), "0");
  }
  must(::setsid(), "setsid");
  must(::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr), "keyctl");
  must(::unshare(CLONE_NEWCGROUP), "cgroup namespace");
  ::umask(0);
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), "make / a slave");
  must(::mount(rootfs, rootfs, nullptr, MS_BIND | MS_REC, nullptr), "bind");
  must(::chdir(rootfs), "chdir");
  mount_all(v1);
  hide();
  must(::sethostname("floor", 5), "sethostname");
  must(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(::umount2(".", MNT_DETACH), "umount2");
  must(::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr), "read-only /");
  drop_privileges();
  must(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
  run_program(arguments);
}

long clone_with(uint64_t flags, int group) {
  clone_args clone{};
  clone.flags = flags;
  clone.exit_signal = SIGCHLD;
  if (group >= 0) {
    clone.flags |= CLONE_INTO_CGROUP;
    clone.cgroup = static_cast<uint64_t>(group);
  }
  long pid = ::syscall(SYS_clone3, &clone, sizeof clone);
  must(pid, "clone3");
  return pid;
}

int wait_for(long pid) {
  int status = 0;
  must(::waitpid(static_cast<pid_t>(pid), &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}

int bare(char** words) {
  long pid = clone_with(kNamespaces | CLONE_NEWCGROUP, kUnified);
  if (pid == 0) be_bare(words[0], words + 1);
  return wait_for(pid);
}

int full(char** words) {
  const char* group = words[1];
  bool v1 = is_v1();
  sock_fprog filter = read_filter(words[2]);
  make_groups(group, v1);
  int directory = v1 ? kUnified : ::open(Path("", group).text, O_PATH | O_DIRECTORY | O_CLOEXEC);
  long pid = clone_with(kNamespaces, directory);
  if (pid == 0) be_full(words[0], group, v1, filter, words + 3);
  int code = wait_for(pid);
  remove_groups(group, v1);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 4 && std::strcmp(argv[1], "bare") == 0) return bare(argv + 2);
  if (argc >= 6 && std::strcmp(argv[1], "full") == 0) return full(argv + 2);
  std::fputs("usage: floor bare ROOTFS PROGRAM... | floor full ROOTFS CGROUP FILTER PROGRAM...\n",
             stderr);
  return 125;
}
