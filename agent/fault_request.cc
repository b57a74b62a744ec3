#include "agent/fault_request.h"

#include "base/text.h"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>

namespace berth::agent {
namespace {

constexpr size_t kValueShown = 100;
constexpr int kFlowsMax = 100;
// The kernel counts nanoseconds in 63 bits.
constexpr uint64_t kMillisecondsMax = std::numeric_limits<int64_t>::max() / 1'000'000;

constexpr std::array<std::pair<std::string_view, FaultKind>, 3> kKinds = {
    {{"network-blackhole-port", FaultKind::kBlackHole},
     {"network-latency", FaultKind::kLatency},
     {"network-packet-loss", FaultKind::kPacketLoss}}};
constexpr std::array<std::pair<std::string_view, FaultOperation>, 3> kOperations = {
    {{"start", FaultOperation::kStart},
     {"stop", FaultOperation::kStop},
     {"status", FaultOperation::kStatus}}};

template <class Table>
auto find_named(const Table& table, std::string_view name)
    -> std::optional<typename Table::value_type::second_type> {
  for (const auto& [known, value] : table) {
    if (known == name) return value;
  }
  return std::nullopt;
}

tl::unexpected<Error> refuse(const std::string& text) {
  return fail(Errc::kInvalid, "{}", text);
}

tl::unexpected<Error> missing(const char* parameter) {
  return refuse(fmt::format("required parameter {} is missing", parameter));
}

tl::unexpected<Error> invalid(std::string_view value, const char* parameter) {
  return refuse(
      fmt::format("invalid value {} for parameter {}", printable(value, kValueShown), parameter));
}

// A body's members, read as Go's encoding/json reads them into the agent's structures.
class Body {
 public:
  Body(const char* structure, nlohmann::json members)
      : structure_(structure), members_(std::move(members)) {}

  // Nothing when it is not there or null.
  Result<std::optional<uint64_t>> number(const char* name, const char* type, uint64_t max) const {
    const nlohmann::json* found = find(name);
    if (found == nullptr) return std::nullopt;
    if (!found->is_number_unsigned() || found->get<uint64_t>() > max) {
      return mismatch(*found, name, type);
    }
    return found->get<uint64_t>();
  }
  Result<std::optional<int64_t>> signed_number(const char* name) const {
    const nlohmann::json* found = find(name);
    if (found == nullptr) return std::nullopt;
    bool is_too_large =
        found->is_number_unsigned() && found->get<uint64_t>() > std::numeric_limits<int64_t>::max();
    if (!found->is_number_integer() || is_too_large) return mismatch(*found, name, "int");
    return found->get<int64_t>();
  }
  Result<std::string> text(const char* name) const {
    const nlohmann::json* found = find(name);
    if (found == nullptr) return "";
    if (!found->is_string()) return mismatch(*found, name, "string");
    return found->get<std::string>();
  }
  Result<std::vector<std::string>> texts(const char* name) const {
    std::vector<std::string> texts;
    const nlohmann::json* found = find(name);
    if (found == nullptr) return texts;
    if (!found->is_array()) return mismatch(*found, name, "[]*string");
    for (const nlohmann::json& each : *found) {
      if (!each.is_string() && !each.is_null()) return mismatch(each, name, "string");
      texts.push_back(each.is_null() ? "" : each.get<std::string>());
    }
    return texts;
  }

 private:
  const nlohmann::json* find(const char* name) const {
    const nlohmann::json* found = nullptr;
    for (const auto& [key, value] : members_.items()) {
      if (key == name) return value.is_null() ? nullptr : &value;
      if (to_lower(key) == to_lower(name) && !value.is_null()) found = &value;
    }
    return found;
  }

  tl::unexpected<Error> mismatch(const nlohmann::json& value, const char* name,
                                 const char* type) const {
    std::string what = value.is_boolean() ? "bool" : value.type_name();
    if (value.is_number()) {
      what = std::string_view(type) == "string" ? "number" : "number " + value.dump();
    }
    return refuse(fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                              what, structure_, name, type));
  }

