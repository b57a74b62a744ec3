#include "sys/port.h"

#include "sys/call.h"
#include "sys/fd.h"

#include <netinet/in.h>
#include <sys/socket.h>

namespace berth::sys {

Result<bool> can_bind(const LocalPort& port) {
  int type = (port.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
  Fd fd(TRY(call("socket", "AF_INET", [&] { return ::socket(AF_INET, type, 0); })));
  int on = 1;
  if (!port.udp) {  // connections in TIME_WAIT are no listener
    TRY(run("setsockopt", "SO_REUSEADDR",
            [&] { return ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); }));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.port);
  address.sin_addr.s_addr = htonl(port.address.value);
  auto status = run("bind", fmt::format("{}:{}", to_string(port.address), port.port), [&] {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  });
  if (status) return true;
  if (status.error().errno_value == EADDRINUSE) return false;
  if (status.error().errno_value == EADDRNOTAVAIL) {
    return fail(Errc::kInvalid, "this host has no address {}", to_string(port.address));
  }
  return tl::unexpected<Error>(std::move(status).error());
}

}  // namespace berth::sys
