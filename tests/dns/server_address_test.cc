#include "dns/server_address.h"

#include <gtest/gtest.h>

namespace berth::dns {
namespace {

TEST(DnsServerAddress, IsReadAsItIsShown) {
  for (const char* text : {"10.0.0.2", "10.0.0.2:5353", "fd00::1", "fe80::1%eth0", "[::1]:5353",
                           "[fe80::1%eth0]:54"}) {
    auto server = parse_server_address(text);
    ASSERT_TRUE(server) << text;
    EXPECT_EQ(to_text(*server), text);
  }
  EXPECT_EQ(parse_server_address("[::1]").value(), (ServerAddress{"::1", 53}));
  EXPECT_EQ(parse_server_address("10.0.0.2:53").value(), (ServerAddress{"10.0.0.2", 53}));
}

TEST(DnsServerAddress, ThatIsNoneIsRefused) {
  for (const char* text :
       {"", "x", "10.0.0", "10.0.0.2:", "10.0.0.2:0", "10.0.0.2:65536", "10.0.0.2:x", "[::1",
        "[::1]x", "[::1]:", "10.0.0.0/8", "fe80::1%", "10.0.0.2%eth0", "ns.example", "[]:53"}) {
    EXPECT_FALSE(parse_server_address(text)) << text;
  }
}

TEST(DnsServerAddress, ThoseOfAResolvConf) {
  std::vector<ServerAddress> servers = servers_of_resolv_conf(
      "# nameserver 10.0.0.1\nnameserver 127.0.0.53\n\tnameserver 10.0.0.2\nnameserver\t10.0.0.3 # "
      "x\n"
      "nameserver fe80::1%eth0\nnameserver x\nnameservers 10.0.0.4\nsearch a\nnameserver\n");
  EXPECT_EQ(servers, (std::vector<ServerAddress>{
                         {"127.0.0.53", 53}, {"10.0.0.3", 53}, {"fe80::1%eth0", 53}}));
}

}  // namespace
}  // namespace berth::dns
