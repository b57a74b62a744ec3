#include "netns/plan.h"

#include <algorithm>

namespace berth::netns {
namespace {

constexpr size_t kInstanceMax = 32;
constexpr int kPrefix6Min = 16;

// FNV-1a: short, stable names from long ones. Collisions show as kExists from the kernel.
uint64_t hash(std::string_view text) {
  uint64_t value = 14695981039346656037ull;
  for (unsigned char c : text) value = (value ^ c) * 1099511628211ull;
  return value;
}

bool is_instance(std::string_view text) {
  auto ok = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && text.size() <= kInstanceMax && std::all_of(text.begin(), text.end(), ok);
}

bool is_interface_name(std::string_view text) {
  auto bad = [](unsigned char c) {
    return c <= ' ' || c == '/' || c == ':' || c == '"' || c > '~';
  };
  return !text.empty() && text.size() <= sys::kInterfaceNameMax && text[0] != '.' &&
         std::none_of(text.begin(), text.end(), bad);
}

// Locally administered, derived from the address: equal addresses never meet on one bridge.
sys::Mac mac_of(Ipv4 address) {
  auto byte = [&](int shift) { return static_cast<uint8_t>(address.value >> shift); };
  return {0x02, 0x00, byte(24), byte(16), byte(8), byte(0)};
}

// What tasks can have and the kernel routes: unique local addresses and those of the world.
Result<Ipv6Net> subnet6_of(const std::string& text) {
  auto net = parse_ipv6_net(text);
  if (!net) return wrap(std::move(net).error(), "bridge IPv6 subnet");
  bool is_global = (net->address.bytes[0] & 0xe0) == 0x20;  // 2000::/3
  if (net->prefix < kPrefix6Min || net->prefix > kTwinPrefix || net->address != net->network() ||
      !(is_global || is_unique_local(net->address))) {
    return fail(Errc::kInvalid,
                "bridge IPv6 subnet {}: must be a network of /{} to /{} in fc00::/7 or 2000::/3",
                text, kPrefix6Min, kTwinPrefix);
  }
  return net;
}

}  // namespace

const char* name_of(Protocol protocol) {
  switch (protocol) {
    case Protocol::kTcp:
      return "tcp";
    case Protocol::kUdp:
      return "udp";
  }
  return "?";
}

Result<BridgePlan> make_bridge_plan(const BridgeSettings& settings) {
  if (!is_instance(settings.instance)) {
    return fail(Errc::kInvalid, "instance {}: must be 1 to {} of a-z, 0-9 and _", settings.instance,
                kInstanceMax);
  }
  if (!is_interface_name(settings.name)) {
    return fail(Errc::kInvalid, "bridge name {}: must be 1 to {} printable characters without /",
                settings.name, sys::kInterfaceNameMax);
  }
  auto subnet = parse_ipv4_net(settings.subnet);
  if (!subnet) return wrap(std::move(subnet).error(), "bridge subnet");
  if (subnet->prefix < 8 || subnet->prefix > 29 || subnet->address != subnet->network()) {
    return fail(Errc::kInvalid, "bridge subnet {}: must be a network of /8 to /29",
                settings.subnet);
  }
  if (settings.mtu < 576 || settings.mtu > 65535) {
    return fail(Errc::kInvalid, "bridge mtu {}: must be 576 to 65535", settings.mtu);
  }
  Ipv4 gateway{subnet->network().value + 1};
  BridgePlan bridge{settings.instance, settings.name,   *subnet,
                    gateway,           mac_of(gateway), settings.mtu};
  if (!settings.subnet6.empty()) bridge.subnet6 = TRY(subnet6_of(settings.subnet6));
  return bridge;
}

std::optional<Ipv6> twin_of(const BridgePlan& bridge, Ipv4 address) {
  if (!bridge.subnet6) return std::nullopt;
  Ipv6 twin = bridge.subnet6->address;
  for (int i = 0; i < 4; ++i) {
    twin.bytes.at(static_cast<size_t>(12 + i)) =
        static_cast<uint8_t>(address.value >> (24 - 8 * i));
  }
  return twin;
}

Endpoint make_endpoint(const BridgePlan& bridge, const EndpointRequest& request) {
  Endpoint endpoint;
  endpoint.task_id = request.task_id;
  endpoint.container = request.container;
  endpoint.host_interface =
      make_host_interface(bridge.instance, request.task_id, request.container);
  endpoint.address = {request.address, bridge.subnet.prefix};
  endpoint.gateway = bridge.gateway;
  endpoint.mac = mac_of(request.address);
  endpoint.mtu = bridge.mtu;
  endpoint.ports = request.ports;
  endpoint.groups = request.groups;
  endpoint.address6 = twin_of(bridge, request.address);
  endpoint.proxy = request.proxy;
  return endpoint;
}

std::string interface_prefix(std::string_view instance) {
  return fmt::format("bv{:04x}", hash(instance) & 0xffff);
}

std::string alias_prefix(std::string_view instance) {
  return fmt::format("berth:{}:", instance);
}

std::string make_host_interface(std::string_view instance, std::string_view task_id,
                                std::string_view container) {
  auto key = fmt::format("{}/{}", task_id, container);
  return fmt::format("{}{:09x}", interface_prefix(instance), hash(key) & 0xfffffffff);
}

std::string ports_text(uint16_t first, uint16_t count) {
  return count == 1 ? std::to_string(first) : fmt::format("{}-{}", first, first + count - 1);
}

std::string render(const BridgePlan& bridge) {
  auto text =
      fmt::format("bridge {}\n  instance {}\n  subnet {}\n  gateway {}\n  mac {}\n  mtu {}\n",
                  bridge.name, bridge.instance, to_string(bridge.subnet), to_string(bridge.gateway),
                  sys::to_string(bridge.mac), bridge.mtu);
  if (bridge.subnet6) text += fmt::format("  IPv6 subnet {}\n", to_string(*bridge.subnet6));
  return text;
}

std::string render(const Endpoint& endpoint) {
  auto text = fmt::format(
      "endpoint {}/{}\n  host interface {}\n  interface {}\n  address {}\n  gateway {}\n"
      "  mac {}\n  mtu {}\n",
      endpoint.task_id, endpoint.container, endpoint.host_interface, endpoint.interface,
      to_string(endpoint.address), to_string(endpoint.gateway), sys::to_string(endpoint.mac),
      endpoint.mtu);
  if (endpoint.address6) text += fmt::format("  IPv6 address {}\n", to_string(*endpoint.address6));
  for (const auto& port : endpoint.ports) {
    text += fmt::format("  port {}:{} -> {}/{}\n", to_string(port.host_ip),
                        ports_text(port.host_port, port.count),
                        ports_text(port.container_port, port.count), name_of(port.protocol));
  }
  return text;
}

}  // namespace berth::netns
