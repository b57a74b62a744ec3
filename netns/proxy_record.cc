#include "netns/proxy_record.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace berth::netns {
namespace {

Result<uint16_t> recorded_port(const json::Node& node) {
  uint64_t port = TRY(node.as_u64());
  if (port < 1 || port > 65535) return fail(Errc::kCorrupt, "{}: no port", node.path());
  return static_cast<uint16_t>(port);
}

Result<std::vector<uint16_t>> recorded_ports(const json::Node& node, std::string_view key) {
  std::vector<uint16_t> ports;
  for (const json::Node& each : TRY(node.find_array(key))) {
    ports.push_back(TRY(recorded_port(each)));
  }
  return ports;
}

Result<std::optional<uint32_t>> recorded_id(const json::Node& node, std::string_view key) {
  auto id = TRY(node.find_u64(key));
  if (!id) return std::optional<uint32_t>();
  if (*id > std::numeric_limits<uint32_t>::max()) {
    return fail(Errc::kCorrupt, "{}.{}: no id", node.path(), key);
  }
  return std::optional(static_cast<uint32_t>(*id));
}

}  // namespace

nlohmann::json render_proxy_record(const ProxyRules& rules) {
  nlohmann::json record = {{"egressPort", rules.egress_port},
                           {"appPorts", rules.app_ports},
                           {"sparedPorts", rules.spared_ports},
                           {"spared", nlohmann::json::array()}};
  if (rules.ignored_uid) record["ignoredUid"] = *rules.ignored_uid;
  if (rules.ignored_gid) record["ignoredGid"] = *rules.ignored_gid;
  if (rules.ingress_port != 0) record["ingressPort"] = rules.ingress_port;
  for (const IpNet& net : rules.spared) record["spared"].push_back(to_string(net));
  return record;
}

Result<ProxyRules> parse_proxy_record(const json::Node& node) {
  ProxyRules rules;
  rules.ignored_uid = TRY(recorded_id(node, "ignoredUid"));
  rules.ignored_gid = TRY(recorded_id(node, "ignoredGid"));
  auto ingress = node.find("ingressPort");
  if (ingress) rules.ingress_port = TRY(recorded_port(*ingress));
  json::Node egress = TRY(node.at("egressPort"));
  rules.egress_port = TRY(recorded_port(egress));
  rules.app_ports = TRY(recorded_ports(node, "appPorts"));
  rules.spared_ports = TRY(recorded_ports(node, "sparedPorts"));
  for (const std::string& net : TRY(node.find_strings("spared"))) {
    rules.spared.push_back(TRY(parse_ip_net(net)));
  }
  return rules;
}

}  // namespace berth::netns
