// The parent side of the ladder in runtime/sync.h.
#pragma once

#include "base/result.h"
#include "runtime/console.h"
#include "runtime/net_devices.h"
#include "runtime/parent.h"
#include "runtime/plan.h"
#include "runtime/seccomp_profile.h"
#include "runtime/state.h"
#include "sys/cgroup.h"
#include "sys/fd.h"

#include <functional>
#include <string>

namespace berth::runtime {

struct LaunchInput {
  const Spec& spec;
  const Plan& plan;
  const State& state;                       // for hooks
  const SeccompProgram* seccomp = nullptr;  // absent: no filter
  const sys::CgroupDir* cgroup = nullptr;   // absent: ours
  std::function<Status()> make_cgroup;      // makes it and sets its limits; empty: it is there
  std::string bundle;                       // relative sources and roots are below it
  std::string rootfs;                       // absolute
  int listener = -1;                        // init.sock, or -1 for `run`
  int preserve_fds = 0;
  int supervisor = -1;  // as in CreateOptions
  Console console;
  bool no_pivot = false;
  bool no_new_keyring = false;
  // False: nobody has to do anything between Ready and the program, which spares both a wait for
  // the other. Neither is told then: the end of `sync` says that the program runs.
  bool init_waits = true;
  // Runs the prestart and createRuntime hooks for the init with this pid; empty: there are none.
  std::function<Status(pid_t)> runtime_hooks;
  // What the parent has to do for the init with this pid while that is busy; empty: nothing.
  std::function<Status(pid_t)> meanwhile;
};

struct Launched {
  pid_t pid = -1;
  sys::Fd pidfd;
  sys::Fd sync;                                            // with a listener: of no further use
  std::optional<MovedDevices> net_devices = std::nullopt;  // to be kept
};

// Makes the init and takes it up to Ready, if it waits there. On error it is dead and reaped.
Result<Launched> launch(const LaunchInput& input);

}  // namespace berth::runtime
