// The other side of SCMP_ACT_NOTIFY: a program of the owner's that answers system calls of a
// container (runtime-spec config-linux.md, "The Container Process State").
#pragma once

#include "base/result.h"
#include "runtime/spec.h"
#include "runtime/state.h"
#include "sys/fd.h"

namespace berth::runtime {

// Connects to listenerPath, sends the state of the container process with the listener beside it,
// and hangs up. `process` is the pid of who loaded the filter, as we see it.
Status send_to_agent(const SeccompSpec& seccomp, const State& state, ContainerStatus status,
                     pid_t process, const sys::Fd& listener);

}  // namespace berth::runtime
