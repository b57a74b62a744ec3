// The child side of exec: from the host into a container that runs.
//
//   berth-oci exec (parent)                      first child
//     clone3(cgroup fd on v2) ---------------->  out of every debugger's reach; [cgroup] on v1
//     hard rlimits, oom_score_adj, stdio pipes
//     Go ------------------------------------->  [label] [join] setns(pidfd of the init, all)
//                                                [clone] (CLONE_PARENT) when the pid namespace is
//     <----------------------------------------  Born{pid}       another: it takes only children
//                                                second child
//                                                [user] uid 0 of a joined user namespace
//                                                [console] [cwd] ... [exec] as the init
//                                                (runtime/program.h)
//     EOF = exec'd, Failure = why not  <-------
//
// Nothing here allocates, locks, logs or throws.
#pragma once

#include "runtime/console.h"
#include "runtime/program.h"

namespace berth::runtime {

struct EnterContext {
  int sync = -1;                  // our end of the socket to the parent
  int init = -1;                  // pidfd of the container's init
  int root = -1;                  // its root, where no mount namespace of its own brings us there
  int namespaces = 0;             // CLONE_NEW* of those that differ from ours
  std::vector<int> cgroup_tasks;  // `tasks` files of the v1 groups to join
  Console console;
  Program program;
};

// Whether the program will be a child of the child.
bool clones_twice(const EnterContext& context);

// What the child of the first clone runs. Never returns.
[[noreturn]] void run_enter(const EnterContext& context);

}  // namespace berth::runtime
