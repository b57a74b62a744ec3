#include "netns/fault.h"

#include "sys/traffic_control.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace berth::netns {
namespace {

Impairment latency_of(int flows_percent) {
  Impairment impairment;
  impairment.delay = std::chrono::milliseconds(300);
  impairment.sources = {*parse_ip_net("10.0.0.0/8"), *parse_ip_net("fd00::/8")};
  impairment.spared = {*parse_ip_net("10.1.0.0/16")};
  impairment.flows_percent = flows_percent;
  return impairment;
}

long count_of(const ImpairmentPlan& plan, const std::string& kind) {
  return std::ranges::count(plan.qdiscs, kind, &sys::Qdisc::kind);
}

TEST(Fault, EveryConnectionNeedsOneNetem) {
  ImpairmentPlan plan = plan_impairment(latency_of(100), 0x7000);
  ASSERT_EQ(plan.qdiscs.size(), 2u);
  EXPECT_EQ(plan.qdiscs[0].parent, 0u);
  EXPECT_EQ(plan.qdiscs[0].handle, 0x70000000u);
  EXPECT_EQ(plan.qdiscs[1].kind, "netem");
  EXPECT_EQ(plan.qdiscs[1].parent, 0x70000001u);
  // What is spared is asked for first; the versions of IP have priorities of their own.
  ASSERT_EQ(plan.filters.size(), 3u);
  EXPECT_EQ(plan.filters[0].priority, 1);
  EXPECT_EQ(plan.filters[1].priority, 3);
  EXPECT_EQ(plan.filters[2].priority, 4);
  EXPECT_NE(plan.filters[1].protocol, plan.filters[2].protocol);
}

TEST(Fault, APercentageIsSoManyOfTenAndOfTenOfOne) {
  struct Case {
    int percent;
    long netems;
    long prios;
  };
  for (const Case& each : {Case{1, 1, 3}, Case{9, 9, 3}, Case{10, 1, 2}, Case{35, 8, 3},
                           Case{90, 9, 2}, Case{99, 18, 3}}) {
    ImpairmentPlan plan = plan_impairment(latency_of(each.percent), 0x7ffc);
    EXPECT_EQ(count_of(plan, "netem"), each.netems) << each.percent;
    EXPECT_EQ(count_of(plan, "prio"), each.prios) << each.percent;
    // Each has a place that was made before it, and to itself.
    for (size_t i = 1; i < plan.qdiscs.size(); ++i) {
      uint32_t of = plan.qdiscs[i].parent & 0xffff0000;
      EXPECT_TRUE(std::any_of(plan.qdiscs.begin(), plan.qdiscs.begin() + static_cast<long>(i),
                              [&](const sys::Qdisc& made) { return made.handle == of; }));
      EXPECT_EQ(std::ranges::count(plan.qdiscs, plan.qdiscs[i].parent, &sys::Qdisc::parent), 1);
    }
  }
}

TEST(Fault, TheNumberOfATaskIsBelowThoseOfTheKernel) {
  for (const char* id : {"", "a", "0123456789abcdef0123456789abcdef", "ffff"}) {
    uint16_t major = impairment_major(id);
    EXPECT_TRUE(major >= 0x7000 && major <= 0x7ffc && major % 4 == 0) << id;
    EXPECT_EQ(impairment_major(id), major);
  }
}

TEST(Fault, LossIsKnownByItsOptions) {
  EXPECT_TRUE(sys::netem_loses(sys::netem_options({.loss_percent = 1})));
  EXPECT_FALSE(sys::netem_loses(sys::netem_options({.delay = std::chrono::seconds(1)})));
}

TEST(Fault, ABlackHoleIsATableThatSparesTheEndpoint) {
  BlackHole hole{.direction = TrafficDirection::kEgress,
                 .protocol = Protocol::kUdp,
                 .port = 53,
                 .spared = {*parse_ip_net("10.0.0.1"), *parse_ip_net("fd00::1/16")}};
  EXPECT_EQ(black_hole_table("p", hole), "p_egress_udp_53");
  SparedAddress endpoint{{0xa9feaa02}, 80};
  EXPECT_EQ(render_black_hole("t", hole, endpoint),
            "table inet t {\n"
            "  chain fault {\n"
            "    type filter hook output priority -10; policy accept;\n"
            "    ip daddr 169.254.170.2 tcp dport 80 accept\n"
            "    ip daddr 10.0.0.1/32 accept\n"
            "    ip6 daddr fd00::/16 accept\n"
            "    udp dport 53 drop\n"
            "  }\n"
            "}\n");
  hole.direction = TrafficDirection::kIngress;
  std::string ingress = render_black_hole("t", hole, endpoint);
  EXPECT_NE(ingress.find("hook input "), std::string::npos);
  EXPECT_NE(ingress.find("    ip saddr 10.0.0.1/32 accept\n"), std::string::npos);
}

}  // namespace
}  // namespace berth::netns
