#include "base/ip_net.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(IpNet, IsReadAndWritten) {
  struct Case {
    const char* text;
    const char* net;
  };
  for (const Case& each :
       {Case{"10.0.0.1", "10.0.0.1/32"}, Case{"10.1.2.3/8", "10.0.0.0/8"},
        Case{"0.0.0.0/0", "0.0.0.0/0"}, Case{"fd00::1", "fd00::1/128"},
        Case{"fd00:1234::1/20", "fd00:1000::/20"}, Case{"::/0", "::/0"},
        Case{"::ffff:10.0.0.1", "10.0.0.1/32"}, Case{"::ffff:10.0.0.1/104", "10.0.0.0/8"},
        Case{"::ffff:10.0.0.1/95", "::fffe:0:0/95"}}) {
    auto net = parse_ip_net(each.text);
    ASSERT_TRUE(net) << each.text;
    EXPECT_EQ(to_string(*net), each.net);
    EXPECT_EQ(parse_ip_net(to_string(*net)), *net);
  }
}

TEST(IpNet, WhatIsNoneIsRefused) {
  using std::string_literals::operator""s;
  for (const std::string& text :
       {""s, "moon"s, "10.0.0"s, "10.0.0.1/"s, "10.0.0.1/33"s, "fd00::1/129"s, "10.0.0.1/-1"s,
        "10.0.0.1 "s, "10.0.0.1\0"s, "fd00::g"s, "/8"s, std::string(1000, '1')}) {
    EXPECT_EQ(parse_ip_net(text).error().code, Errc::kInvalid) << text;
  }
}

}  // namespace
}  // namespace berth
