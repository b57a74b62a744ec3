// A child that goes on in this program, for what may wait where we may not.
#pragma once

#include "base/result.h"
#include "sys/spawn.h"

#include <functional>
#include <vector>

namespace berth::sys {

struct Fork {
  const char* name = "";  // as ps(1) shows it, at most 15 characters
  std::vector<int> kept;  // descriptors (borrowed) beside the standard streams; others are closed
  std::function<int()> run;  // its exit code; nothing of ours is destroyed after it
};
// fork(2). For programs of one thread: the child may then do whatever we might.
Result<Process> fork_child(const Fork& fork);

}  // namespace berth::sys
