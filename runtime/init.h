// The child side of the ladder in runtime/sync.h: from clone3 to execve.
//
// Nothing here allocates, locks, logs or throws. Whatever needs memory or the host's rights was
// made by the parent and is only read.
#pragma once

#include "runtime/console.h"
#include "runtime/container_hooks.h"
#include "runtime/plan.h"
#include "runtime/program.h"
#include "runtime/sync.h"

#include <optional>
#include <vector>

namespace berth::runtime {

struct InitContext {
  const Spec* spec = nullptr;
  const Plan* plan = nullptr;
  Program program;
  int sync = -1;  // our end of the socket to the parent
  Console console;
  bool no_pivot = false;  // chroot(2) does instead
  Keyring keyring = Keyring::kNew;
  int listener = -1;  // init.sock; -1 for `run`: go at once
  bool waits = true;  // for the parent to say Go to the program; else no Ready is told either
  int root = -1;      // the detached root file system
  int proc = -1;      // the procfs that we mounted at /proc
  std::vector<int> cgroup_tasks;  // `tasks` files of the v1 groups to join at once
  // Which of plan->mounts is the first that wants us in our v1 groups, whose files come with the
  // first Go then: what is before is mounted while the parent makes the groups. Nothing: we are in
  // them, or join by cgroup_tasks.
  std::optional<size_t> groups_come_at;
  std::vector<int> namespaces;   // as plan->namespaces: the one to join, or -1
  std::vector<int> binds;        // as plan->mounts: the detached mount, or -1
  std::vector<char> bind_files;  // as plan->mounts: the source is not a directory
  std::vector<int> devices;     // as plan->devices: the host's node as detached mount, or -1: mknod
  bool asks_for_hooks = false;  // the parent has hooks to run before the pivot
  ContainerHooks create_hooks;
  ContainerHooks start_hooks;
  std::vector<int> late_readonly;  // room for one descriptor a mount
};

// True when the namespaces to join must be joined by a process of its own before the init is
// cloned.
bool needs_two_clones(const Plan& plan);

// What the child of the first clone runs. Never returns.
[[noreturn]] void run_init(InitContext& context);

}  // namespace berth::runtime
