#include "netns/firewall.h"

#include "netns/nft_program.h"
#include "sys/nftables.h"

#include <future>

namespace berth::netns {
namespace {

using sys::NftFamily;

// {{ and }} are fmt's braces.
constexpr const char* kInetTable = R"(table inet {table} {{
  map published {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
  map published_at {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
  set hairpin {{ type ipv4_addr . ipv4_addr; }}
  chain guard {{ type filter hook prerouting priority -300; }}
  chain prerouting {{ type nat hook prerouting priority -100; }}
  chain output {{ type nat hook output priority -100; }}
  chain postrouting {{ type nat hook postrouting priority 100; }}
}}
flush chain inet {table} guard
flush chain inet {table} prerouting
flush chain inet {table} output
flush chain inet {table} postrouting
table inet {table} {{
  chain guard {{
    # route_localnet would let a task reach what listens on the host's loopback.
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }}
  chain prerouting {{
    fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @published_at
    fib daddr type local dnat ip to meta l4proto . th dport map @published
  }}
  chain output {{
    fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @published_at
    fib daddr type local dnat ip to meta l4proto . th dport map @published
  }}
  chain postrouting {{
    ip saddr . ip daddr @hairpin masquerade
    ip saddr 127.0.0.0/8 oifname "{bridge}" masquerade
    ip saddr {subnet} oifname != "{bridge}" masquerade
  }}
}}
)";

// Addresses of the world are routed as they are; an organisation's own ones pass for the host's.
// A host that forwards back to where a packet came from tells its sender of the shorter way, which
// isolated ports have not. What is published at one IPv4 address is not published here. Nor is ::1:
// IPv6 has no route_localnet, and no packet from it leaves the loopback.
constexpr const char* kInetTable6 = R"(table inet {table} {{
  map published6 {{ type inet_proto . inet_service : ipv6_addr . inet_service; }}
  set hairpin6 {{ type ipv6_addr . ipv6_addr; }}
  chain redirects6 {{ type filter hook output priority 0; }}
  chain prerouting6 {{ type nat hook prerouting priority -100; }}
  chain output6 {{ type nat hook output priority -100; }}
  chain postrouting6 {{ type nat hook postrouting priority 100; }}
}}
flush chain inet {table} redirects6
flush chain inet {table} prerouting6
flush chain inet {table} output6
flush chain inet {table} postrouting6
table inet {table} {{
  chain redirects6 {{
    oifname "{bridge}" icmpv6 type nd-redirect drop
  }}
  chain prerouting6 {{
    fib daddr type local dnat ip6 to meta l4proto . th dport map @published6
  }}
  chain output6 {{
    fib daddr type local dnat ip6 to meta l4proto . th dport map @published6
  }}
  chain postrouting6 {{
    ip6 saddr . ip6 daddr @hairpin6 masquerade
    {masquerade}
  }}
}}
)";

constexpr const char* kBridgeTable = R"(table bridge {table} {{
  set sources {{ type ifname . ether_addr . ipv4_addr; }}
  set sources6 {{ type ifname . ether_addr . ipv6_addr; }}
  chain prerouting {{ type filter hook prerouting priority -300; }}
}}
flush chain bridge {table} prerouting
table bridge {table} {{
  chain prerouting {{
    iifname != "{prefix}*" accept
    ether type ip iifname . ether saddr . ip saddr @sources accept
    ether type arp iifname . ether saddr . arp saddr ip @sources accept
    ether type ip6 iifname . ether saddr . ip6 saddr @sources6 accept
    drop
  }}
}}
)";

std::string source_of(const Endpoint& endpoint) {
  return fmt::format("\"{}\" . {} . {}", endpoint.host_interface, sys::to_string(endpoint.mac),
                     to_string(endpoint.address.address));
}

std::string source6_of(const Endpoint& endpoint) {
  return fmt::format("\"{}\" . {} . {}", endpoint.host_interface, sys::to_string(endpoint.mac),
                     to_string(*endpoint.address6));
}

std::string element(std::string_view verb, std::string_view where, std::string_view what) {
  return fmt::format("{} element {} {{ {} }}\n", verb, where, what);
}

bool is_everywhere(const PublishedPort& port) {
  return port.host_ip.value == 0;
}

// A range is so many elements: a map cannot say "the port that is as far from the first one".
std::string port_elements(const PublishedPort& port, const std::string& target) {
  std::string address = is_everywhere(port) ? "" : to_string(port.host_ip) + " . ";
  std::string elements;
  for (int i = 0; i < port.count; ++i) {
    if (i > 0) elements += ", ";
    elements += fmt::format("{}{} . {} : {} . {}", address, name_of(port.protocol),
                            port.host_port + i, target, port.container_port + i);
  }
  return elements;
}

