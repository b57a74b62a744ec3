#include "agent/fault_request.h"

#include <gtest/gtest.h>

namespace berth::agent {
namespace {

constexpr auto kNoWhere = R"(, "Sources": ["10.0.0.0/8"])";

TEST(FaultRequest, CallsAreTwoWords) {
  EXPECT_EQ(parse_fault_call({"network-latency", "stop"}),
            (FaultCall{FaultKind::kLatency, FaultOperation::kStop}));
  EXPECT_EQ(parse_fault_call({"network-blackhole-port", "status"}),
            (FaultCall{FaultKind::kBlackHole, FaultOperation::kStatus}));
  EXPECT_FALSE(parse_fault_call({"network-latency", "begin"}));
  EXPECT_FALSE(parse_fault_call({"latency", "start"}));
  EXPECT_FALSE(parse_fault_call({"network-latency"}));
  EXPECT_TRUE(has_fault_body({FaultKind::kBlackHole, FaultOperation::kStop}));
  EXPECT_FALSE(has_fault_body({FaultKind::kLatency, FaultOperation::kStop}));
}

TEST(FaultRequest, BodiesBecomeFaults) {
  auto hole = parse_fault(FaultKind::kBlackHole,
                          R"({"port": 443, "Protocol": "udp", "TrafficType": "egress",
                              "SourcesToFilter": ["::1"], "unknown": {}})");
  ASSERT_TRUE(hole);
  EXPECT_EQ(std::get<netns::BlackHole>(*hole),
            (netns::BlackHole{.direction = netns::TrafficDirection::kEgress,
                              .protocol = netns::Protocol::kUdp,
                              .port = 443,
                              .spared = {*parse_ip_net("::1")}}));
  auto latency = parse_fault(FaultKind::kLatency,
                             R"({"DelayMilliseconds": 0, "JitterMilliseconds": 7,
                                 "Sources": ["10.0.0.0/8"], "FlowsPercent": 35})");
  ASSERT_TRUE(latency);
  const auto& impairment = std::get<netns::Impairment>(*latency);
  EXPECT_EQ(impairment.jitter, std::chrono::milliseconds(7));
  EXPECT_EQ(impairment.flows_percent, 35);
  auto loss = parse_fault(FaultKind::kPacketLoss, R"({"LossPercent": 100, "Sources": ["::/0"]})");
  ASSERT_TRUE(loss);
  EXPECT_EQ(std::get<netns::Impairment>(*loss).kind, netns::Impairment::Kind::kLoss);
  EXPECT_EQ(std::get<netns::Impairment>(*loss).flows_percent, 100);
}

TEST(FaultRequest, RefusalsAreTheAgents) {
  struct Case {
    FaultKind kind;
    std::string body;
    const char* refusal;
  };
  using enum FaultKind;
  std::string sources = kNoWhere;
  const Case cases[] = {
      {kBlackHole, " ", "required request body is missing"},
      {kBlackHole, "{", "the request body is not valid JSON"},
      {kBlackHole, "[]",
       "json: cannot unmarshal array into Go value of type types.NetworkBlackholePortRequest"},
      {kBlackHole, "{}", "required parameter Port is missing"},
      {kBlackHole, R"({"Port": null})", "required parameter Port is missing"},
      {kBlackHole, R"({"Port": "1"})",
       "json: cannot unmarshal string into Go struct field NetworkBlackholePortRequest.Port of "
       "type uint16"},
      {kBlackHole, R"({"Port": -1})",
       "json: cannot unmarshal number -1 into Go struct field NetworkBlackholePortRequest.Port of "
       "type uint16"},
      {kBlackHole, R"({"Port": 1, "Protocol": 6})",
       "json: cannot unmarshal number into Go struct field NetworkBlackholePortRequest.Protocol of "
       "type string"},
      {kBlackHole, R"({"Port": 1})", "required parameter Protocol is missing"},
      {kBlackHole, R"({"Port": 1, "Protocol": "tcp"})",
       "required parameter TrafficType is missing"},
      {kBlackHole, R"({"Port": 1, "Protocol": "TCP", "TrafficType": "ingress"})",
       "invalid value TCP for parameter Protocol"},
      {kBlackHole, R"({"Port": 1, "Protocol": "tcp", "TrafficType": "both"})",
       "invalid value both for parameter TrafficType"},
      {kBlackHole,
       R"({"Port": 1, "Protocol": "tcp", "TrafficType": "egress", "SourcesToFilter": [null]})",
       "invalid value  for parameter SourcesToFilter"},
      {kLatency, "{}", "required parameter DelayMilliseconds is missing"},
      {kLatency, R"({"DelayMilliseconds": 1})", "required parameter JitterMilliseconds is missing"},
      {kLatency, R"({"DelayMilliseconds": 0, "JitterMilliseconds": 0})",
       "required either DelayMilliseconds or JitterMilliseconds to be non-zero"},
      {kLatency, R"({"DelayMilliseconds": 1, "JitterMilliseconds": 0})",
       "required parameter Sources is missing"},
      {kLatency, R"({"DelayMilliseconds": 1, "JitterMilliseconds": 0, "Sources": "::/0"})",
       "json: cannot unmarshal string into Go struct field NetworkLatencyRequest.Sources of type "
       "[]*string"},
      {kLatency, R"({"DelayMilliseconds": 18446744073709551615, "JitterMilliseconds": 0})",
       "invalid value 18446744073709551615 for parameter DelayMilliseconds"},
      {kLatency,
       R"({"DelayMilliseconds": 1, "JitterMilliseconds": 0, "FlowsPercent": 0)" + sources + "}",
       "invalid value 0 for parameter flowsPercent"},
      {kPacketLoss, "{}", "required parameter LossPercent is missing"},
      {kPacketLoss, R"({"LossPercent": 101})", "invalid value 101 for parameter LossPercent"},
      {kPacketLoss, R"({"LossPercent": 1.5})",
       "json: cannot unmarshal number 1.5 into Go struct field "
       "NetworkPacketLossRequest.LossPercent "
       "of type uint64"},
      {kPacketLoss, R"({"LossPercent": 1, "FlowsPercent": 101)" + sources + "}",
       "invalid value 101 for parameter flowsPercent"},
  };
  for (const Case& each : cases) {
    auto parsed = parse_fault(each.kind, each.body);
    ASSERT_FALSE(parsed) << each.body;
    EXPECT_EQ(parsed.error().text, each.refusal) << each.body;
  }
}

}  // namespace
}  // namespace berth::agent
