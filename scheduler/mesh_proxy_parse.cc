#include "scheduler/mesh_proxy_parse.h"

#include "base/text.h"
#include "scheduler/key_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <limits>

namespace berth::scheduler {
namespace {

constexpr size_t kPropertyShown = 60;
constexpr uint64_t kProxyPortMax = 65535;
constexpr uint64_t kProxyIdMax = std::numeric_limits<uint32_t>::max() - 1;  // above it: "no id"
constexpr std::string_view kProperties[] = {"IgnoredUID",      "IgnoredGID", "ProxyIngressPort",
                                            "ProxyEgressPort", "AppPorts",   "EgressIgnoredPorts",
                                            "EgressIgnoredIPs"};

// Properties by name. What is wrong is told of "properties": they are a list in the JSON.
class Properties {
 public:
  Properties(Reader& reader, const json::Node& node)
      : reader_(reader), node_(node), items_(read_variables(reader, node, "properties")) {
    for (const KeyValue& each : items_) {
      if (std::ranges::find(kProperties, each.name) != std::end(kProperties)) continue;
      reader.refused_at(node, "properties",
                        fmt::format("not supported: '{}'; App Mesh knows {}",
                                    printable(each.name, kPropertyShown), join_names()));
    }
  }

  void invalid(std::string message) {
    reader_.invalid_at(node_, "properties", std::move(message));
    is_faulty_ = true;
  }
  bool is_faulty() const { return is_faulty_; }

  std::optional<uint16_t> port(std::string_view name) {
    std::string text = text_of(name);
    if (text.empty()) return std::nullopt;
    return port_in(text);
  }

  std::vector<uint16_t> ports(std::string_view name) {
    std::vector<uint16_t> ports;
    for (const std::string& item : items_of(name)) {
      if (auto port = port_in(item)) ports.push_back(*port);
    }
    return ports;
  }

  std::vector<IpNet> nets(std::string_view name) {
    std::vector<IpNet> nets;
    for (const std::string& item : items_of(name)) {
      auto net = parse_ip_net(item);
      if (net) {
        nets.push_back(*net);
      } else {
        invalid(fmt::format("invalid IP or CIDR block [{}] specified in egressIgnoredIPs",
                            printable(item, kPropertyShown)));
      }
    }
    return nets;
  }

  std::optional<uint32_t> id(std::string_view name) {
    std::string text = text_of(name);
    if (text.empty()) return std::nullopt;
    auto number = parse_u64(text);
    if (number && *number <= kProxyIdMax) return static_cast<uint32_t>(*number);
    invalid(fmt::format("{}: '{}' is no id: a number from 0 to {}", name,
                        printable(text, kPropertyShown), kProxyIdMax));
    return std::nullopt;
  }

 private:
  static std::string join_names() {
    return join(std::vector<std::string>(std::begin(kProperties), std::end(kProperties)), ", ");
  }

  std::string text_of(std::string_view name) const {
    auto found = std::ranges::find(items_, name, &KeyValue::name);
    return found == items_.end() ? "" : std::string(trim(found->value));
  }

  // Without empty ones, which Amazon's plugin skips as well.
  std::vector<std::string> items_of(std::string_view name) {
    std::vector<std::string> items;
    for (const std::string& piece : split(text_of(name), ',')) {
      std::string item(trim(piece));
      if (!item.empty()) items.push_back(std::move(item));
    }
    if (items.size() > kProxyListMax) {
      invalid(fmt::format("{}: at most {} items, not {}", name, kProxyListMax, items.size()));
      items.clear();
    }
    return items;
  }

  std::optional<uint16_t> port_in(const std::string& text) {
    auto number = parse_u64(text);
    if (number && *number >= 1 && *number <= kProxyPortMax) return static_cast<uint16_t>(*number);
    invalid(fmt::format("invalid port [{}] specified", printable(text, kPropertyShown)));
    return std::nullopt;
  }

  Reader& reader_;
  const json::Node& node_;
  std::vector<KeyValue> items_;
  bool is_faulty_ = false;
};

// Not asked when a value is faulty: what is there, but wrong, is not missing.
void check_mesh_proxy(const MeshProxy& proxy, Properties& properties) {
  if (!proxy.ignored_uid && !proxy.ignored_gid) {
    properties.invalid("missing required parameter ignoredGID or ignoredUID");
  }
  if (proxy.proxy_egress_port == 0) {
    properties.invalid("missing required parameter proxyEgressPort");
  }
  if (!proxy.proxy_ingress_port && !proxy.app_ports.empty()) {
    properties.invalid("missing parameter proxyIngressPort (required if appPorts are provided)");
  }
  if (proxy.proxy_ingress_port && proxy.app_ports.empty()) {
    properties.invalid("missing parameter appPorts (required if proxyIngressPort is provided)");
  }
}

}  // namespace

std::optional<MeshProxy> read_mesh_proxy(Reader& reader, const json::Node& root) {
  auto node = reader.object(root, "proxyConfiguration");
  if (!node || !reader.check_members(*node, "ProxyConfiguration")) return std::nullopt;
  std::string type = reader.string(*node, "type");
  if (!type.empty() && type != "APPMESH") {
    reader.malformed_at(
        *node, "type",
        fmt::format("'{}' is not one of [APPMESH]", printable(type, kPropertyShown)));
  }
  MeshProxy proxy;
  proxy.container_name = reader.required_string(*node, "containerName");
  Properties properties(reader, *node);
  proxy.ignored_uid = properties.id("IgnoredUID");
  proxy.ignored_gid = properties.id("IgnoredGID");
  proxy.proxy_ingress_port = properties.port("ProxyIngressPort");
  proxy.proxy_egress_port = properties.port("ProxyEgressPort").value_or(0);
  proxy.app_ports = properties.ports("AppPorts");
  proxy.egress_ignored_ports = properties.ports("EgressIgnoredPorts");
  proxy.egress_ignored_ips = properties.nets("EgressIgnoredIPs");
  if (!properties.is_faulty()) check_mesh_proxy(proxy, properties);
  return proxy;
}

}  // namespace berth::scheduler
