// Options of sockets that are on or off (setsockopt(2), socket(7)).
#pragma once

#include "base/result.h"
#include "sys/call.h"

#include <sys/socket.h>

namespace berth::sys {

// `name` is the option's, for the error.
inline Status switch_on(int fd, int level, int option, const char* name) {
  int on = 1;
  return run("setsockopt", name, [&] { return ::setsockopt(fd, level, option, &on, sizeof(on)); });
}

}  // namespace berth::sys
