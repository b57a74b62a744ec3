#include "sys/notify.h"

#include "sys/call.h"
#include "sys/fd.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace berth::sys {

Status notify_supervisor(const std::string& socket, std::string_view state) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  bool is_name = !socket.empty() && (socket[0] == '/' || socket[0] == '@');
  if (!is_name || socket.size() >= sizeof(address.sun_path)) {
    return fail(Errc::kInvalid, "NOTIFY_SOCKET: \"{}\" is neither a path nor an @name", socket);
  }
  std::memcpy(address.sun_path, socket.data(), socket.size());
  if (socket[0] == '@') address.sun_path[0] = '\0';
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());
  Fd fd(TRY(call("socket", "AF_UNIX",
                 [&] { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); })));
  return run("sendto", socket, [&] {
    return ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address), size);
  });
}

}  // namespace berth::sys
