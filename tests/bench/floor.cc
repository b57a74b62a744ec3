// The floor of `run`: what the kernel alone takes to make a container. clone3 with the namespaces
// of the default configuration, the root bound and pivoted to, proc mounted, execve; nothing is
// parsed, limited, masked or recorded.
//
//   floor ROOTFS PROGRAM [ARGUMENT...]
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

void must(long result, const char* what) {
  if (result >= 0) return;
  std::perror(what);
  std::_Exit(125);
}

[[noreturn]] void be_container(const char* rootfs, char** arguments) {
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make / private");
  must(::mount(rootfs, rootfs, nullptr, MS_BIND | MS_REC, nullptr), "bind");
  must(::chdir(rootfs), "chdir");
  must(::mount("proc", "proc", "proc", 0, nullptr), "mount proc");
  must(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
  must(::umount2(".", MNT_DETACH), "umount2");
  must(::execv(arguments[0], arguments), arguments[0]);
  std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 125;
  clone_args clone{};
  clone.flags =
      CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;
  clone.exit_signal = SIGCHLD;
  long pid = ::syscall(SYS_clone3, &clone, sizeof clone);
  must(pid, "clone3");
  if (pid == 0) be_container(argv[1], argv + 2);
  int status = 0;
  must(::waitpid(static_cast<pid_t>(pid), &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 125;
}
