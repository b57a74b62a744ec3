// The parent's half of the talk in runtime/sync.h, and what it does to a child that waits: shared
// by launch (an init) and exec (a further process).
#pragma once

#include "base/result.h"
#include "runtime/spec.h"
#include "runtime/sync.h"
#include "sys/process.h"
#include "sys/spawn.h"

#include <functional>
#include <string>
#include <vector>

namespace berth::runtime {

// The next message. A Failure comes back as the error that it tells.
Result<SyncMessage> receive(int sync);
// `files` go along.
Status send_go(int sync, const std::vector<int>& files = {});
// What is done with the listener of a seccomp filter that notifies; an error ends the wait.
using ListenerHandler = std::function<Status(sys::Fd listener)>;
// Waits until a child has become the program, or says why not.
Status wait_for_exec(int sync, const ListenerHandler& handle_listener);
// The same after a go to a child that is Ready.
Status release(int sync, const ListenerHandler& handle_listener);

// What a Failure means, in words: "exec: \"x\": executable file not found in $PATH".
Error describe_failure(const SyncMessage& failure);

// SIGKILL and wait(2) for a child that nobody else reaps; nothing for a pid of 0 or less.
void kill_and_reap(pid_t child);
// After a second clone: the first child is done and is reaped, the second is our child by
// CLONE_PARENT.
Result<sys::Cloned> adopt_second(int sync, const sys::Cloned& first);

// What only the host may do to a process before it goes: pipes among our 0, 1 and 2 are given to
// its user, hard limits raised, oom_score_adj written. `in_namespace` is a process in the user
// namespace that process.user is of.
Status furnish_process(pid_t pid, pid_t in_namespace, const ProcessSpec& process);

// Who wants to know of a process: "" for nobody.
struct Listeners {
  std::string pid_file;      // gets its pid, in our pid namespace
  std::string pidfd_socket;  // a listening unix socket: gets its pidfd by SCM_RIGHTS
};
Status announce(const Listeners& listeners, const sys::Process& process);

}  // namespace berth::runtime
