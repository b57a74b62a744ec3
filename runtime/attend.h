// The foreground of run and exec: with the program until it ends.
#pragma once

#include "base/result.h"
#include "runtime/console.h"
#include "sys/fd.h"
#include "sys/spawn.h"

namespace berth::runtime {

enum class RunMode { kForeground, kDetached };

// Who relays the terminal of a program started so.
ConsoleChannel::Relay relay_of(RunMode mode);

// Forwards every signal to the process until it ends (it is reaped), and returns its exit status as
// a shell reports it. With the master of its terminal: copies between that and our own standard
// input and output, our terminal being raw meanwhile and its size the other's.
Result<int> attend(const sys::Process& process, sys::Fd master);

}  // namespace berth::runtime
