#include "sys/port.h"

#include "sys/call.h"
#include "sys/fd.h"
#include "sys/socket_option.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

namespace berth::sys {
namespace {

Result<Fd> open_probe(int family, bool udp) {
  int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
  const char* name = family == AF_INET6 ? "AF_INET6" : "AF_INET";
  Fd fd(TRY(call("socket", name, [&] { return ::socket(family, type, 0); })));
  // Connections in TIME_WAIT are no listener.
  if (!udp) TRY(switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"));
  return fd;
}

template <class Address>
Status bind_probe(const Fd& fd, const Address& address, const std::string& where) {
  return run("bind", where, [&] {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  });
}

}  // namespace

Result<bool> can_bind(const LocalPort& port) {
  Fd fd = TRY(open_probe(AF_INET, port.udp));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port.port);
  address.sin_addr.s_addr = htonl(port.address.value);
  auto status = bind_probe(fd, address, fmt::format("{}:{}", to_string(port.address), port.port));
  if (status) return true;
  if (status.error().errno_value == EADDRINUSE) return false;
  if (status.error().errno_value == EADDRNOTAVAIL) {
    return fail(Errc::kInvalid, "this host has no address {}", to_string(port.address));
  }
  return tl::unexpected<Error>(std::move(status).error());
}

Result<bool> can_bind_ipv6(uint16_t port, bool udp) {
  auto fd = open_probe(AF_INET6, udp);
  if (!fd && fd.error().errno_value == EAFNOSUPPORT) return true;
  if (!fd) return tl::unexpected<Error>(std::move(fd).error());
  TRY(switch_on(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  auto status = bind_probe(*fd, address, fmt::format("[::]:{}", port));
  if (status) return true;
  // Without an address of IPv6 (disable_ipv6) nobody can be reached there.
  if (status.error().errno_value == EADDRNOTAVAIL) return true;
  if (status.error().errno_value == EADDRINUSE) return false;
  return tl::unexpected<Error>(std::move(status).error());
}

}  // namespace berth::sys
