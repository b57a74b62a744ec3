// Waiting for descriptors and for signals, where a loop (sys/loop.h) would be too much.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <span>
#include <string_view>

#include <poll.h>
#include <sys/types.h>

namespace berth::sys {

// poll(2): how many are ready, 0 after so many milliseconds; -1 waits for ever.
Result<long> wait_for(std::span<pollfd> descriptors, int timeout_ms, std::string_view what);

// Every signal that can be waits from now on until somebody reads it.
void block_signals();
// A descriptor that they are read from, one at a time.
Result<Fd> open_signals();
Result<int> read_signal(int signals);

// To a process that is ours to reap, or that is known by more than its number; one that is gone is
// success.
void signal_pid(pid_t pid, int signal);
// wait(2) for a child whose status is of no interest.
void reap(pid_t child);

}  // namespace berth::sys
