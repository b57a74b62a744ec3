#include "netns/sweep.h"

#include "netns/apply.h"
#include "netns/firewall.h"

#include <algorithm>
#include <future>

namespace berth::netns {
namespace {

std::vector<Endpoint> endpoints_of_all(const BridgePlan& bridge, const std::vector<Lease>& leases) {
  std::vector<Endpoint> all;
  for (const auto& lease : leases) {
    auto endpoints = endpoints_of(bridge, lease);
    all.insert(all.end(), endpoints.begin(), endpoints.end());
  }
  return all;
}

// The alias may be missing: its maker may have died between the link and the alias.
bool is_ours(const BridgePlan& bridge, const sys::Link& link) {
  return link.kind == "veth" && link.name.starts_with(interface_prefix(bridge.instance)) &&
         (link.alias.empty() || link.alias.starts_with(alias_prefix(bridge.instance)));
}

Status remove_dead_links(const BridgePlan& bridge, const std::vector<Endpoint>& remaining,
                         sys::NetlinkSocket& host) {
  for (const auto& link : TRY(host.links())) {
    auto names_it = [&](const Endpoint& e) { return e.host_interface == link.name; };
    if (!is_ours(bridge, link) || std::any_of(remaining.begin(), remaining.end(), names_it)) {
      continue;
    }
    TRY(host.delete_link(link.name));
  }
  return {};
}

// Deleting a table waits for one grace period of the kernel, deleting a link for several (measured:
// 14 and 40 ms). They wait side by side.
Status remove_network(const BridgePlan& bridge, sys::NetlinkSocket& host) {
  auto tables = std::async(std::launch::async, [&bridge] { return remove_tables(bridge); });
  Status removed = remove_bridge(bridge, host);
  TRY(tables.get());
  return removed;
}

}  // namespace

std::vector<Endpoint> endpoints_of(const BridgePlan& bridge, const Lease& lease) {
  std::vector<Endpoint> endpoints;
  for (const auto& leased : lease.endpoints) {
    if (!leased.address) continue;
    endpoints.push_back(make_endpoint(bridge, {lease.task_id, leased.container, *leased.address,
                                               leased.ports, leased.groups, leased.proxy}));
  }
  return endpoints;
}

Status sweep(const BridgePlan& bridge, LeaseStore& leases, sys::NetlinkSocket& host,
             const std::set<std::string>& live, Retired retired) {
  return leases.sweep(live, retired, [&](const auto& stale, const auto& remaining) -> Status {
    TRY(remove_dead_links(bridge, endpoints_of_all(bridge, remaining), host));
    if (remaining.empty()) return remove_network(bridge, host);
    auto dead = endpoints_of_all(bridge, stale);
    for (const Endpoint& endpoint : dead) TRY(forget_neighbour(bridge, endpoint, host));
    return remove_firewall(bridge, dead);
  });
}

Status remove_task(const BridgePlan& bridge, LeaseStore& leases, sys::NetlinkSocket& host,
                   const std::string& task_id) {
  auto held = TRY(leases.list());
  auto ours = std::find_if(held.begin(), held.end(),
                           [&](const Lease& lease) { return lease.task_id == task_id; });
  if (ours == held.end()) return {};
  auto endpoints = endpoints_of(bridge, *ours);
  // Outside the lock, because the kernel takes its time: the links are this task's alone.
  for (const auto& endpoint : endpoints) TRY(remove_endpoint(bridge, endpoint, host));
  // Under it, because another berth may begin or end a task: the tables are everyone's.
  return leases.release(task_id, [&](const auto&, const auto& remaining) -> Status {
    if (remaining.empty()) return remove_network(bridge, host);
    return remove_firewall(bridge, endpoints);
  });
}

}  // namespace berth::netns
