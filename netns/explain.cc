#include "netns/explain.h"

#include "base/text.h"
#include "netns/firewall.h"

#include <fmt/format.h>

namespace berth::netns {
namespace {

constexpr const char* kStage = "network";

Step bridge_step(const BridgePlan& bridge) {
  Step step;
  step.stage = kStage;
  step.effect = fmt::format("bridge {} with {}/{}, the gateway of all tasks", bridge.name,
                            to_string(bridge.gateway), bridge.subnet.prefix);
  step.calls = {fmt::format("RTM_NEWLINK {} (bridge)", bridge.name),
                "write net.ipv4.ip_forward, proxy_arp_pvlan and others",
                fmt::format("RTM_NEWADDR {}/{}", to_string(bridge.gateway), bridge.subnet.prefix),
                "RTM_SETLINK up"};
  step.purpose =
      "one switch for this instance; it answers ARP for every task, so that their packets pass the "
      "host's firewall";
  step.by_hand =
      fmt::format("ip link add {0} type bridge; ip addr add {1}/{2} dev {0}; ip link set {0} up",
                  bridge.name, to_string(bridge.gateway), bridge.subnet.prefix);
  step.asked_by = "networkMode";
  step.looks = {{.file = "/proc/net/dev", .words = {bridge.name + ":"}}};
  return step;
}

Step firewall_step(const BridgePlan& bridge) {
  Step step;
  step.stage = kStage;
  step.effect = fmt::format("nft tables inet and bridge {}", table_name(bridge.instance));
  step.calls = {"netlink: are the tables there?", "execve(nft -f -), one transaction"};
  step.purpose =
      "masquerade towards the world, published ports, no way to what listens on the host's "
      "loopback";
  std::string rules = render_base(bridge);
  step.by_hand = fmt::format("nft -f - <<'RULES'\n{}RULES", rules);
  step.asked_by = "networkMode";
  return step;
}

Step forget_step(const Endpoint& endpoint) {
  std::string address = to_string(endpoint.address.address);
  Step step;
  step.stage = kStage;
  step.effect = fmt::format("the host knows of no connection of {}", address);
  step.calls = {fmt::format("IPCTNL_MSG_CT_GET, from {}, and answered by it", address),
                "IPCTNL_MSG_CT_DELETE for each that is left of an earlier task"};
  step.purpose =
      "what is tracked passes the rules without being asked: it must not pass for another task";
  step.by_hand = fmt::format("conntrack -D -s {0}; conntrack -D -r {0}", address);
  step.asked_by = "networkMode";
  return step;
}

Step wire_step(const BridgePlan& bridge, const Endpoint& endpoint) {
  Step step;
  step.stage = kStage;
  step.effect =
      fmt::format("a wire: {} on the bridge, {} in the task ({})", endpoint.host_interface,
                  endpoint.interface, sys::to_string(endpoint.mac));
  step.calls = {fmt::format("RTM_NEWLINK veth {} <-> {} in the task's namespace",
                            endpoint.host_interface, endpoint.interface),
                "RTM_SETLINK alias, IFLA_BRPORT_ISOLATED, up"};
  step.purpose = "an isolated port: tasks do not reach each other behind the firewall's back";
  step.by_hand = fmt::format(
      "ip link add {0} type veth peer name {1} netns TASK address {2}; ip link set {0} master {3}; "
      "bridge link set dev {0} "
      "isolated on; ip link set {0} up",
      endpoint.host_interface, endpoint.interface, sys::to_string(endpoint.mac), bridge.name);
  step.asked_by = "networkMode";
  step.looks = {{.file = "/proc/net/dev", .words = {endpoint.host_interface + ":"}},
                {.file = "/proc/PID/net/dev", .words = {endpoint.interface + ":"}}};
  return step;
}

Step address_step(const Endpoint& endpoint) {
  Step step;
  step.stage = kStage;
  step.effect = fmt::format("{} has {}, lo is up, the way out is {}", endpoint.interface,
                            to_string(endpoint.address), to_string(endpoint.gateway));
  step.calls = {"through the socket that was born inside:", "RTM_SETLINK lo up",
                fmt::format("RTM_NEWADDR {}", to_string(endpoint.address)),
                fmt::format("RTM_SETLINK {} up", endpoint.interface),
                fmt::format("RTM_NEWROUTE default via {}", to_string(endpoint.gateway))};
  step.purpose =
      "berth never enters the task's namespace: a socket keeps acting on the one it was born in";
  step.by_hand = fmt::format(
      "ip -n TASK link set lo up; ip -n TASK addr add {} dev {}; ip -n TASK link set {} up; ip -n "
      "TASK route add default via {}",
      to_string(endpoint.address), endpoint.interface, endpoint.interface,
      to_string(endpoint.gateway));
  step.asked_by = "networkMode";
  step.looks = {
      {.file = "/proc/PID/net/fib_trie", .words = {"|--", to_string(endpoint.address.address)}}};
  return step;
}

// As /proc/net/if_inet6 has it: 32 hexadecimal digits.
std::string digits_of(const Ipv6& address) {
  std::string digits;
  for (uint8_t byte : address.bytes) digits += fmt::format("{:02x}", byte);
  return digits;
}

Step address6_step(const BridgePlan& bridge, const Endpoint& endpoint) {
  std::string address = to_string(*endpoint.address6);
  std::string gateway = to_string(*twin_of(bridge, bridge.gateway));
  Step step;
  step.stage = kStage;
  step.effect =
      fmt::format("{} has {}/128, the way out is {}", endpoint.interface, address, gateway);
  step.calls = {
      fmt::format("on the host: RTM_NEWNEIGH {} is at {}", address, sys::to_string(endpoint.mac)),
      "through the socket that was born inside:",
      fmt::format("RTM_NEWADDR {}/128, IFA_F_NODAD", address),
      fmt::format("RTM_NEWNEIGH {} is at {}", gateway, sys::to_string(bridge.mac)),
      fmt::format("RTM_NEWROUTE default via {}, RTNH_F_ONLINK", gateway)};
  step.purpose =
      "its last four bytes are the IPv4 address; each side knows where the other is, so that no "
      "task can answer in another's place";
  step.by_hand = fmt::format(
      "ip neigh replace {0} lladdr {1} dev {2} nud permanent; ip -n TASK addr add {0}/128 dev {3} "
      "nodad; ip -n TASK neigh add {4} lladdr {5} dev {3} nud permanent; ip -n TASK -6 route add "
      "default via {4} dev {3} onlink",
      address, sys::to_string(endpoint.mac), bridge.name, endpoint.interface, gateway,
      sys::to_string(bridge.mac));
  step.asked_by = "networkMode";
  step.looks = {{.file = "/proc/PID/net/if_inet6", .words = {digits_of(*endpoint.address6)}}};
  return step;
}

Step rules_step(const BridgePlan& bridge, const Endpoint& endpoint) {
  std::string rules = render_add(bridge, {endpoint});
  Step step;
  step.stage = kStage;
  step.effect = "it may send from its own address and MAC only";
  step.calls = {"execve(nft -f -)"};
  for (const std::string& line : split(rules, '\n')) {
    if (!line.empty()) step.calls.push_back(line);
  }
  for (const PublishedPort& port : endpoint.ports) {
    step.effect += fmt::format("; {}:{} on the host leads to {}/{}", to_string(port.host_ip),
                               ports_text(port.host_port, port.count),
                               ports_text(port.container_port, port.count), name_of(port.protocol));
  }
  step.purpose = "no task can pass for another or for the host";
  step.by_hand = fmt::format("nft -f - <<'RULES'\n{}RULES", rules);
  step.asked_by = endpoint.ports.empty() ? "networkMode" : "portMappings";
  return step;
}

Step proxy_step(const ProxyRules& proxy) {
  std::string rules = render_proxy(proxy);
  Step step;
  step.stage = kStage;
  step.effect = fmt::format("nft table inet {} in the task: TCP to elsewhere leads to port {}",
                            kProxyTable, proxy.egress_port);
  if (proxy.ingress_port != 0) {
    step.effect += fmt::format(", what comes for {} to port {}", fmt::join(proxy.app_ports, ", "),
                               proxy.ingress_port);
  }
  step.calls = {"clone; setns(the task's network); execve(nft -f -), one transaction"};
  for (const std::string& line : split(rules, '\n')) {
    if (!line.empty()) step.calls.push_back(line);
  }
  step.purpose = "the proxy of the task sees its connections, and its own go straight";
  step.by_hand = fmt::format("ip netns exec TASK nft -f - <<'RULES'\n{}RULES", rules);
  step.asked_by = "proxyConfiguration";
  return step;
}

}  // namespace

std::vector<Step> explain_bridge(const BridgePlan& bridge) {
  return {bridge_step(bridge), firewall_step(bridge)};
}

std::vector<Step> explain_endpoint(const BridgePlan& bridge, const Endpoint& endpoint) {
  std::vector<Step> steps = {forget_step(endpoint), wire_step(bridge, endpoint),
                             address_step(endpoint)};
  if (endpoint.address6) steps.push_back(address6_step(bridge, endpoint));
  steps.push_back(rules_step(bridge, endpoint));
  if (endpoint.proxy) steps.push_back(proxy_step(*endpoint.proxy));
  return steps;
}

}  // namespace berth::netns
