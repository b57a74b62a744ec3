// container_probe: run inside of a container, makes system calls that a seccomp filter should
// refuse and prints one line for each: its name and what came of it (0 or the name of the error).
//
// Arguments are chosen so that the kernel by itself would answer something else than EPERM, or
// would answer EPERM only to those without a capability: on the host, as root, no line says EPERM.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {

// A child of its own for each call: one that succeeds changes nobody else.
template <class Call>
void probe(const char* name, Call&& call) {
  std::fflush(stdout);
  pid_t child = ::fork();
  if (child == 0) {
    int error = call() < 0 ? errno : 0;
    std::printf("%s %s\n", name, error == 0 ? "0" : ::strerrorname_np(error));
    std::fflush(stdout);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

constexpr int kNoDescriptor = -1;
constexpr int kVsock = 40;

}  // namespace

int main() {
  probe("unshare", [] { return ::unshare(CLONE_NEWUSER); });
  probe("clone", [] {
    long child = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
    if (child == 0) ::_exit(0);
    return child;
  });
  probe("clone3", [] { return ::syscall(SYS_clone3, nullptr, 0); });
  probe("keyctl",
        [] { return ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1); });
  probe("add_key", [] { return ::syscall(SYS_add_key, nullptr, nullptr, nullptr, 0, 0); });
  probe("request_key", [] { return ::syscall(SYS_request_key, nullptr, nullptr, nullptr, 0); });
  probe("bpf", [] { return ::syscall(SYS_bpf, -1, nullptr, 0); });
  probe("perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); });
  probe("userfaultfd", [] { return ::syscall(SYS_userfaultfd, ~0); });
  probe("io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 0, nullptr); });
  probe("setns", [] { return ::setns(kNoDescriptor, 0); });
  probe("open_by_handle_at",
        [] { return ::syscall(SYS_open_by_handle_at, kNoDescriptor, nullptr, 0); });
  probe("mount", [] { return ::syscall(SYS_mount, nullptr, nullptr, nullptr, 0, nullptr); });
  probe("umount2", [] { return ::syscall(SYS_umount2, nullptr, 0); });
  probe("move_mount",
        [] { return ::syscall(SYS_move_mount, kNoDescriptor, "x", kNoDescriptor, "x", 0); });
  probe("personality", [] { return ::syscall(SYS_personality, 0x0100000); });
  probe("vsock", [] { return ::socket(kVsock, SOCK_STREAM, 0); });
  // Allowed: what it says on the host and in a container is the same.
  probe("getpid", [] { return ::syscall(SYS_getpid); });
  probe("ptrace", [] { return ::syscall(SYS_ptrace, 0, 0, 0, 0); });
  probe("openat2", [] { return ::syscall(SYS_openat2, kNoDescriptor, nullptr, nullptr, 0); });
}
