#include "base/ipv6.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Ipv6, IsReadAndWrittenInItsShortestForm) {
  EXPECT_EQ(to_string(*parse_ipv6("FD00:0be:0:0:0:0:ac1d:0002")), "fd00:be::ac1d:2");
  EXPECT_EQ(to_string(*parse_ipv6("::")), "::");
  EXPECT_EQ(to_string(*parse_ipv6_net("fd00:be::/64")), "fd00:be::/64");
}

TEST(Ipv6, WhatIsNoneIsRefused) {
  using std::string_literals::operator""s;
  for (const std::string& text : {""s, "10.0.0.1"s, "::ffff:10.0.0.1"s, "fd00::1%eth0"s,
                                  "fd00::1 "s, "fd00::1\0"s, "fd00"s, std::string(1000, ':')}) {
    EXPECT_EQ(parse_ipv6(text).error().code, Errc::kInvalid) << text;
  }
  for (const char* text : {"fd00::", "fd00::/129", "fd00::/-1", "fd00::/"}) {
    EXPECT_FALSE(parse_ipv6_net(text)) << text;
  }
}

TEST(Ipv6, ANetworkHasNoBitsBehindItsPrefix) {
  EXPECT_EQ(to_string(parse_ipv6_net("fd00:1234::1/20")->network()), "fd00:1000::");
  EXPECT_EQ(to_string(parse_ipv6_net("fd00::1/0")->network()), "::");
}

TEST(Ipv6, UniqueLocalAddressesAreToldFromTheWorlds) {
  EXPECT_TRUE(is_unique_local(*parse_ipv6("fd00::1")));
  EXPECT_TRUE(is_unique_local(*parse_ipv6("fc00::1")));
  EXPECT_FALSE(is_unique_local(*parse_ipv6("2001:db8::1")));
  EXPECT_FALSE(is_unique_local(*parse_ipv6("fe80::1")));
}

}  // namespace
}  // namespace berth
