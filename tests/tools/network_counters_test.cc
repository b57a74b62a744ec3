#include "tools/network_counters.h"

#include <gtest/gtest.h>

namespace berth::tools {
namespace {

TEST(NetworkCounters, AreThoseOfAllInterfacesButTheLoopback) {
  constexpr const char* kText =
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
      "    lo:    1000      10    0    0    0     0          0         0     1000      10    0    "
      "0\n"
      "  eth0:     126       3    0    0    0     0          0         0       84       2    0    "
      "0\n"
      "  eth1:1000000000000 3    0    0    0     0          0         0        1       2    0    "
      "0\n";
  EXPECT_EQ(parse_network_counters(kText), (NetworkCounters{1000000000126, 85}));
}

TEST(NetworkCounters, WhatIsNoLineCountsAsNothing) {
  EXPECT_EQ(parse_network_counters(""), NetworkCounters());
  EXPECT_EQ(parse_network_counters("eth0: 1 2 3\nnonsense\n"), NetworkCounters());
}

}  // namespace
}  // namespace berth::tools
