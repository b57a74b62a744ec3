// What a service tells whoever supervises it, sd_notify(3): one datagram to a unix socket.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace berth::sys {

// `socket` is the value of NOTIFY_SOCKET: a path, or "@name" of an abstract socket. `state`:
// "READY=1", "STOPPING=1", "WATCHDOG=1". Does not wait for a supervisor that does not listen.
Status notify_supervisor(const std::string& socket, std::string_view state);

}  // namespace berth::sys
