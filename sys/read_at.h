// Reading a piece of a file, wherever its descriptor's offset is.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>

namespace berth::sys {

// One pread(2): how many bytes came, 0 at the end.
Result<size_t> read_at(int fd, char* buffer, size_t size, uint64_t offset);

}  // namespace berth::sys
