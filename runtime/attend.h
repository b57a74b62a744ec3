// The foreground of run and exec: with the program until it ends.
#pragma once

#include "base/result.h"
#include "sys/spawn.h"

namespace berth::runtime {

enum class RunMode { kForeground, kDetached };

// Blocks every signal, so that none falls between the making of the process and attend(). To be
// called before it is made.
void block_signals();

// Forwards every signal to the process until it ends (it is reaped), and returns its exit status as
// a shell reports it.
Result<int> attend(const sys::Process& process);

}  // namespace berth::runtime
