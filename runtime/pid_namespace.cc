#include "runtime/pid_namespace.h"

#include "base/log.h"
#include "runtime/child.h"
#include "runtime/parent.h"
#include "runtime/program.h"
#include "sys/credentials.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/socket.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;
extern "C" int umount2(const char*, int) noexcept;

namespace berth::runtime {
namespace {

using child::must;
using child::position;

constexpr const char kFirstName[] = "pause";                 // as ps(1) inside shows it
constexpr unsigned long kPrivateTree = 16384 | (1UL << 18);  // MS_REC | MS_PRIVATE
constexpr int kLazily = 2;                                   // MNT_DETACH
constexpr size_t kCommandLineMax = 64 * 1024;
constexpr std::chrono::seconds kEndPatience(10);

// What both children need; all borrowed.
struct FirstContext {
  int sync = -1;
  int user_namespace = -1;
  int root = -1;   // an empty file system, attached nowhere
  int maker = -1;  // hangs up when the shim has gone
  size_t command_line = 0;
};

// Our command line is the shim's, which names a directory of the host's.
void take_name(size_t command_line) {
  (void)::prctl(PR_SET_NAME, kFirstName, 0, 0, 0);  // cosmetic
  if (command_line < sizeof(kFirstName)) return;
  std::memset(program_invocation_name, 0, command_line);
  std::memcpy(program_invocation_name, kFirstName, sizeof(kFirstName));
}

void leave_the_hosts_files(int root) {
  position.stage = Stage::kRoot;
  must("/", [] { return ::mount(nullptr, "/", nullptr, kPrivateTree, nullptr); });
  must("/",
       [&] { return ::syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH); });
  must("fchdir", [&] { return ::fchdir(root); });
  position.stage = Stage::kPivot;
  must("pivot_root", [] { return ::syscall(SYS_pivot_root, ".", "."); });
  must("umount2", [] { return ::umount2(".", kLazily); });
  must("/", [] { return ::chdir("/"); });
}

[[noreturn]] void be_first(const FirstContext& context) {
  position.stage = Stage::kWait;
  child::wait_for_go();  // our Born is told first
  position.stage = Stage::kUser;
  if (context.user_namespace >= 0) become_root_of_user_namespace();
  become_blank(Keyring::kNew);
  take_name(context.command_line);
  leave_the_hosts_files(context.root);
  position.stage = Stage::kCapabilities;
  must("bounding set", [] { return sys::raw_drop_bounding(0); });
  must("capset", [] { return sys::raw_set_capabilities({}); });
  must("PR_SET_NO_NEW_PRIVS", [] { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); });
  position.stage = Stage::kDeathSignal;
  must("PR_SET_DUMPABLE", [] { return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); });
  must("PR_SET_PDEATHSIG", [] { return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); });
  if (child::has_hung_up(context.maker)) ::_exit(1);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  must("SIGCHLD", [&] { return ::sigaction(SIGCHLD, &ignore, nullptr); });
  child::tell(MessageKind::kReady, 0);
  must("close_range", [] { return ::syscall(SYS_close_range, 0U, ~0U, 0U); });
  while (true) ::pause();
}

[[noreturn]] void run_joiner(const FirstContext& context) {
  position = {context.sync, Stage::kJoin};
  if (context.user_namespace >= 0) {
    must("user", [&] { return ::setns(context.user_namespace, CLONE_NEWUSER); });
  }
  position.stage = Stage::kClone;
  constexpr uint64_t kFlags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PARENT;
  long pid = must("process 1", [] { return sys::raw_clone3(kFlags, -1, 0, nullptr); });
  if (pid == 0) be_first(context);
  child::tell(MessageKind::kBorn, static_cast<pid_t>(pid));
  ::_exit(0);
}

// The end of process 1, which takes all in the namespace along.
void end_first(const sys::Process& first) {
  (void)sys::send_signal(first, SIGKILL);  // one that has gone is as good
  auto ended = sys::ends_within(first, kEndPatience);
  if (ended && *ended) {
    (void)sys::wait(first);  // how it ended says nothing
  } else {
    LOG(kError, "process 1 of the task does not end", {{"pid", std::to_string(first.pid)}});
  }
}

}  // namespace

Result<std::unique_ptr<PidNamespace>> PidNamespace::make(int user_namespace) {
  sys::SocketPair sockets = TRY(sys::make_socket_pair());
  sys::Pipe maker = TRY(sys::make_pipe());
  constexpr unsigned kLocked =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  sys::Fd root = TRY(
      sys::make_file_system({.type = "tmpfs", .source = "", .options = {}, .attributes = kLocked}));
  FirstContext context{.sync = sockets.theirs.get(), .user_namespace = user_namespace};
  context.root = root.get();
  context.maker = maker.read.get();
  context.command_line = TRY(sys::read_file("/proc/self/cmdline", kCommandLineMax)).size();

  sys::Cloned joiner = TRY(sys::clone_process({}));
  if (joiner.pid == 0) {
    child::leave(sockets.ours.get());
    child::leave(maker.write.get());
    run_joiner(context);
  }
  sockets.theirs.reset();
  auto born = adopt_second(sockets.ours.get(), joiner);
  if (!born) {
    kill_and_reap(joiner.pid);
    return wrap(std::move(born).error(), "pid namespace of the task");
  }
  std::unique_ptr<PidNamespace> made(new PidNamespace);
  made->first_ = {born->pid, std::move(born->pidfd)};
  TRY(send_go(sockets.ours.get()));
  auto ready = receive(sockets.ours.get());
  if (!ready) return wrap(std::move(ready).error(), "pid namespace of the task");
  made->namespace_ = TRY(sys::open_namespace(made->first_.pid, "pid"));
  return made;
}

PidNamespace::~PidNamespace() {
  if (first_.pidfd) end_first(first_);
}

}  // namespace berth::runtime
