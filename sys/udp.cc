#include "sys/udp.h"

#include "sys/call.h"
#include "sys/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cerrno>

namespace berth::sys {
namespace {

constexpr uint8_t kTimeToLive = 64;

Result<Fd> open_datagram_socket(int type, int protocol) {
  return Fd(TRY(call("socket", "AF_INET", [&] {
    return ::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
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

}  // namespace

Result<Fd> listen_udp(TcpAddress at, AddressNeed need) {
  Fd fd = TRY(open_datagram_socket(SOCK_DGRAM, 0));
  int on = 1;
  if (need == AddressNeed::kLater) {
    TRY(run("setsockopt", "IP_FREEBIND",
            [&] { return ::setsockopt(fd.get(), IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)); }));
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
  std::string bytes(max, '\0');
  sockaddr_in from{};
  socklen_t size = sizeof(from);
  auto got = call("recvfrom", "", [&] {
    return ::recvfrom(fd, bytes.data(), bytes.size(), MSG_DONTWAIT,
                      reinterpret_cast<sockaddr*>(&from), &size);
  });
  if (!got && got.error().errno_value == EAGAIN) return std::nullopt;
  bytes.resize(static_cast<size_t>(TRY(std::move(got))));
  TcpAddress sender{Ipv4{ntohl(from.sin_addr.s_addr)}, ntohs(from.sin_port)};
  return Datagram{sender, std::move(bytes)};
}

std::string render_udp_packet(const Route& route, std::string_view payload) {
  udphdr udp{};
  udp.source = htons(route.from.port);
  udp.dest = htons(route.to.port);
  auto udp_size = static_cast<uint16_t>(sizeof(udp) + payload.size());
  udp.len = htons(udp_size);
  OnesSum sum;
  sum.add(route.from.address.value);
  sum.add(route.to.address.value);
  sum.add(uint32_t{IPPROTO_UDP} + udp_size);
  sum.add(octets_of(udp));
  sum.add(payload);
  udp.check = htons(sum.checksum());
  iphdr ip{};
  ip.version = 4;
  ip.ihl = sizeof(ip) / 4;
  ip.ttl = kTimeToLive;
  ip.protocol = IPPROTO_UDP;
  ip.saddr = htonl(route.from.address.value);
  ip.daddr = htonl(route.to.address.value);
  std::string packet(octets_of(ip));
  packet += octets_of(udp);
  packet += payload;
  return packet;
}

Result<Fd> open_packet_sender() {
  return open_datagram_socket(SOCK_RAW, IPPROTO_RAW);
}

Status send_udp_packet(int sender, const Route& route, std::string_view payload) {
  std::string packet = render_udp_packet(route, payload);
  sockaddr_in to = address_in({route.to.address, 0});
  return run("sendto", to_string(route.to.address), [&] {
    long sent = ::sendto(sender, packet.data(), packet.size(), MSG_DONTWAIT,
                         reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    return sent < 0 ? -1 : 0;
  });
}

}  // namespace berth::sys
