#include "sys/udp.h"

#include "sys/call.h"
#include "sys/socket_address.h"
#include "sys/socket_option.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace berth::sys {
namespace {

constexpr uint8_t kTimeToLive = 64;

Result<Fd> open_datagram_socket(int family, int type, int protocol) {
  return Fd(TRY(call("socket", family == AF_INET6 ? "AF_INET6" : "AF_INET", [&] {
    return ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  })));
}

// The sum of 16-bit words that RFC 768 and RFC 1071 want, not folded yet.
class OnesSum {
 public:
  void add(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      uint64_t octet = static_cast<uint8_t>(bytes[i]);
      sum_ += i % 2 == 0 ? octet << 8 : octet;
    }
  }
  void add(uint32_t value) { sum_ += (value >> 16) + (value & 0xffff); }
  // Zero would say that there is none.
  uint16_t checksum() const {
    uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    auto inverse = static_cast<uint16_t>(~sum);
    return inverse == 0 ? 0xffff : inverse;
  }

 private:
  uint64_t sum_ = 0;
};

template <class Header>
std::string_view octets_of(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof(header)};
}

struct Received {
  std::string bytes;
  bool is_one = false;
};

template <class Address>
Result<Received> receive_from(int fd, size_t max, Address& from) {
  Received received{.bytes = std::string(max, '\0'), .is_one = true};
  socklen_t size = sizeof(from);
  auto got = call("recvfrom", "", [&] {
    return ::recvfrom(fd, received.bytes.data(), received.bytes.size(), MSG_DONTWAIT,
                      reinterpret_cast<sockaddr*>(&from), &size);
  });
  if (!got && got.error().errno_value == EAGAIN) return Received{};
  received.bytes.resize(static_cast<size_t>(TRY(std::move(got))));
  return received;
}

template <class Address>
Status send_packet(int sender, const Address& to, const std::string& packet,
                   const std::string& where) {
  return run("sendto", where, [&] {
    long sent = ::sendto(sender, packet.data(), packet.size(), MSG_DONTWAIT,
                         reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    return sent < 0 ? -1 : 0;
  });
}

void add_address(OnesSum& sum, const Ipv4& address) {
  sum.add(address.value);
}

void add_address(OnesSum& sum, const Ipv6& address) {
  sum.add(octets_of(address.bytes));
}

// Header and payload, with the checksum that the addresses are part of.
template <class AnyRoute>
std::string render_udp(const AnyRoute& route, std::string_view payload) {
  udphdr udp{};
  udp.source = htons(route.from.port);
  udp.dest = htons(route.to.port);
  auto udp_size = static_cast<uint16_t>(sizeof(udp) + payload.size());
  udp.len = htons(udp_size);
  OnesSum sum;
  add_address(sum, route.from.address);
  add_address(sum, route.to.address);
  sum.add(uint32_t{IPPROTO_UDP} + udp_size);
  sum.add(octets_of(udp));
  sum.add(payload);
  udp.check = htons(sum.checksum());
  return std::string(octets_of(udp)) += payload;
}

}  // namespace

Result<Fd> listen_udp(TcpAddress at, AddressNeed need) {
  Fd fd = TRY(open_datagram_socket(AF_INET, SOCK_DGRAM, 0));
  if (need == AddressNeed::kLater) {
    TRY(switch_on(fd.get(), IPPROTO_IP, IP_FREEBIND, "IP_FREEBIND"));
  }
  sockaddr_in address = address_in(at);
  TRY(run("bind", fmt::format("{}:{}", to_string(at.address), at.port), [&] {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }));
  return fd;
}

Status bind_to_device(int fd, const std::string& device) {
  return run("setsockopt", "SO_BINDTODEVICE " + device, [&] {
    return ::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                        static_cast<socklen_t>(device.size()));
  });
}

Result<std::optional<Datagram>> receive_datagram(int fd, size_t max) {
  sockaddr_in from{};
  Received received = TRY(receive_from(fd, max, from));
  if (!received.is_one) return std::nullopt;
  TcpAddress sender{Ipv4{ntohl(from.sin_addr.s_addr)}, ntohs(from.sin_port)};
  return Datagram{sender, std::move(received.bytes)};
}

Result<std::optional<Datagram6>> receive_datagram6(int fd, size_t max) {
  sockaddr_in6 from{};
  Received received = TRY(receive_from(fd, max, from));
  if (!received.is_one) return std::nullopt;
  Ipv6End sender{.port = ntohs(from.sin6_port)};
  std::ranges::copy(from.sin6_addr.s6_addr, sender.address.bytes.begin());
  return Datagram6{sender, std::move(received.bytes)};
}

std::string render_udp_packet(const Route& route, std::string_view payload) {
  iphdr ip{};
  ip.version = 4;
  ip.ihl = sizeof(ip) / 4;
  ip.ttl = kTimeToLive;
  ip.protocol = IPPROTO_UDP;
  ip.saddr = htonl(route.from.address.value);
  ip.daddr = htonl(route.to.address.value);
  return std::string(octets_of(ip)) += render_udp(route, payload);
}

std::string render_udp_packet(const Route6& route, std::string_view payload) {
  std::string udp = render_udp(route, payload);
  ip6_hdr ip{};
  constexpr uint32_t kVersion = 6U << 28;
  ip.ip6_flow = htonl(kVersion);
  ip.ip6_plen = htons(static_cast<uint16_t>(udp.size()));
  ip.ip6_nxt = IPPROTO_UDP;
  ip.ip6_hlim = kTimeToLive;
  std::ranges::copy(route.from.address.bytes, ip.ip6_src.s6_addr);
  std::ranges::copy(route.to.address.bytes, ip.ip6_dst.s6_addr);
  return std::string(octets_of(ip)) += udp;
}

Result<Fd> open_packet_sender() {
  return open_datagram_socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
}

Result<Fd> open_packet_sender6() {
  return open_datagram_socket(AF_INET6, SOCK_RAW, IPPROTO_RAW);
}

Status send_udp_packet(int sender, const Route& route, std::string_view payload) {
  return send_packet(sender, address_in({route.to.address, 0}), render_udp_packet(route, payload),
                     to_string(route.to.address));
}

// raw(7) of IPv6 wants no port either: EINVAL.
Status send_udp_packet(int sender, const Route6& route, std::string_view payload) {
  return send_packet(sender, address_in(Ipv6End{route.to.address, 0}),
                     render_udp_packet(route, payload), berth::to_string(route.to.address));
}

}  // namespace berth::sys
