// What a directory holds, into another one: owners, modes and times with it.
#pragma once

#include "base/result.h"

#include <cstdint>

namespace berth::runtime {

// Owners of the copy: each id less `first`, which is what the ids of a task begin with on the host.
// One below it stays as it is.
struct OwnersFrom {
  uint32_t first = 0;
};

// From and to directory descriptors. Symlinks are copied, never followed; sockets are left out.
Status copy_tree(int from, int to, OwnersFrom owners);

}  // namespace berth::runtime
