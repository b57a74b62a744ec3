// Holes: the room of a piece of a file is given back, the places of the rest stay what they are.
#pragma once

#include "base/result.h"

#include <cstdint>

namespace berth::sys {

// fallocate(2) FALLOC_FL_PUNCH_HOLE: those bytes read as zeros from now on.
Status punch_hole(int fd, uint64_t offset, uint64_t size);

}  // namespace berth::sys
