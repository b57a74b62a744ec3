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

TEST(Firewall, ATwinIsAnElementToo) {
  auto bridge = *make_bridge_plan({.subnet6 = "fd00:be::/64"});
  GroupRule rule{.traffic = Traffic::kAll, .nets = {}};
  rule.nets6 = {*parse_ipv6_net("fd00::/8")};
  GroupRule ping{.traffic = Traffic::kIcmpv6, .nets = {}};
  ping.groups = {"web"};
  bridge.groups = {{.name = "web", .ingress = {rule, ping}, .egress = {}}};
  auto endpoint = make_endpoint(bridge, {"t", "task", Ipv4{0xac1d0002}, {}, {"web"}});
  std::string added = render_add(bridge, {endpoint});
  for (const std::string& line :
       {"add element bridge berth_default sources6 { \"" + endpoint.host_interface +
            "\" . 02:00:ac:1d:00:02 . fd00:be::ac1d:2 }",
        std::string("add rule inet berth_default in_web ip6 saddr fd00::/8 accept"),
        std::string("add rule inet berth_default in_web meta l4proto ipv6-icmp ip6 saddr "
                    "@members6_web accept"),
        std::string("add element inet berth_default egress6 { fd00:be::ac1d:2 : jump "
                    "from_ac1d0002 }"),
        std::string("add element inet berth_default members6_web { fd00:be::ac1d:2 }")}) {
    EXPECT_NE(added.find(line + "\n"), std::string::npos) << line << added;
  }
  EXPECT_EQ(added.find("ipv6-icmp ip saddr"), std::string::npos) << added;
  EXPECT_EQ(render_base(*make_bridge_plan({})).find("ip6 saddr fd00"), std::string::npos);
}

TEST(Firewall, APublishedPortLeadsToTheTwinToo) {
  auto bridge = *make_bridge_plan({.subnet6 = "fd00:be::/64"});
  auto endpoint = make_endpoint(bridge, {"t",
                                         "web",
                                         Ipv4{0xac1d0002},
                                         {{Ipv4{}, 8080, 80, Protocol::kTcp, 2},
                                          {Ipv4{0x0a000001}, 8090, 80, Protocol::kTcp}}});
  std::string added = render_add(bridge, {endpoint});
  std::string six =
      "add element inet berth_default hairpin6 { fd00:be::ac1d:2 . fd00:be::ac1d:2 }\n"
      "add element inet berth_default published6 { tcp . 8080 : fd00:be::ac1d:2 . 80, tcp . 8081 : "
      "fd00:be::ac1d:2 . 81 }\n";
  EXPECT_TRUE(added.ends_with(six)) << added;
  EXPECT_EQ(added.find("8090 : fd00"), std::string::npos) << added;
  EXPECT_NE(render_remove(bridge, {endpoint}).find("delete element inet berth_default published6"),
            std::string::npos);
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

TEST(Firewall, AMemberOfGroupsHasChainsOfItsOwn) {
  auto bridge = *make_bridge_plan({});
  GroupRule rule{.traffic = Traffic::kTcp, .first_port = 80, .last_port = 90, .nets = {}};
  rule.groups = {"c-1"};
  bridge.groups = {{.name = "web", .ingress = {rule}, .egress = {}},
                   {.name = "c-1", .ingress = {}, .egress = {}}};
  auto endpoint = make_endpoint(bridge, {"t", "task", Ipv4{0xac1d0002}, {}, {"web"}});
  auto has = [](const std::string& text, const std::string& line) {
    return text.find(line + "\n") != std::string::npos;
  };
  std::string added = render_add(bridge, {endpoint});
  for (const char* line :
       {"add set inet berth_default members_c_2d1 { type ipv4_addr; }",
        "add rule inet berth_default in_web tcp dport 80-90 ip saddr @members_c_2d1 accept",
        "add rule inet berth_default to_ac1d0002 jump in_web",
        "add rule inet berth_default from_ac1d0002 drop",
        "add element inet berth_default ingress { 172.29.0.2 : jump to_ac1d0002 }",
        "add element inet berth_default members_web { 172.29.0.2 }"}) {
    EXPECT_TRUE(has(added, line)) << line << added;
  }
  std::string removed = render_remove(bridge, {endpoint});
  for (const char* line : {"delete element inet berth_default egress { 172.29.0.2 : jump "
                           "from_ac1d0002 }",
                           "delete chain inet berth_default from_ac1d0002",
                           "delete element inet berth_default members_web { 172.29.0.2 }"}) {
    EXPECT_TRUE(has(removed, line)) << line << removed;
  }
  endpoint.groups.clear();
  EXPECT_FALSE(has(render_add(bridge, {endpoint}), "members"));
}

}  // namespace
}  // namespace berth::netns
