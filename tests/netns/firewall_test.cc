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

}  // namespace
}  // namespace berth::netns
