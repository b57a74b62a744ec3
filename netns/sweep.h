// Removing what dead berth processes left: leases, links, rules.
#pragma once

#include "base/result.h"
#include "netns/ipam.h"
#include "netns/plan.h"
#include "sys/netlink.h"

#include <set>
#include <string>

namespace berth::netns {

// The endpoints that a lease stands for.
std::vector<Endpoint> endpoints_of(const BridgePlan& bridge, const Lease& lease);

// A link is ours when its name and alias carry the instance; it is dead when no remaining lease
// names it. A lease is dead when its task is not `live` (has no shim) and the process that took it
// is gone. With the last lease the tables and the bridge go.
Status sweep(const BridgePlan& bridge, LeaseStore& leases, sys::NetlinkSocket& host,
             const std::set<std::string>& live, Retired retired);

// The end of a task: links, rules, then the lease; with the last lease, tables and bridge too.
Status remove_task(const BridgePlan& bridge, LeaseStore& leases, sys::NetlinkSocket& host,
                   const std::string& task_id);

}  // namespace berth::netns
