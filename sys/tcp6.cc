#include "sys/tcp6.h"

#include "sys/call.h"
#include "sys/socket_option.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>

namespace berth::sys {
namespace {

constexpr int kBacklog6 = 128;

}  // namespace

std::string to_string(const Ipv6End& end) {
  return fmt::format("[{}]:{}", berth::to_string(end.address), end.port);
}

sockaddr_in6 address_in(const Ipv6End& end) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(end.port);
  std::ranges::copy(end.address.bytes, address.sin6_addr.s6_addr);
  return address;
}

Result<Fd> bind_ipv6(int type, const Ipv6End& at) {
  Fd fd(TRY(call("socket", "AF_INET6",
                 [&] { return ::socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); })));
  TRY(switch_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"));
  TRY(switch_on(fd.get(), IPPROTO_IPV6, IPV6_FREEBIND, "IPV6_FREEBIND"));
  if (type == SOCK_STREAM) {
    TRY(switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"));
  }
  sockaddr_in6 address = address_in(at);
  TRY(run("bind", to_string(at), [&] {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }));
  return fd;
}

Result<Fd> listen_tcp(const Ipv6End& at) {
  Fd fd = TRY(bind_ipv6(SOCK_STREAM, at));
  TRY(run("listen", to_string(at), [&] { return ::listen(fd.get(), kBacklog6); }));
  return fd;
}

}  // namespace berth::sys
