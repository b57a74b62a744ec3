#include "sys/hole.h"

#include "sys/call.h"

#include <fcntl.h>

namespace berth::sys {

Status punch_hole(int fd, uint64_t offset, uint64_t size) {
  return run("fallocate", "", [&] {
    return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                       static_cast<off_t>(size));
  });
}

}  // namespace berth::sys
