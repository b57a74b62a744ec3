#include "sys/fork.h"

#include "sys/call.h"

#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace berth::sys {
namespace {

constexpr int kFirstOther = 3;  // descriptors below are the standard streams

void close_between(int first, int last) {
  if (first > last) return;
  (void)::syscall(SYS_close_range, first, last, 0);  // cannot fail for a range like this
}

// Not one stays: a copy of a socket would keep its peer from seeing that we have gone.
void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  int next = kFirstOther;
  for (int fd : kept) {
    close_between(next, fd - 1);
    next = std::max(next, fd + 1);
  }
  (void)::syscall(SYS_close_range, next, ~0U, 0);
}

// For people, and for whoever looks for processes of the program that we were.
void rename_process(const char* name) {
  (void)::prctl(PR_SET_NAME, name);
  // The C library keeps the first argument where the kernel shows it from: its room is all there
  // is.
  size_t room = std::strlen(program_invocation_name);
  std::memset(program_invocation_name, 0, room);
  std::memcpy(program_invocation_name, name, std::min(room, std::strlen(name)));
}

}  // namespace

Result<Process> fork_child(const Fork& fork) {
  auto pid = TRY(call("fork", fork.name, [&] {
    pid_t child = ::fork();
    if (child != 0) return child;
    close_all_but(fork.kept);
    rename_process(fork.name);
    ::_exit(fork.run());
  }));
  Process process;
  process.pid = static_cast<pid_t>(pid);
  process.pidfd = TRY(open_pidfd(process.pid));
  return process;
}

}  // namespace berth::sys
