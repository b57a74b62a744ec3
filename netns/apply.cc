#include "netns/apply.h"

#include "base/log.h"
#include "sys/conntrack.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

std::string bridge_alias(const BridgePlan& bridge) {
  return alias_prefix(bridge.instance) + "bridge";
}

// Writes only what differs: others may watch these files, and reading needs no privilege.
Status set_sysctl(const std::string& name, std::string_view value) {
  auto path = "/proc/sys/net/" + name;
  auto current = TRY(sys::read_file(path, 64));
  if (current.starts_with(value)) return {};
  return sys::write_to(path, value);
}

// The bridge of the plan, made now if it is missing. Another berth may win the race to make it.
Result<sys::Link> ensure_bridge(const BridgePlan& bridge, sys::NetlinkSocket& host) {
  auto made = host.add_bridge(bridge.name, bridge.mac, bridge.mtu);
  if (!made && made.error().code != Errc::kExists) {
    return tl::unexpected<Error>(std::move(made).error());
  }
  auto link = TRY(host.find_link(bridge.name));
  if (!link) return fail(Errc::kUnavailable, "bridge {} vanished while in use", bridge.name);
  // Ours by alias; or so young that its maker was interrupted before the alias: then by MAC.
  bool ours = link->kind == "bridge" && (link->alias == bridge_alias(bridge) ||
                                         (link->alias.empty() && link->mac == bridge.mac));
  if (!ours) {
    return fail(Errc::kExists, "link {} exists and is not the bridge of instance {}", bridge.name,
                bridge.instance);
  }
  if (link->alias.empty()) TRY(host.set_alias(link->index, bridge_alias(bridge)));
  return *link;
}

// A switch of br_netfilter. The global one is ORed with the bridge's own, so only it turns it off.
// With it on, a packet translated to a neighbour is bridged to the isolated port and lost.
Status turn_off_for_bridges(const std::string& name) {
  if (!sys::exists("/proc/sys/net/" + name)) return {};
  return set_sysctl(name, "0");
}

// Why each: edges of the network that packets between tasks, to the host and back must take.
Status apply_sysctls(const BridgePlan& bridge) {
  auto conf = "ipv4/conf/" + bridge.name + "/";
  TRY(set_sysctl(conf + "proxy_arp_pvlan", "1"));  // isolated ports meet through the host
  // By default a proxy answers ARP after a random delay of up to 0.8 s (arp(7)), so that the real
  // owner may come first; there is none here, and every first packet between tasks would wait.
  TRY(set_sysctl("ipv4/neigh/" + bridge.name + "/proxy_delay", "0"));
  TRY(set_sysctl(conf + "route_localnet", "1"));  // published ports on 127.0.0.1; see the guard
  TRY(set_sysctl(conf + "send_redirects", "0"));  // no "talk to your neighbour directly"
  TRY(set_sysctl("ipv4/conf/all/send_redirects", "0"));  // the kernel ORs it with the above
  TRY(set_sysctl("ipv4/ip_forward", "1"));
  return turn_off_for_bridges("bridge/bridge-nf-call-iptables");
}

// A host that forwards heeds no router's advertisements (accept_ra 1), unless it is told to (2):
// its own way into the world may be one of those.
Status keep_router_advertisements() {
  for (const std::string& link : TRY(sys::list_directory("/proc/sys/net/ipv6/conf"))) {
    auto name = "ipv6/conf/" + link + "/accept_ra";
    auto current = sys::read_file("/proc/sys/net/" + name, 64);
    if (current && current->starts_with("1")) TRY(set_sysctl(name, "2"));
  }
  return {};
}

Status apply_bridge6(const BridgePlan& bridge, int link, sys::NetlinkSocket& host) {
  if (!sys::exists("/proc/sys/net/ipv6")) {
    return fail(Errc::kUnsupported, "bridge IPv6 subnet {}: this kernel has no IPv6",
                to_string(*bridge.subnet6));
  }
  auto forwards = TRY(sys::read_file("/proc/sys/net/ipv6/conf/all/forwarding", 64));
  if (!forwards.starts_with("1")) {
    TRY(keep_router_advertisements());
    TRY(set_sysctl("ipv6/conf/all/forwarding", "1"));
  }
  TRY(turn_off_for_bridges("bridge/bridge-nf-call-ip6tables"));
  TRY(set_sysctl("ipv6/conf/" + bridge.name + "/disable_ipv6", "0"));
  // The packets that nobody wants: routers are not to be found on this bridge.
  TRY(set_sysctl("ipv6/conf/" + bridge.name + "/accept_ra", "0"));
  return host.add_address(link, Ipv6Net{*twin_of(bridge, bridge.gateway), bridge.subnet6->prefix});
}

// A leftover of the same name is this very endpoint's, half made: begin anew.
Status make_veth(const sys::VethPair& pair, sys::NetlinkSocket& host) {
  auto made = host.add_veth(pair);
  if (made || made.error().code != Errc::kExists) return made;
  TRY(host.delete_link(pair.name));
  return host.add_veth(pair);
}

Result<sys::Link> link_named(std::string_view name, sys::NetlinkSocket& netlink) {
  auto link = TRY(netlink.find_link(name));
  if (!link) return fail(Errc::kNotFound, "link {} does not exist", name);
  return *link;
}

