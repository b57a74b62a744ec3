// How much a pipe holds.
#pragma once

#include "base/result.h"

namespace berth::sys {

// fcntl(F_SETPIPE_SZ).
Status set_pipe_room(int pipe, int bytes);

}  // namespace berth::sys
