#include "runtime/enter.h"

#include "runtime/child.h"
#include "sys/process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace berth::runtime {
namespace {

using child::must;
using child::position;

[[noreturn]] void be_program(const EnterContext& context) {
  position.stage = Stage::kUser;
  if ((context.namespaces & CLONE_NEWUSER) != 0) become_root_of_user_namespace();
  become_blank(Keyring::kNew);
  if (context.console.socket >= 0) {
    position.stage = Stage::kConsole;
    constexpr int kFlags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    int root = static_cast<int>(must("/", [] { return ::open("/", kFlags); }));
    open_console(context.console, root, ConsoleUse::kExec);
    ::close(root);
  }
  become_program(context.program);
}

}  // namespace

bool clones_twice(const EnterContext& context) {
  return (context.namespaces & CLONE_NEWPID) != 0;
}

[[noreturn]] void run_enter(const EnterContext& context) {
  position = {context.sync, Stage::kCgroup};
  // Before the first step inside: the container's processes must not trace us, nor reopen our
  // descriptors or our executable through /proc (CVE-2016-9962).
  must("dumpable", [] { return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); });
  child::join_cgroups(context.cgroup_tasks);
  position.stage = Stage::kWait;
  child::wait_for_go();
  take_security_label(context.program.label);
  position.stage = Stage::kJoin;
  if (context.namespaces != 0) {
    // The kernel enters the user namespace first, then the others, all or none (setns(2)).
    must("namespaces", [&] { return ::setns(context.init, context.namespaces); });
  }
  if (context.root >= 0) {
    must("root", [&] { return ::fchdir(context.root); });
    must("root", [] { return ::chroot("."); });
  }
  if (!clones_twice(context)) be_program(context);
  position.stage = Stage::kClone;
  long pid = must("process", [] { return sys::raw_clone3(CLONE_PARENT, -1, 0, nullptr); });
  if (pid == 0) be_program(context);
  child::tell(MessageKind::kBorn, static_cast<pid_t>(pid));
  ::_exit(0);
}

}  // namespace berth::runtime
