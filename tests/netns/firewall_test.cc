#include "netns/firewall.h"

#include <gtest/gtest.h>

namespace berth::netns {
namespace {

TEST(Firewall, ATaskIsElements) {
  auto bridge = *make_bridge_plan({});
  auto endpoint =
      make_endpoint(bridge, {"t", "task", Ipv4{0xac1d0002}, {{Ipv4{}, 8080, 80, Protocol::kTcp}}});
  EXPECT_EQ(render_add(bridge, {endpoint}),
            "add element bridge berth_default sources { \"" + endpoint.host_interface +
                "\" . 02:00:ac:1d:00:02 . 172.29.0.2 }\n"
                "add element inet berth_default hairpin { 172.29.0.2 . 172.29.0.2 }\n"
                "add element inet berth_default published { tcp . 8080 : 172.29.0.2 . 80 }\n");
}

TEST(Firewall, ARangeIsAnElementForEachPort) {
  auto bridge = *make_bridge_plan({});
  auto endpoint = make_endpoint(
      bridge, {"t", "web", Ipv4{0xac1d0002}, {{Ipv4{}, 40000, 80, Protocol::kUdp, 3}}});
  std::string elements =
      "element inet berth_default published { udp . 40000 : 172.29.0.2 . 80, udp . 40001 : "
      "172.29.0.2 . 81, udp . 40002 : 172.29.0.2 . 82 }\n";
  EXPECT_TRUE(render_add(bridge, {endpoint}).ends_with("add " + elements));
  EXPECT_TRUE(render_remove(bridge, {endpoint}).ends_with("delete " + elements));
}

}  // namespace
}  // namespace berth::netns
