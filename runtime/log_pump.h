// The log process of a container: takes what it prints from its pipes to its log driver.
//
//   shim                                      log process (a fork of the shim, one per container
//   run)
//     pipes of the container, `end`, `ready`
//     fork  --------------------------------> opens the driver
//     waits              <--- ready: closed, or why not
//     creates the container, writes into the pipes' other ends
//                                             reads, delivers; waits where the driver makes it wait
//     container has ended: a byte into `end`
//                                             reads what the pipes hold, delivers it, exits
//     waits for that, but not for ever
//
// So a disk that is full or slow, or a receiver that does not listen, holds up one process that has
// nothing else to do. When the shim is killed, its containers die, and their log process still
// delivers what they have printed. When the log process is killed, the shim, which holds the pipes
// as well, starts another one.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/log_plan.h"
#include "sys/fd.h"
#include "sys/spawn.h"

#include <chrono>

namespace berth::runtime {

class LogPump {
 public:
  // Ends of pipes to read from, borrowed and made non-blocking; a terminal has but one.
  struct Streams {
    int out = -1;
    int err = -1;
  };
  // Returns when the driver has been opened; its error is why the container cannot start.
  static Result<LogPump> start(const LogPlan& plan, Streams streams, Env env);
  // In the place of one that died: returns at once, for its container runs already. A driver that
  // cannot be opened is an end before its time.
  static Result<LogPump> start_again(const LogPlan& plan, Streams streams, Env env);

  // Readable when it has ended.
  int pidfd() const { return process_.pidfd.get(); }
  // Nobody writes any more: what the pipes hold is all there will be.
  void container_ended();
  bool ends_within(std::chrono::milliseconds patience) const;
  // Once it has ended; false when it died before its time.
  bool reap();
  // One that does not end.
  void kill();

 private:
  struct Started;
  static Result<Started> fork_pump(const LogPlan& plan, Streams streams, Env env);
  LogPump(sys::Process process, sys::Pipe end)
      : process_(std::move(process)), end_(std::move(end)) {}

  sys::Process process_;
  sys::Pipe end_;  // both ends: with no reader a write would be our death
};

}  // namespace berth::runtime
