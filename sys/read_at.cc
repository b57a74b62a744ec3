#include "sys/read_at.h"

#include "sys/call.h"

#include <unistd.h>

namespace berth::sys {

Result<size_t> read_at(int fd, char* buffer, size_t size, uint64_t offset) {
  return static_cast<size_t>(TRY(
      call("pread", "", [&] { return ::pread(fd, buffer, size, static_cast<off_t>(offset)); })));
}

}  // namespace berth::sys
