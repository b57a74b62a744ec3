// A task's network as values: what apply.h and firewall.h will do, printable and comparable.
//
//   host namespace                                    the task's namespace
//   berth0 (bridge, gateway 172.29.0.1/16) -- bvIIIIHHHHHHHH ~~~~ eth0 172.29.0.2/16
//
// Ports of the bridge are isolated and the bridge answers ARP for every neighbour
// (proxy_arp_pvlan), so packets between tasks are routed by the host and pass its firewall.
//
// With an IPv6 subnet each IPv4 address has a twin in it, whose last four bytes are the IPv4
// address: fd00:be::ac1d:2. A task has its twin alone (/128) and a route to the bridge's, and both
// sides know each other's MAC from the start: there is no neighbour discovery that could lie.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"
#include "netns/proxy.h"
#include "netns/security_group.h"
#include "sys/netlink.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::netns {

enum class Protocol { kTcp, kUdp };
const char* name_of(Protocol protocol);

struct PublishedPort {
  Ipv4 host_ip;  // 0.0.0.0: every address of the host
  uint16_t host_port = 0;
  uint16_t container_port = 0;
  Protocol protocol = Protocol::kTcp;
  uint16_t count = 1;  // so many ports in a row, on both sides
  bool operator==(const PublishedPort&) const = default;
};

// One network namespace's place in the network.
struct Endpoint {
  std::string task_id;
  std::string container;       // of bridge mode; "task" when the whole task shares it (awsvpc)
  std::string host_interface;  // <= 15 characters
  std::string interface = "eth0";
  Ipv4Net address;
  Ipv4 gateway;
  sys::Mac mac{};
  int mtu = 1500;
  std::vector<PublishedPort> ports;
  std::vector<std::string> groups;  // security groups; none: everything may come and go
  std::optional<Ipv6> address6;     // when the bridge has an IPv6 subnet
  std::optional<ProxyRules> proxy;  // that its TCP is led through
};

struct BridgePlan {
  std::string instance;  // of berth: [a-z0-9_]{1,32}
  std::string name;
  Ipv4Net subnet;
  Ipv4 gateway;  // the first address of the subnet
  sys::Mac mac{};
  int mtu = 1500;
  std::vector<SecurityGroup> groups{};  // that endpoints may be members of
  std::optional<Ipv6Net> subnet6{};
};

constexpr const char* kDefaultBridge = "berth0";
constexpr const char* kDefaultSubnet = "172.29.0.0/16";
constexpr int kDefaultMtu = 1500;

struct BridgeSettings {
  std::string instance = "default";
  std::string name = kDefaultBridge;
  std::string subnet = kDefaultSubnet;
  int mtu = kDefaultMtu;
  std::string subnet6{};  // "": IPv4 only
};
// kInvalid names the setting that is wrong.
Result<BridgePlan> make_bridge_plan(const BridgeSettings& settings);

struct EndpointRequest {
  std::string task_id;
  std::string container = "task";
  Ipv4 address;
  std::vector<PublishedPort> ports;
  std::vector<std::string> groups{};
  std::optional<ProxyRules> proxy{};
};
// Bits in front of the IPv4 address in its twin.
constexpr int kTwinPrefix = 96;
// The IPv4 address's twin in the bridge's IPv6 subnet, if it has one.
std::optional<Ipv6> twin_of(const BridgePlan& bridge, Ipv4 address);
Endpoint make_endpoint(const BridgePlan& bridge, const EndpointRequest& request);

// What every host interface of the instance begins with: "bv" and four hexadecimal digits.
std::string interface_prefix(std::string_view instance);
// What tells a link of ours from a stranger's of the same name: "berth:<instance>:".
std::string alias_prefix(std::string_view instance);
std::string make_host_interface(std::string_view instance, std::string_view task_id,
                                std::string_view container);

// "80", or "8000-8010" for several in a row.
std::string ports_text(uint16_t first, uint16_t count);

// For people: several lines.
std::string render(const BridgePlan& bridge);
std::string render(const Endpoint& endpoint);

}  // namespace berth::netns