bool forgotten_or_warn(const Result<size_t>& forgotten, const std::string& where) {
  if (forgotten) return true;
  LOG(kWarn, "connections of an earlier task may live on",
      {{"address", where}, {"why", forgotten.error().text}});
  return forgotten.error().code == Errc::kUnsupported;
}

// What comes to a published port goes on to where it went: to this endpoint, also when the port is
// the next task's.
void forget_connections(const Endpoint& endpoint) {
  auto forgotten = sys::forget_connections(endpoint.address.address);
  if (forgotten && endpoint.address6) forgotten = sys::forget_connections(*endpoint.address6);
  (void)forgotten_or_warn(forgotten, to_string(endpoint.address));  // it ends all the same
}

// Each side is told of the other: neither has to ask, so nobody can answer in its place.
Status apply_endpoint6(const BridgePlan& bridge, const Endpoint& endpoint, int bridge_link,
                       int inner_link, sys::NetlinkSocket& host, sys::NetlinkSocket& inside) {
  Ipv6 gateway = *twin_of(bridge, bridge.gateway);
  TRY(host.set_neighbour(bridge_link, *endpoint.address6, endpoint.mac));
  TRY(inside.add_address(inner_link, Ipv6Net{*endpoint.address6, 128}));
  TRY(inside.set_neighbour(inner_link, gateway, bridge.mac));
  return inside.add_default_route(inner_link, gateway);
}

}  // namespace

Status apply_bridge(const BridgePlan& bridge, sys::NetlinkSocket& host) {
  auto link = TRY(ensure_bridge(bridge, host));
  TRY(apply_sysctls(bridge));
  TRY(host.add_address(link.index, Ipv4Net{bridge.gateway, bridge.subnet.prefix}));
  if (bridge.subnet6) TRY(apply_bridge6(bridge, link.index, host));
  return host.set_up(link.index);
}

Status remove_bridge(const BridgePlan& bridge, sys::NetlinkSocket& host) {
  auto link = TRY(host.find_link(bridge.name));
  if (!link || link->kind != "bridge" || link->alias != bridge_alias(bridge)) return {};
  return host.delete_link(bridge.name);
}

Status apply_endpoint(const BridgePlan& bridge, const Endpoint& endpoint, sys::NetlinkSocket& host,
                      Inside inside) {
  auto bridge_link = TRY(link_named(bridge.name, host));
  TRY(make_veth({.name = endpoint.host_interface,
                 .peer_name = endpoint.interface,
                 .peer_netns_fd = inside.netns_fd,
                 .peer_mac = endpoint.mac,
                 .mtu = endpoint.mtu,
                 .master = bridge_link.index},
                host));
  auto outer = TRY(link_named(endpoint.host_interface, host));
  TRY(host.set_alias(outer.index, fmt::format("{}{}:{}", alias_prefix(bridge.instance),
                                              endpoint.task_id, endpoint.container)));
  TRY(host.set_bridge_port(outer.index, {.isolated = true, .hairpin = false}));
  TRY(host.set_up(outer.index));

  TRY(apply_loopback(inside.netlink));
  auto inner = TRY(link_named(endpoint.interface, inside.netlink));
  TRY(inside.netlink.add_address(inner.index, endpoint.address));
  TRY(inside.netlink.set_up(inner.index));
  TRY(inside.netlink.add_default_route(inner.index, endpoint.gateway));
  if (endpoint.address6) {
    TRY(apply_endpoint6(bridge, endpoint, bridge_link.index, inner.index, host, inside.netlink));
  }
  if (!endpoint.proxy) return {};
  auto led = apply_proxy(*endpoint.proxy, inside.netns_fd);
  if (!led) return wrap(std::move(led).error(), "proxyConfiguration");
  return {};
}

Status remove_endpoint(const BridgePlan& bridge, const Endpoint& endpoint,
                       sys::NetlinkSocket& host) {
  TRY(host.delete_link(endpoint.host_interface));
  if (!endpoint.ports.empty()) forget_connections(endpoint);
  return forget_neighbour(bridge, endpoint, host);
}

Status forget_neighbour(const BridgePlan& bridge, const Endpoint& endpoint,
                        sys::NetlinkSocket& host) {
  if (!endpoint.address6) return {};
  auto link = TRY(host.find_link(bridge.name));
  if (!link) return {};
  return host.delete_neighbour(link->index, *endpoint.address6);
}

bool forget_all_but(const BridgePlan& bridge, const std::set<Ipv4>& leased) {
  auto is_gone = [&](Ipv4 address) {
    return bridge.subnet.contains(address) && address != bridge.gateway &&
           !leased.contains(address);
  };
  auto forgotten = sys::forget_ipv4_connections(is_gone);
  if (forgotten && bridge.subnet6) {
    std::set<Ipv6> twins{*twin_of(bridge, bridge.gateway)};
    for (Ipv4 address : leased) twins.insert(*twin_of(bridge, address));
    forgotten = sys::forget_ipv6_connections([&](const Ipv6& address) {
      bool is_within =
          Ipv6Net{address, bridge.subnet6->prefix}.network() == bridge.subnet6->network();
      return is_within && !twins.contains(address);
    });
  }
  return forgotten_or_warn(forgotten, to_string(bridge.subnet));
}

Status apply_loopback(sys::NetlinkSocket& inside) {
  auto lo = TRY(link_named("lo", inside));
  return inside.set_up(lo.index);
}

}  // namespace berth::netns
