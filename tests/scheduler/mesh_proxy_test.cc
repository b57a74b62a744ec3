#include "scheduler/task_definition_parse.h"
#include "support/definition_rules.h"

#include <gtest/gtest.h>

namespace berth::scheduler {
namespace {

constexpr const char* kComplete =
    R"({"name":"IgnoredUID","value":"1337"},{"name":"ProxyEgressPort","value":"15001"})";

std::string with_proxy(const std::string& members) {
  return definition_with(kAwsvpc + R"("proxyConfiguration":{)" + members + "},", "");
}

std::string with_properties(const std::string& properties) {
  return with_proxy(R"("containerName":"a","properties":[)" + properties + "]");
}

std::string property(const std::string& name, const std::string& value) {
  return R"({"name":")" + name + R"(","value":")" + value + "\"}";
}

TEST(MeshProxy, IsReadWithAllItsProperties) {
  std::string text = with_properties(
      property("IgnoredUID", "1337") + "," + property("IgnoredGID", "1338") + "," +
      property("ProxyIngressPort", "15000") + "," + property("ProxyEgressPort", " 15001") + "," +
      property("AppPorts", "80, 8080,") + "," + property("EgressIgnoredPorts", "22") + "," +
      property("EgressIgnoredIPs", "10.0.0.0/8 ,fd00::1"));
  auto read = read_task_definition(text, "test", CpuArchitecture::kX86_64);
  ASSERT_TRUE(read) << read.error().text;
  MeshProxy expected{.container_name = "a", .ignored_uid = 1337, .ignored_gid = 1338};
  expected.proxy_ingress_port = 15000;
  expected.proxy_egress_port = 15001;
  expected.app_ports = {80, 8080};
  expected.egress_ignored_ports = {22};
  expected.egress_ignored_ips = {*parse_ip_net("10.0.0.0/8"), *parse_ip_net("fd00::1")};
  EXPECT_EQ(read->proxy, expected);
}

TEST(MeshProxy, OnFargateToo) {
  std::string text =
      definition_with(kFargate + R"("proxyConfiguration":{"type":"APPMESH",)" +
                          R"("containerName":"a","properties":[)" + kComplete + "]},",
                      "");
  EXPECT_EQ(findings(text), std::vector<std::string>{});
}

TEST(MeshProxy, WhatIsMissingIsNamed) {
  const std::string kHere = "proxyConfiguration.properties: ";
  expect_each({
      {with_properties(property("ProxyEgressPort", "1")),
       kHere + "missing required parameter ignoredGID or ignoredUID"},
      {with_properties(property("IgnoredGID", "0")),
       kHere + "missing required parameter proxyEgressPort"},
      {with_properties(std::string(kComplete) + "," + property("AppPorts", "80")),
       kHere + "missing parameter proxyIngressPort (required if appPorts are provided)"},
      {with_properties(std::string(kComplete) + "," + property("ProxyIngressPort", "80")),
       kHere + "missing parameter appPorts (required if proxyIngressPort is provided)"},
      {with_proxy(R"("properties":[)" + std::string(kComplete) + "]"),
       "proxyConfiguration.containerName: is required and must not be empty"},
      {with_proxy(R"("containerName":"p","properties":[)" + std::string(kComplete) + "]"),
       "proxyConfiguration.containerName: Proxy container [p] does not exist"},
      {definition_with(
           kEc2 + R"("proxyConfiguration":{"containerName":"a","properties":[)" + kComplete + "]},",
           ""),
       "proxyConfiguration: APPMESH proxy configuration is only supported in networkMode=awsvpc"},
  });
}

TEST(MeshProxy, WhatIsWrongIsNamed) {
  const std::string kHere = "proxyConfiguration.properties: ";
  auto wrong = [](const std::string& name, const std::string& value) {
    return with_properties(std::string(kComplete) + "," + property(name, value));
  };
  std::string many = "1";
  for (int i = 2; i <= 64; ++i) many += "," + std::to_string(i);
  EXPECT_EQ(findings(wrong("EgressIgnoredPorts", many)), std::vector<std::string>{});
  expect_each({
      {wrong("EgressIgnoredPorts", many + ",65"), kHere + "EgressIgnoredPorts: at most 64 items, "
                                                          "not 65"},
      {wrong("ProxyEgressPort", "0"), kHere + "invalid port [0] specified"},
      {wrong("AppPorts", "80,65536"), kHere + "invalid port [65536] specified"},
      {wrong("EgressIgnoredPorts", "ssh"), kHere + "invalid port [ssh] specified"},
      {wrong("EgressIgnoredIPs", "10.0.0.1,host"),
       kHere + "invalid IP or CIDR block [host] specified in egressIgnoredIPs"},
      {wrong("IgnoredUID", "envoy"),
       kHere + "IgnoredUID: 'envoy' is no id: a number from 0 to 4294967294"},
      {wrong("IgnoredGID", "4294967295"),
       kHere + "IgnoredGID: '4294967295' is no id: a number from 0 to 4294967294"},
      {wrong("ignoredUID", "1"),
       kHere + "not supported: 'ignoredUID'; App Mesh knows IgnoredUID, IgnoredGID, "
               "ProxyIngressPort, ProxyEgressPort, AppPorts, EgressIgnoredPorts, "
               "EgressIgnoredIPs"},
      {with_proxy(R"("type":"ENVOY","containerName":"a","properties":[)" + std::string(kComplete) +
                  "]"),
       "proxyConfiguration.type: 'ENVOY' is not one of [APPMESH]"},
  });
}

}  // namespace
}  // namespace berth::scheduler