  const char* structure_;
  nlohmann::json members_;
};

Result<Body> parse_body(const char* structure, std::string_view text) {
  if (trim(text).empty()) return refuse("required request body is missing");
  nlohmann::json members = nlohmann::json::parse(text, nullptr, false);
  if (members.is_discarded()) return refuse("the request body is not valid JSON");
  if (members.is_null()) members = nlohmann::json::object();
  if (!members.is_object()) {
    std::string what = members.is_boolean() ? "bool" : members.type_name();
    return refuse(
        fmt::format("json: cannot unmarshal {} into Go value of type types.{}", what, structure));
  }
  return Body(structure, std::move(members));
}

Result<std::vector<IpNet>> parse_nets(const std::vector<std::string>& texts,
                                      const char* parameter) {
  std::vector<IpNet> nets;
  for (const std::string& text : texts) {
    auto net = parse_ip_net(text);
    if (!net) return invalid(text, parameter);
    nets.push_back(*net);
  }
  return nets;
}

Result<Fault> parse_black_hole(const Body& body) {
  auto port = TRY(body.number("Port", "uint16", std::numeric_limits<uint16_t>::max()));
  auto protocol = TRY(body.text("Protocol"));
  auto direction = TRY(body.text("TrafficType"));
  auto spared = TRY(body.texts("SourcesToFilter"));
  if (!port) return missing("Port");
  if (protocol.empty()) return missing("Protocol");
  if (direction.empty()) return missing("TrafficType");
  if (protocol != "tcp" && protocol != "udp") return invalid(protocol, "Protocol");
  if (direction != "ingress" && direction != "egress") return invalid(direction, "TrafficType");
  netns::BlackHole hole;
  hole.port = static_cast<uint16_t>(*port);
  hole.protocol = protocol == "tcp" ? netns::Protocol::kTcp : netns::Protocol::kUdp;
  hole.direction =
      direction == "ingress" ? netns::TrafficDirection::kIngress : netns::TrafficDirection::kEgress;
  hole.spared = TRY(parse_nets(spared, "SourcesToFilter"));
  return hole;
}

// What latency and packet loss have in common, behind what is their own.
Result<Fault> parse_reach(const Body& body, netns::Impairment impairment) {
  auto sources = TRY(body.texts("Sources"));
  auto spared = TRY(body.texts("SourcesToFilter"));
  auto flows = TRY(body.signed_number("FlowsPercent"));
  if (sources.empty()) return missing("Sources");
  impairment.sources = TRY(parse_nets(sources, "Sources"));
  impairment.spared = TRY(parse_nets(spared, "SourcesToFilter"));
  if (flows && (*flows <= 0 || *flows > kFlowsMax)) {
    return invalid(std::to_string(*flows), "flowsPercent");
  }
  impairment.flows_percent = static_cast<int>(flows.value_or(kFlowsMax));
  return impairment;
}

Result<Fault> parse_latency(const Body& body) {
  constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
  auto delay = TRY(body.number("DelayMilliseconds", "uint64", kAny));
  auto jitter = TRY(body.number("JitterMilliseconds", "uint64", kAny));
  if (!delay) return missing("DelayMilliseconds");
  if (!jitter) return missing("JitterMilliseconds");
  if (*delay == 0 && *jitter == 0) {
    return refuse("required either DelayMilliseconds or JitterMilliseconds to be non-zero");
  }
  if (*delay > kMillisecondsMax) return invalid(std::to_string(*delay), "DelayMilliseconds");
  if (*jitter > kMillisecondsMax) return invalid(std::to_string(*jitter), "JitterMilliseconds");
  netns::Impairment impairment;
  impairment.delay = std::chrono::milliseconds(*delay);
  impairment.jitter = std::chrono::milliseconds(*jitter);
  return parse_reach(body, std::move(impairment));
}

Result<Fault> parse_packet_loss(const Body& body) {
  constexpr uint64_t kAny = std::numeric_limits<uint64_t>::max();
  auto loss = TRY(body.number("LossPercent", "uint64", kAny));
  if (!loss) return missing("LossPercent");
  if (*loss < 1 || *loss > 100) return invalid(std::to_string(*loss), "LossPercent");
  netns::Impairment impairment;
  impairment.kind = netns::Impairment::Kind::kLoss;
  impairment.loss_percent = static_cast<int>(*loss);
  return parse_reach(body, std::move(impairment));
}

}  // namespace

std::optional<FaultCall> parse_fault_call(const std::vector<std::string>& words) {
  if (words.size() != 2) return std::nullopt;
  auto kind = find_named(kKinds, words[0]);
  auto operation = find_named(kOperations, words[1]);
  if (!kind || !operation) return std::nullopt;
  return FaultCall{*kind, *operation};
}

bool has_fault_body(FaultCall call) {
  return call.kind == FaultKind::kBlackHole || call.operation == FaultOperation::kStart;
}

Result<Fault> parse_fault(FaultKind kind, std::string_view text) {
  const char* structure = kind == FaultKind::kBlackHole ? "NetworkBlackholePortRequest"
                          : kind == FaultKind::kLatency ? "NetworkLatencyRequest"
                                                        : "NetworkPacketLossRequest";
  Body body = TRY(parse_body(structure, text));
  switch (kind) {
    case FaultKind::kBlackHole:
      return parse_black_hole(body);
    case FaultKind::kLatency:
      return parse_latency(body);
    case FaultKind::kPacketLoss:
      return parse_packet_loss(body);
  }
  return refuse("no such fault");
}

}  // namespace berth::agent
