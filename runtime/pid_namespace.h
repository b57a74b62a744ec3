// A pid namespace that the containers of a task share (pidMode task), with a process 1 of ours.
//
//   shim                          joiner                          process 1, "pause"
//     clone ------------------->  joins the task's user namespace
//                                 clone(new pid, new mounts) -->  waits
//     <-------------------------  Born{pid}
//     Go ------------------------------------------------------->  root of that user namespace, an
//     <----------------------------------------------------------  empty root directory; Ready; no
//                                                                  capabilities, no descriptors
//
// It does what the kernel asks of a process 1: what has lost its parent becomes its child and is
// reaped, by the kernel itself as SIGCHLD is ignored, so it never wakes up. Containers come and go
// in the namespace; when process 1 goes, and it goes with the shim, the kernel kills all that are
// left.
//
// A container sees it and can do nothing to it: signals from inside do not reach a process 1, and
// as it is not dumpable, and its memory is of the host's user namespace, /proc/1 opens for nobody.
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/spawn.h"

#include <memory>

namespace berth::runtime {

class PidNamespace {
 public:
  // Owned by the user namespace, or by the host's for -1. The caller must be single-threaded.
  static Result<std::unique_ptr<PidNamespace>> make(int user_namespace);
  PidNamespace(const PidNamespace&) = delete;
  PidNamespace& operator=(const PidNamespace&) = delete;
  // Ends process 1, and so all in the namespace.
  ~PidNamespace();

  int fd() const { return namespace_.get(); }

 private:
  PidNamespace() = default;

  sys::Process first_;
  sys::Fd namespace_;
};

}  // namespace berth::runtime
