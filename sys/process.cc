#include "sys/process.h"

#include "base/text.h"
#include "sys/call.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

namespace berth::sys {
namespace {

// A process that enters or makes namespaces for us and then waits to be looked at. `setup` runs in
// the child: async-signal-safe calls only; it returns 0 or an errno.
class Helper {
 public:
  static Result<Helper> start(const std::string& what, const std::function<int()>& setup) {
    Pipe ready = TRY(make_pipe());
    Pipe hold = TRY(make_pipe());
    Cloned child = TRY(clone_process({}));
    if (child.pid == 0) {
      hold.write.reset();
      int error = setup();
      (void)!::write(ready.write.get(), &error, sizeof(error));
      char byte = 0;
      (void)!::read(hold.read.get(), &byte, 1);  // until our maker has looked, or died
      ::_exit(0);
    }
    Helper helper(child.pid, std::move(hold.write));
    ready.write.reset();
    int error = 0;
    long got =
        TRY(call("read", what, [&] { return ::read(ready.read.get(), &error, sizeof(error)); }));
    if (got != sizeof(error)) return fail(Errc::kSystem, "{}: the helper process died", what);
    if (error != 0) return fail_errno(error, "{}", what);
    return helper;
  }

  Helper(Helper&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), hold_(std::move(other.hold_)) {}
  Helper& operator=(Helper&&) = delete;
  ~Helper() {
    if (pid_ < 0) return;
    hold_.reset();  // lets it go
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  pid_t pid() const { return pid_; }

 private:
  Helper(pid_t pid, Fd hold) : pid_(pid), hold_(std::move(hold)) {}
  pid_t pid_;
  Fd hold_;
};

}  // namespace

std::string render_id_map(const std::vector<IdMap>& map) {
  std::string text;
  for (const IdMap& line : map) {
    text += fmt::format("{} {} {}\n", line.inside, line.outside, line.size);
  }
  return text;
}

Status write_process_file(pid_t pid, const std::string& name, std::string_view bytes) {
  constexpr long kProcMagic = 0x9fa0;  // PROC_SUPER_MAGIC
  Fd proc = TRY(open("/proc", O_PATH | O_DIRECTORY));
  struct statfs file_system {};
  TRY(run("fstatfs", "/proc", [&] { return ::fstatfs(proc.get(), &file_system); }));
  if (file_system.f_type != kProcMagic) return fail(Errc::kCorrupt, "/proc: is no procfs");
  std::string path = fmt::format("{}/{}", pid, name);
  open_how how{};
  how.flags = O_WRONLY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  Fd file(TRY(call("openat2", "/proc/" + path, [&] {
    return ::syscall(SYS_openat2, proc.get(), path.c_str(), &how, sizeof(how));
  })));
  std::string shown = fmt::format("\"{}\" to /proc/{}", trim(bytes), path);
  return run("write", shown, [&] { return ::write(file.get(), bytes.data(), bytes.size()); });
}

Status write_id_maps(pid_t pid, const IdMaps& maps) {
  TRY(write_process_file(pid, "uid_map", render_id_map(maps.uids)));
  return write_process_file(pid, "gid_map", render_id_map(maps.gids));
}

// NOLINTNEXTLINE(readability-non-const-parameter): the kernel writes to it, by address
long raw_clone3(uint64_t flags, int cgroup, int exit_signal, int* pidfd) {
  clone_args arguments{};
  arguments.flags = flags;
  arguments.exit_signal = static_cast<uint64_t>(exit_signal);
  if (pidfd != nullptr) {
    arguments.flags |= CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<uint64_t>(pidfd);
  }
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(cgroup);
  }
  return ::syscall(SYS_clone3, &arguments, sizeof(arguments));
}

Result<Cloned> clone_process(const Clone& clone) {
  int pidfd = -1;
  int exit_signal = (clone.flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  long pid = TRY(call("clone3", "",
                      [&] { return raw_clone3(clone.flags, clone.cgroup, exit_signal, &pidfd); }));
  if (pid == 0) return Cloned{0, Fd()};
  return Cloned{static_cast<pid_t>(pid), Fd(pidfd)};
}

Status unshare(int flags, const std::string& what) {
  return run("unshare", what, [&] { return ::unshare(flags); });
}

Status join_namespace(int fd, int clone_flag, const std::string& what) {
  return run("setns", what, [&] { return ::setns(fd, clone_flag); });
}

Result<Fd> open_namespace(pid_t pid, const std::string& name) {
  return open(fmt::format("/proc/{}/ns/{}", pid, name), O_RDONLY);
}

Result<Fd> network_namespace_of(int socket) {
  return Fd(TRY(call("ioctl", "SIOCGSKNS", [&] { return ::ioctl(socket, SIOCGSKNS); })));
}

Result<int> namespace_type(int fd) {
  return static_cast<int>(
      TRY(call("ioctl NS_GET_NSTYPE", "", [&] { return ::ioctl(fd, NS_GET_NSTYPE); })));
}

Result<Fd> make_user_namespace(const IdMaps& maps) {
  Helper helper = TRY(Helper::start("make a user namespace",
                                    [] { return ::unshare(CLONE_NEWUSER) == 0 ? 0 : errno; }));
  TRY(write_id_maps(helper.pid(), maps));
  return open_namespace(helper.pid(), "user");
}

Result<Fd> make_namespace_in(int user_namespace, int clone_flag) {
  const char* name = clone_flag == CLONE_NEWNET      ? "net"
                     : clone_flag == CLONE_NEWIPC    ? "ipc"
                     : clone_flag == CLONE_NEWUTS    ? "uts"
                     : clone_flag == CLONE_NEWCGROUP ? "cgroup"
                                                     : nullptr;
  if (name == nullptr) return fail(Errc::kInternal, "namespace flag {:#x}", clone_flag);
  Helper helper = TRY(Helper::start(fmt::format("make a {} namespace", name), [&] {
    if (::setns(user_namespace, CLONE_NEWUSER) != 0) return errno;
    return ::unshare(clone_flag) == 0 ? 0 : errno;
  }));
  return open_namespace(helper.pid(), name);
}

Status become_subreaper() {
  return run("prctl", "PR_SET_CHILD_SUBREAPER",
             [] { return ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); });
}

}  // namespace berth::sys