std::string publish(std::string_view verb, std::string_view table, const Endpoint& endpoint) {
  auto in_table = [&](const char* name, const std::string& what) {
    return element(verb, fmt::format("inet {} {}", table, name), what);
  };
  auto address = to_string(endpoint.address.address);
  std::string text = in_table("hairpin", address + " . " + address);
  for (const auto& port : endpoint.ports) {
    text +=
        in_table(is_everywhere(port) ? "published" : "published_at", port_elements(port, address));
  }
  if (!endpoint.address6) return text;
  auto address6 = to_string(*endpoint.address6);
  text += in_table("hairpin6", address6 + " . " + address6);
  for (const auto& port : endpoint.ports) {
    if (is_everywhere(port)) text += in_table("published6", port_elements(port, address6));
  }
  return text;
}

std::string render_elements(std::string_view verb, const BridgePlan& bridge,
                            const std::vector<Endpoint>& endpoints) {
  auto table = table_name(bridge.instance);
  std::string text;
  for (const auto& endpoint : endpoints) {
    text += element(verb, fmt::format("bridge {} sources", table), source_of(endpoint));
    if (endpoint.address6) {
      text += element(verb, fmt::format("bridge {} sources6", table), source6_of(endpoint));
    }
    if (!endpoint.ports.empty()) text += publish(verb, table, endpoint);
  }
  return text;
}

std::string render_group_elements(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints,
                                  std::string (*render)(std::string_view, const Member&,
                                                        const std::vector<std::string>&)) {
  std::string text;
  for (const auto& endpoint : endpoints) {
    if (endpoint.groups.empty()) continue;
    text += render(table_name(bridge.instance), {endpoint.address.address, endpoint.address6},
                   endpoint.groups);
  }
  return text;
}

Result<bool> tables_exist(const std::string& instance) {
  auto name = table_name(instance);
  bool inet = TRY(sys::nft_table_exists({NftFamily::kInet, name}));
  bool l2 = TRY(sys::nft_table_exists({NftFamily::kBridge, name}));
  return inet && l2;
}

// The last task may end, and take the tables with it, at any moment.
Status commit_unless_gone(const std::string& instance, const std::string& rules) {
  if (!TRY(tables_exist(instance))) return {};
  Status committed = commit_rules(rules, {});
  if (committed || TRY(tables_exist(instance))) return committed;
  return {};
}

}  // namespace

std::string table_name(std::string_view instance) {
  return fmt::format("berth_{}", instance);
}

std::string render_base(const BridgePlan& bridge) {
  auto table = table_name(bridge.instance);
  std::string six;
  if (bridge.subnet6) {
    bool own = is_unique_local(bridge.subnet6->address);
    six = fmt::format(
        fmt::runtime(kInetTable6), fmt::arg("table", table), fmt::arg("bridge", bridge.name),
        fmt::arg("masquerade", own ? fmt::format("ip6 saddr {} oifname != \"{}\" masquerade",
                                                 to_string(*bridge.subnet6), bridge.name)
                                   : "# routed as they are"));
  }
  return fmt::format(fmt::runtime(kInetTable), fmt::arg("table", table),
                     fmt::arg("bridge", bridge.name),
                     fmt::arg("subnet", to_string(bridge.subnet))) +
         six +
         fmt::format(fmt::runtime(kBridgeTable), fmt::arg("table", table),
                     fmt::arg("prefix", interface_prefix(bridge.instance)));
}

std::string render_add(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints) {
  std::string text = render_elements("add", bridge, endpoints);
  std::string members = render_group_elements(bridge, endpoints, render_member);
  if (members.empty()) return text;
  // As they are in the configuration now, for the tasks that run as well.
  auto table = table_name(bridge.instance);
  return text + render_group_base(table) + render_groups(table, bridge.groups) + members;
}

std::string render_remove(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints) {
  // Adding what is there is allowed, deleting what is not there fails: so add first.
  std::string members = render_group_elements(bridge, endpoints, render_no_member);
  if (!members.empty()) members.insert(0, render_group_base(table_name(bridge.instance)));
  return render_elements("add", bridge, endpoints) + render_elements("delete", bridge, endpoints) +
         members;
}

Status apply_firewall(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints) {
  // Tables of before the bridge had an IPv6 subnet know nothing of it.
  bool base = TRY(tables_exist(bridge.instance)) && !bridge.subnet6;
  return commit_rules((base ? "" : render_base(bridge)) + render_add(bridge, endpoints), {});
}

Status remove_firewall(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints) {
  if (endpoints.empty() || !TRY(tables_exist(bridge.instance))) return {};
  return commit_rules(render_remove(bridge, endpoints), {});
}

Status apply_groups(const std::string& instance, const std::vector<SecurityGroup>& groups) {
  return commit_unless_gone(instance, render_groups(table_name(instance), groups));
}

Status remove_group(const std::string& instance, const std::string& group) {
  return commit_unless_gone(instance, render_no_group(table_name(instance), group));
}

Status remove_tables(const BridgePlan& bridge) {
  auto name = table_name(bridge.instance);
  // Each waits for a grace period of the kernel: side by side.
  auto filter = std::async(std::launch::async, [&name] {
    return sys::delete_nft_table({NftFamily::kBridge, name});
  });
  Status removed = sys::delete_nft_table({NftFamily::kInet, name});
  TRY(filter.get());
  return removed;
}

}  // namespace berth::netns
