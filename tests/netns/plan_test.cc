#include "netns/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::netns {
namespace {

TEST(Plan, EndpointIsDerivedFromItsIds) {
  auto bridge = make_bridge_plan({});
  ASSERT_TRUE(bridge);
  auto endpoint = make_endpoint(
      *bridge, {"0123", "web", Ipv4{0xac1d0002}, {{Ipv4{0}, 8080, 80, Protocol::kTcp}}});
  EXPECT_LE(endpoint.host_interface.size(), sys::kInterfaceNameMax);
  EXPECT_THAT(endpoint.host_interface, testing::StartsWith(interface_prefix("default")));
  EXPECT_EQ(render(endpoint), "endpoint 0123/web\n  host interface " + endpoint.host_interface +
                                  "\n  interface eth0\n  address 172.29.0.2/16\n"
                                  "  gateway 172.29.0.1\n  mac 02:00:ac:1d:00:02\n  mtu 1500\n"
                                  "  port 0.0.0.0:8080 -> 80/tcp\n");
}

TEST(Plan, TheTwinHasTheIpv4AddressInItsLastBytes) {
  auto bridge = *make_bridge_plan({.subnet6 = "fd00:be::/64"});
  auto endpoint = make_endpoint(bridge, {"t", "task", Ipv4{0xac1d0002}, {}});
  ASSERT_TRUE(endpoint.address6);
  EXPECT_EQ(to_string(*endpoint.address6), "fd00:be::ac1d:2");
  EXPECT_FALSE(twin_of(*make_bridge_plan({}), Ipv4{0xac1d0002}));
}

TEST(Plan, WrongSettingsAreNamed) {
  EXPECT_FALSE(make_bridge_plan({.instance = "A b"}));
  EXPECT_FALSE(make_bridge_plan({.name = "sixteen-letters-"}));
  EXPECT_FALSE(make_bridge_plan({.subnet = "172.29.0.1/16"}));
  EXPECT_FALSE(make_bridge_plan({.subnet = "172.29.0.0/30"}));
  for (const char* subnet : {"fd00::1/64", "fd00::/97", "fe80::/64", "fd00::", "10.0.0.0/8"}) {
    EXPECT_FALSE(make_bridge_plan({.subnet6 = subnet})) << subnet;
  }
}

}  // namespace
}  // namespace berth::netns
