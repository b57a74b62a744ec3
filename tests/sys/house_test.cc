// The rules of the house that a compiler cannot check, read from the sources themselves.
#include "base/text.h"
#include "sys/file.h"

#include <gtest/gtest.h>

#include <cctype>
#include <regex>
#include <set>

namespace berth {
namespace {

std::vector<std::string> sources_in(const std::string& folder) {
  std::vector<std::string> sources;
  std::string root = std::string(BERTH_SOURCE_DIR) + "/" + folder;
  std::vector<std::string> names = sys::list_directory(root).value();
  for (const std::string& name : names) {
    if (name.ends_with(".cc") || name.ends_with(".h")) sources.push_back(root + "/" + name);
  }
  return sources;
}

void expect_nowhere(const std::vector<std::string>& folders, const std::string& pattern) {
  std::regex forbidden(pattern);
  for (const std::string& folder : folders) {
    for (const std::string& path : sources_in(folder)) {
      int number = 0;
      for (const std::string& line : split(sys::read_file(path, 1 << 22).value(), '\n')) {
        ++number;
        if (line.find("//") != std::string::npos) continue;
        EXPECT_FALSE(std::regex_search(line, forbidden)) << path << ":" << number << ": " << line;
      }
    }
  }
}

const std::vector<std::string> kAll = {
    "base",  "sys", "http",     "runtime",   "aws",     "image", "logs",  "metrics", "secrets",
    "netns", "dns", "resolver", "scheduler", "scaling", "api",   "agent", "tools"};
const std::vector<std::string> kAboveSys = {
    "base",  "http", "runtime",  "aws",       "image",   "logs", "metrics", "secrets",
    "netns", "dns",  "resolver", "scheduler", "scaling", "api",  "agent",   "tools"};

TEST(House, OnlySysReadsClocksAndDrawsRandomNumbers) {
  expect_nowhere(kAboveSys,
                 "(steady_clock|system_clock)::now|clock_gettime\\(|gettimeofday\\(|random_device|"
                 "getrandom\\(|\\bsleep_for\\b|\\busleep\\(|\\bnanosleep\\(|[^_]\\bsleep\\(");
}

// Between clone3 and execve nothing may allocate, so that side has calls of its own.
const std::set<std::string> kChildSide = {"runtime/child.cc",           "runtime/child.h",
                                          "runtime/console.cc",         "runtime/enter.cc",
                                          "runtime/container_hooks.cc", "runtime/init.cc",
                                          "runtime/pid_namespace.cc",   "runtime/program.cc",
                                          "runtime/security_label.cc"};

// Those that code of ours has reason to make.
const std::set<std::string> kSystemCalls = {
    "_exit",         "accept",        "accept4",    "access",
    "bind",          "chdir",         "chmod",      "chown",
    "chroot",        "clone",         "close",      "close_range",
    "connect",       "creat",         "dup",        "dup2",
    "dup3",          "epoll_create1", "epoll_ctl",  "epoll_wait",
    "execv",         "execve",        "faccessat",  "fchdir",
    "fchmod",        "fchown",        "fchownat",   "fcntl",
    "flock",         "fork",          "fstat",      "fstatat",
    "fstatfs",       "fsync",         "ftruncate",  "getegid",
    "geteuid",       "getgid",        "getpid",     "getppid",
    "getrlimit",     "getsockopt",    "getuid",     "inotify_add_watch",
    "inotify_init1", "ioctl",         "kill",       "lchown",
    "link",          "listen",        "lseek",      "lstat",
    "memfd_create",  "mkdir",         "mkdirat",    "mknodat",
    "mmap",          "mount",         "munmap",     "open",
    "openat",        "pipe",          "pipe2",      "poll",
    "ppoll",         "prctl",         "pread",      "prlimit",
    "pwrite",        "read",          "readlink",   "readv",
    "realpath",      "recv",          "recvfrom",   "recvmsg",
    "rename",        "renameat2",     "rmdir",      "sched_setaffinity",
    "send",          "sendmsg",       "sendto",     "setns",
    "setrlimit",     "setsid",        "setsockopt", "sigaction",
    "signalfd",      "sigprocmask",   "socket",     "socketpair",
    "stat",          "statfs",        "statx",      "symlink",
    "symlinkat",     "syscall",       "umask",      "umount2",
    "unlink",        "unlinkat",      "unshare",    "vfork",
    "wait4",         "waitid",        "waitpid",    "write",
    "writev"};

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The first system call in a line, as ours are written: "::read(". Not by a regular expression,
// which takes seconds for it.
std::string system_call_in(const std::string& line) {
  if (line.find("//") != std::string::npos) return "";
  for (size_t at = line.find("::"); at != std::string::npos; at = line.find("::", at + 2)) {
    if (at > 0 && (is_name(line[at - 1]) || line[at - 1] == '>')) continue;
    size_t end = at + 2;
    while (end < line.size() && is_name(line[end])) ++end;
    std::string name = line.substr(at + 2, end - at - 2);
    if (end < line.size() && line[end] == '(' && kSystemCalls.count(name) != 0) return name;
  }
  return "";
}

TEST(House, OnlySysMakesSystemCalls) {
  EXPECT_EQ(system_call_in("  long got = ::read(fd, buffer, size);"), "read");
  EXPECT_EQ(system_call_in("Result<Store> Store::open(path) {"), "");
  std::vector<std::string> folders = kAboveSys;
  folders.emplace_back("tools/oci");
  for (const std::string& folder : folders) {
    for (const std::string& path : sources_in(folder)) {
      if (kChildSide.count(folder + path.substr(path.rfind('/'))) != 0) continue;
      int number = 0;
      for (const std::string& line : split(sys::read_file(path, 1 << 22).value(), '\n')) {
        ++number;
        EXPECT_EQ(system_call_in(line), "") << path << ":" << number << ": " << line;
      }
    }
  }
}

TEST(House, IncludesGoByFolder) {
  expect_nowhere(kAll, "#include \"\\.\\./");
}

TEST(House, HeavyHeadersStayOutOfHeaders) {
  std::regex heavy("#include <(nlohmann/json\\.hpp|CLI/|boost/|sqlite3\\.h|curl/)");
  for (const std::string& folder : kAll) {
    for (const std::string& path : sources_in(folder)) {
      if (!path.ends_with(".h")) continue;
      EXPECT_FALSE(std::regex_search(sys::read_file(path, 1 << 22).value(), heavy)) << path;
    }
  }
}

TEST(House, NoShellIsEverStarted) {
  expect_nowhere(kAll, "\\bpopen\\(|[^_]\\bsystem\\(|\"/bin/sh\"");
}

}  // namespace
}  // namespace berth
