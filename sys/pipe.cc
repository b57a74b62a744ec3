#include "sys/pipe.h"

#include "sys/call.h"

#include <fcntl.h>

namespace berth::sys {

Status set_pipe_room(int pipe, int bytes) {
  return run("fcntl F_SETPIPE_SZ", "", [&] { return ::fcntl(pipe, F_SETPIPE_SZ, bytes); });
}

}  // namespace berth::sys
