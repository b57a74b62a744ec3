// UDP, as a server needs it whose port is not its own.
#pragma once

#include "base/ipv4.h"
#include "base/result.h"
#include "sys/fd.h"
#include "sys/tcp.h"
#include "sys/tcp6.h"

#include <optional>
#include <string>
#include <string_view>

namespace berth::sys {

// A non-blocking, bound socket in the network namespace of this thread; bind_ipv6() makes one of
// IPv6.
Result<Fd> listen_udp(TcpAddress at, AddressNeed need);
// SO_BINDTODEVICE: nothing reaches the socket but by that interface.
Status bind_to_device(int fd, const std::string& device);

struct Datagram {
  TcpAddress from;
  std::string bytes;
};
struct Datagram6 {
  Ipv6End from;
  std::string bytes;
};
// The next one, cut at `max` bytes; nothing when none waits. The second is for sockets of IPv6.
Result<std::optional<Datagram>> receive_datagram(int fd, size_t max);
Result<std::optional<Datagram6>> receive_datagram6(int fd, size_t max);

struct Route {
  TcpAddress from;
  TcpAddress to;
};
struct Route6 {
  Ipv6End from;
  Ipv6End to;
};
// A whole packet, of IPv4 but for what the kernel fills in (raw(7): total length, checksum of the
// header, identification).
std::string render_udp_packet(const Route& route, std::string_view payload);
std::string render_udp_packet(const Route6& route, std::string_view payload);

// A socket for packets that are written whole, in the network namespace of this thread; it receives
// nothing. With it a datagram comes from a port that is bound by somebody else, or by nobody.
// CAP_NET_RAW over the namespace is needed to open it, and no more to use it.
Result<Fd> open_packet_sender();
Result<Fd> open_packet_sender6();
Status send_udp_packet(int sender, const Route& route, std::string_view payload);
Status send_udp_packet(int sender, const Route6& route, std::string_view payload);

}  // namespace berth::sys
