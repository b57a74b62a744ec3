#include "agent/task_network.h"

#include "agent/security_groups.h"
#include "base/check.h"
#include "netns/apply.h"
#include "netns/firewall.h"
#include "netns/sweep.h"
#include "sys/netlink.h"

#include <algorithm>

namespace berth::agent {
namespace {

using scheduler::NetworkMode;

netns::Protocol protocol_of(scheduler::Protocol protocol) {
  return protocol == scheduler::Protocol::kUdp ? netns::Protocol::kUdp : netns::Protocol::kTcp;
}

scheduler::Protocol protocol_of(netns::Protocol protocol) {
  return protocol == netns::Protocol::kUdp ? scheduler::Protocol::kUdp : scheduler::Protocol::kTcp;
}

std::vector<netns::PublishedPort> ports_of(const scheduler::ContainerDefinition& container) {
  std::vector<netns::PublishedPort> ports;
  for (const scheduler::PortMapping& mapping : container.port_mappings) {
    ports.push_back({.host_ip = {},
                     .host_port = mapping.host_port,
                     .container_port = mapping.container_port,
                     .protocol = protocol_of(mapping.protocol),
                     .count = scheduler::count_of(mapping)});
  }
  return ports;
}

// What the agent of ECS adds to EgressIgnoredIPs: metadata and credentials of the task and the
// host.
constexpr const char* kAlwaysSpared[] = {"169.254.170.2", "169.254.169.254"};

std::optional<netns::ProxyRules> proxy_rules_of(const scheduler::TaskDefinition& definition) {
  if (!definition.proxy) return std::nullopt;
  const scheduler::MeshProxy& proxy = *definition.proxy;
  netns::ProxyRules rules{.ignored_uid = proxy.ignored_uid,
                          .ignored_gid = proxy.ignored_gid,
                          .ingress_port = proxy.proxy_ingress_port.value_or(0),
                          .egress_port = proxy.proxy_egress_port,
                          .app_ports = proxy.app_ports,
                          .spared_ports = proxy.egress_ignored_ports,
                          .spared = proxy.egress_ignored_ips};
  for (const char* address : kAlwaysSpared) {
    auto net = parse_ip_net(address);
    CHECK(net.has_value());
    if (std::ranges::find(rules.spared, *net) == rules.spared.end()) rules.spared.push_back(*net);
  }
  return rules;
}

std::vector<netns::LeasedEndpoint> endpoints_wanted(const scheduler::TaskDefinition& definition,
                                                    const std::vector<std::string>& groups) {
  std::vector<netns::LeasedEndpoint> endpoints;
  switch (definition.network_mode) {
    case NetworkMode::kNone:
      return {};
    case NetworkMode::kAwsvpc:
      return {{.container = "task",
               .address = {},
               .ports = {},
               .groups = groups,
               .proxy = proxy_rules_of(definition)}};
    case NetworkMode::kHost:
    case NetworkMode::kBridge:
      break;
  }
  for (const scheduler::ContainerDefinition& container : definition.container_definitions) {
    if (container.disable_networking) continue;
    endpoints.push_back({.container = container.name, .address = {}, .ports = ports_of(container)});
  }
  return endpoints;
}

}  // namespace

Result<netns::BridgePlan> bridge_plan_of(const Config& config) {
  std::string instance = instance_of(config.run);
  netns::BridgePlan bridge = TRY(netns::make_bridge_plan({.instance = instance,
                                                          .name = bridge_of(instance),
                                                          .subnet = config.subnet,
                                                          .subnet6 = config.subnet6}));
  bridge.groups = config.security_groups;
  return bridge;
}

Result<TaskNetwork> TaskNetwork::make(const Config& config) {
  netns::BridgePlan bridge = TRY(bridge_plan_of(config));
  return TaskNetwork(config.root, std::move(bridge), TRY(vpc_of(config)));
}

Result<netns::Lease> TaskNetwork::lease(const scheduler::Task& task, bool user_ids,
                                        const std::vector<std::string>& security_groups,
                                        Leasing leasing) const {
  netns::LeaseStore leases = TRY(netns::LeaseStore::open(root_, bridge_));
  NetworkMode mode = task.definition.network_mode;
  std::vector<std::string> groups;
  if (mode == NetworkMode::kAwsvpc) {
    const std::vector<std::string>& asked = task.request.security_groups;
    groups = TRY(find_task_groups(vpc_, made_groups_, asked.empty() ? security_groups : asked));
  }
  const netns::VpcSubnet* subnet = netns::find_subnet(vpc_, task.request.subnet);
  netns::LeaseStore::Forget forget;
  if (leasing == Leasing::kReal) {
    forget = [this](const std::set<Ipv4>& leased) {
      return netns::forget_all_but(bridge_, leased);
    };
  }
  return leases.acquire({.task_id = task.id,
                         .uid_range = user_ids,
                         .endpoints = endpoints_wanted(task.definition, groups),
                         .addresses = mode == NetworkMode::kAwsvpc || mode == NetworkMode::kBridge,
                         .within = subnet == nullptr ? std::nullopt : std::optional(subnet->net)},
                        forget);
}

scheduler::TaskProvisioned TaskNetwork::provisioned(const scheduler::Task& task,
                                                    const netns::Lease& lease) const {
  scheduler::TaskProvisioned event;
  event.task_id = task.id;
  for (const netns::LeasedEndpoint& endpoint : lease.endpoints) {
    if (task.definition.network_mode == NetworkMode::kAwsvpc) {
      netns::Endpoint made = netns::make_endpoint(
          bridge_,
          {.task_id = task.id, .container = endpoint.container, .address = *endpoint.address});
      event.network_interfaces.push_back(
          {.attachment_id = "",
           .private_ipv4_address = to_string(*endpoint.address),
           .mac_address = sys::to_string(made.mac),
           .ipv6_address = made.address6 ? to_string(*made.address6) : ""});
    }
    for (const netns::PublishedPort& port : endpoint.ports) {
      event.network_bindings[endpoint.container].push_back(
          {.bind_ip = to_string(port.host_ip),
           .container_port = port.container_port,
           .host_port = port.host_port,
           .count = port.count,
           .protocol = protocol_of(port.protocol)});
    }
  }
  return event;
}

std::vector<netns::Endpoint> TaskNetwork::addressed(const netns::Lease& lease) const {
  return netns::endpoints_of(bridge_, lease);
}

Status TaskNetwork::apply_host_side(const netns::Lease& lease) const {
  std::vector<netns::Endpoint> endpoints = addressed(lease);
  if (endpoints.empty()) return {};
  sys::NetlinkSocket host = TRY(sys::NetlinkSocket::open());
  TRY(netns::apply_bridge(bridge_, host));
  std::set<std::string> made = made_groups_of(endpoints);
  if (made.empty()) return netns::apply_firewall(bridge_, endpoints);
  // Whoever changes one of these groups comes before, or after and with the rules of then.
  sys::Fd lock = TRY(made_groups_.lock_to_read());
  netns::BridgePlan bridge = bridge_;
  for (const std::string& id : made) {
    auto record = TRY(made_groups_.find(id));
    if (!record) return fail(Errc::kNotFound, "the security group '{}' does not exist", id);
    bridge.groups.push_back(netns::security_group_of(*record, vpc_));
  }
  return netns::apply_firewall(bridge, endpoints);
}

std::set<std::string> TaskNetwork::made_groups_of(
    const std::vector<netns::Endpoint>& endpoints) const {
  std::set<std::string> made;
  for (const netns::Endpoint& endpoint : endpoints) {
    for (const std::string& group : endpoint.groups) {
      if (netns::find_configured_group(vpc_, group) == nullptr) made.insert(group);
    }
  }
  return made;
}

Status TaskNetwork::apply_task_side(const netns::Lease& lease,
                                    std::vector<MadeNetwork> networks) const {
  std::vector<netns::Endpoint> endpoints = addressed(lease);
  sys::NetlinkSocket host = TRY(sys::NetlinkSocket::open());
  for (MadeNetwork& network : networks) {
    sys::NetlinkSocket inside = TRY(sys::NetlinkSocket::adopt(std::move(network.rtnetlink)));
    auto endpoint =
        std::find_if(endpoints.begin(), endpoints.end(),
                     [&](const netns::Endpoint& one) { return one.container == network.name; });
    if (endpoint == endpoints.end()) {
      TRY(netns::apply_loopback(inside));
      continue;
    }
    netns::Inside of_task{.netns_fd = network.network_namespace.get(), .netlink = inside};
    TRY(netns::apply_endpoint(bridge_, *endpoint, host, of_task));
  }
  return {};
}

Result<bool> TaskNetwork::retire(const std::string& task_id) const {
  return TRY(netns::LeaseStore::open(root_, bridge_)).retire(task_id);
}

Result<bool> TaskNetwork::has_retired() const {
  return TRY(netns::LeaseStore::open(root_, bridge_)).has_retired();
}

Status TaskNetwork::remove(const std::string& task_id) const {
  netns::LeaseStore leases = TRY(netns::LeaseStore::open(root_, bridge_));
  sys::NetlinkSocket host = TRY(sys::NetlinkSocket::open());
  return netns::remove_task(bridge_, leases, host, task_id);
}

Status TaskNetwork::sweep(const std::set<std::string>& live, netns::Retired retired) const {
  netns::LeaseStore leases = TRY(netns::LeaseStore::open(root_, bridge_));
  sys::NetlinkSocket host = TRY(sys::NetlinkSocket::open());
  return netns::sweep(bridge_, leases, host, live, retired);
}

}  // namespace berth::agent
