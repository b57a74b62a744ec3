#include "netns/proxy.h"
#include "netns/ipam.h"

#include <gtest/gtest.h>

namespace berth::netns {
namespace {

ProxyRules all_of_them() {
  ProxyRules rules{.ignored_uid = 1337, .ignored_gid = 0, .ingress_port = 15000};
  rules.egress_port = 15001;
  rules.app_ports = {8080, 80, 8080};
  rules.spared_ports = {22};
  rules.spared = {*parse_ip_net("169.254.170.2"), *parse_ip_net("fd00::/8")};
  return rules;
}

TEST(Proxy, EachRuleStandsInItsChain) {
  EXPECT_EQ(render_proxy(all_of_them()),
            "table inet berth_proxy {}\n"
            "delete table inet berth_proxy\n"
            "table inet berth_proxy {\n"
            "  chain ingress {\n"
            "    type nat hook prerouting priority -100; policy accept;\n"
            "    tcp dport { 80, 8080 } fib saddr type != local redirect to :15000\n"
            "  }\n"
            "  chain egress {\n"
            "    type nat hook output priority -100; policy accept;\n"
            "    fib daddr type local accept\n"
            "    meta skuid 1337 accept\n"
            "    meta skgid 0 accept\n"
            "    tcp dport { 22 } accept\n"
            "    ip daddr 169.254.170.2/32 accept\n"
            "    ip6 daddr fd00::/8 accept\n"
            "    meta l4proto tcp redirect to :15001\n"
            "  }\n"
            "}\n");
}

TEST(Proxy, WithoutAppPortsWhatComesInIsLeftAlone) {
  std::string text = render_proxy({.ignored_uid = 1337, .egress_port = 15001});
  EXPECT_EQ(text.find("prerouting"), std::string::npos) << text;
  EXPECT_EQ(text.find("skgid"), std::string::npos) << text;
  EXPECT_EQ(text.find("dport"), std::string::npos) << text;
}

TEST(Proxy, TheLeaseKeepsIt) {
  for (const ProxyRules& rules :
       {all_of_them(), ProxyRules{.ignored_gid = 5, .egress_port = 65535}}) {
    Lease lease;
    lease.task_id = "0123";
    lease.endpoints = {{.container = "task", .address = Ipv4{0xac1d0002}, .proxy = rules}};
    auto again = parse_lease(render_lease(lease));
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->endpoints.at(0).proxy, rules);
  }
  for (const char* damaged :
       {R"({"ignoredUid":1})", R"({"egressPort":0})", R"({"egressPort":65536})",
        R"({"egressPort":1,"ignoredGid":-1})", R"({"egressPort":1,"ignoredUid":4294967296})",
        R"({"egressPort":1,"appPorts":["80"]})", R"({"egressPort":1,"spared":["host"]})"}) {
    std::string text = R"({"version":1,"taskId":"0123","ownerPid":1,"ownerStart":1,"endpoints":[)"
                       R"({"container":"task","ports":[],"proxy":)" +
                       std::string(damaged) + "}]}";
    EXPECT_FALSE(parse_lease(text)) << damaged;
  }
}

}  // namespace
}  // namespace berth::netns
