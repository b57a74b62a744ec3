// The ladder between the parent (create) and the init, and the messages on it.
//
//   berth-oci create (parent)                         init (child; Stage in brackets)
//     clone3(flags, pidfd, cgroup fd on v2) --->   [cgroup] on v1; [join] setns for namespaces
//     given by path; a second
//                                                  clone (CLONE_PARENT) when they must come first
//     <----------------------------------------    Born{pid}            (only after a second clone)
//     write uid_map, gid_map; raise hard rlimits; oom_score_adj; stdio pipes
//     Go -------------------------------------->   [label] [cgroup-namespace] [root] [mounts]
//     [devices]
//                                                  [console]
//     prestart, createRuntime hooks  <---------    Hooks                 (only when there are some)
//     Go -------------------------------------->   [hooks] createContainer
//                                                  [hostname] [sysctl] [masks] [pivot]; is there
//                                                  a program?
//     state.json: created; exit 0  <------------   Ready                (or Failure at any rung)
//   berth-oci start
//     connect init.sock; Go ------------------->   [hooks] startContainer [cwd] [rlimits] [seccomp]
//     [bounding] [user]
//                                                  [capabilities] [death-signal] [seccomp] [exec]
//     EOF = exec'd, Failure = why not  <--------   seccomp is the last step when noNewPrivileges is
//                                                  set, else it needs CAP_SYS_ADMIN and goes first
//
// Between Ready and `start` the init waits for either: the Go, or the hang-up of the descriptor in
// BERTH_SUPERVISOR_FD. That is how the containers of a shim end with it before they are started;
// afterwards the parent death signal does it (unless the program is set-user-ID, which clears it).
//
// On v1, without a user namespace and a second clone, the groups are made while the init mounts
// what needs none: [label] [root] [mounts] up to the first of a group come first, then the first Go
// with the files of the groups, then [cgroup] [cgroup-namespace] and the rest.
//
// A new network namespace, which takes the kernel longer than all others together, is not the
// clone's: the init unshares it first of all, while the parent goes on (but for a network that the
// host moves devices into).
//
// `run` is the same with one socket: Go comes at once and no init.sock is made. When nobody asked
// to be told before the program runs (no hooks of the host's, no terminal, no pid file), the init
// does not even wait: it tells no Ready and goes on.
#pragma once

#include <cstdint>

namespace berth::runtime {

// In execution order.
enum class Stage : uint32_t {
  kCgroup,
  kJoin,
  kClone,
  kLabel,
  kWait,
  kCgroupNamespace,
  kRoot,
  kMounts,
  kDevices,
  kConsole,
  kHooks,
  kHostname,
  kSysctl,
  kMasks,
  kPivot,
  kProcess,
  kCwd,
  kRlimits,
  kSeccomp,
  kBounding,
  kUser,
  kCapabilities,
  kDeathSignal,
  kExec,
};
// "join", "mounts", ...
const char* name_of(Stage stage);

// kListener carries the descriptor of a seccomp listener.
enum class MessageKind : uint32_t { kBorn, kGo, kHooks, kReady, kListener, kFailure };

// Fixed size, no pointers: written by a process that may not allocate.
struct SyncMessage {
  MessageKind kind = MessageKind::kFailure;
  Stage stage = Stage::kCgroup;
  int32_t errno_value = 0;
  int32_t pid = 0;
  char detail[240] = {};  // what it was about: a path, a name; NUL-terminated
};

}  // namespace berth::runtime
