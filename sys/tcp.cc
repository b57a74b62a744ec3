#include "sys/tcp.h"

#include "sys/call.h"
#include "sys/socket_address.h"
#include "sys/socket_option.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace berth::sys {
namespace {

constexpr int kTcpBacklog = 128;

Result<Moved> moved_of(Result<long> count) {
  if (count) return Moved{static_cast<size_t>(*count), false};
  int reason = count.error().errno_value;
  if (reason == EAGAIN || reason == EWOULDBLOCK) return Moved{};
  bool has_gone = reason == EPIPE || reason == ECONNRESET || reason == ETIMEDOUT;
  if (has_gone) return Moved{0, true};
  return tl::unexpected<Error>(std::move(count).error());
}

}  // namespace

Result<Fd> listen_tcp(TcpAddress at, AddressNeed need) {
  Fd fd(TRY(call("socket", "AF_INET", [&] {
    return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  })));
  // So that connections of an earlier owner that are not forgotten yet do not keep the port.
  TRY(switch_on(fd.get(), SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"));
  if (need == AddressNeed::kLater) TRY(switch_on(fd.get(), IPPROTO_IP, IP_FREEBIND, "IP_FREEBIND"));
  sockaddr_in address = address_in(at);
  std::string where = fmt::format("{}:{}", to_string(at.address), at.port);
  TRY(run("bind", where, [&] {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }));
  TRY(run("listen", where, [&] { return ::listen(fd.get(), kTcpBacklog); }));
  return fd;
}

Result<TcpAddress> local_address(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  TRY(run("getsockname", "",
          [&] { return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size); }));
  return TcpAddress{Ipv4{ntohl(address.sin_addr.s_addr)}, ntohs(address.sin_port)};
}

Result<Fd> accept_tcp(int listener) {
  while (true) {
    auto accepted = call("accept4", "", [&] {
      return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    });
    if (accepted) return Fd(*accepted);
    if (accepted.error().errno_value == EAGAIN) return Fd();
    if (accepted.error().errno_value != ECONNABORTED) {
      return tl::unexpected<Error>(std::move(accepted).error());
    }
  }
}

Result<Moved> receive_some(int fd, char* buffer, size_t size) {
  auto count = call("recv", "", [&] { return ::recv(fd, buffer, size, 0); });
  if (count && *count == 0) return Moved{0, true};
  return moved_of(std::move(count));
}

Result<Moved> send_part(int fd, std::string_view bytes) {
  return moved_of(
      call("send", "", [&] { return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }));
}

Result<Moved> peek(int fd) {
  char byte = 0;
  auto count = call("recv", "", [&] { return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT); });
  if (count && *count == 0) return Moved{0, true};
  return moved_of(std::move(count));
}

Status shut_down_sending(int fd) {
  Status done = run("shutdown", "", [&] { return ::shutdown(fd, SHUT_WR); });
  if (!done && done.error().errno_value == ENOTCONN) return {};
  return done;
}

}  // namespace berth::sys
