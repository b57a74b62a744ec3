#include "sys/udp.h"

#include <gtest/gtest.h>

namespace berth::sys {
namespace {

// The sum of 16-bit words, folded: all ones when a checksum is among them and right.
uint16_t folded_sum(const std::string& bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    uint32_t octet = static_cast<uint8_t>(bytes[i]);
    sum += i % 2 == 0 ? octet << 8 : octet;
  }
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

TEST(UdpPacket, HasAChecksumThatIsRight) {
  const Route route{{{0xa9fea9fd}, 53}, {{0xac1d0005}, 40000}};
  for (const char* payload : {"", "a", "ab", "\xff\xff\xff"}) {
    std::string packet = render_udp_packet(route, payload);
    size_t udp_size = 8 + std::string(payload).size();
    ASSERT_EQ(packet.size(), 20 + udp_size);
    EXPECT_EQ(packet.substr(12, 8), std::string("\xa9\xfe\xa9\xfd\xac\x1d\0\5", 8));
    std::string pseudo = packet.substr(12, 8) + std::string("\0\x11\0", 3);
    pseudo += static_cast<char>(udp_size);
    EXPECT_EQ(folded_sum(pseudo + packet.substr(20)), 0xffff) << payload;
  }
}

TEST(UdpPacket, OfIpv6HasOneToo) {
  const Route6 route{{parse_ipv6("fd00:ec2::253").value(), 53},
                     {parse_ipv6("fd00:be::5").value(), 40000}};
  for (const char* payload : {"", "a", "ab", "\xff\xff\xff"}) {
    std::string packet = render_udp_packet(route, payload);
    size_t udp_size = 8 + std::string(payload).size();
    ASSERT_EQ(packet.size(), 40 + udp_size);
    EXPECT_EQ(packet.substr(0, 4), std::string("\x60\0\0\0", 4));
    std::string size = {'\0', static_cast<char>(udp_size)};
    EXPECT_EQ(packet.substr(4, 3), size + '\x11');
    std::string pseudo = packet.substr(8, 32) + size + std::string("\0\x11", 2);
    EXPECT_EQ(folded_sum(pseudo + packet.substr(40)), 0xffff) << payload;
  }
}

TEST(Udp, ADatagramIsHeardWithItsSender) {
  Fd server = listen_udp({{0x7f000001}, 0}, AddressNeed::kNow).value();
  EXPECT_FALSE(receive_datagram(server.get(), 10).value());
  Fd client = listen_udp({{0x7f000001}, 0}, AddressNeed::kNow).value();
  TcpAddress at = local_address(client.get()).value();
  EXPECT_NE(at.port, 0);
  EXPECT_NE(at.port, local_address(server.get())->port);
}

}  // namespace
}  // namespace berth::sys
