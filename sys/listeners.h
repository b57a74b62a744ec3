// Listening sockets that outlive the process that made them: given by a supervisor
// (sd_listen_fds(3)), or by the process that we were before an execve(2).
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <string>
#include <vector>

namespace berth::sys {

// Those that are for this process; its environment tells children nothing of them afterwards.
// Numbers that are no sockets are passed over.
std::vector<Fd> take_given_listeners();

// Becomes another program with the same pid, which finds the listeners (borrowed) by the above, and
// with no signal blocked. Returns only when it fails; nothing has changed then.
Status become_with_listeners(const std::vector<std::string>& command,
                             const std::vector<int>& listeners);

struct ListenerPlace {
  bool is_unix = false;
  std::string path;  // of a unix socket; "" for others
};
// getsockname(2). kInvalid for what is neither TCP over IPv4 nor a unix socket.
Result<ListenerPlace> place_of_listener(int fd);

}  // namespace berth::sys
