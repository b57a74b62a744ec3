// Makes a network plan true, and undoes it. Every function may run twice.
#pragma once

#include "base/result.h"
#include "netns/plan.h"
#include "sys/netlink.h"

#include <set>

namespace berth::netns {

// A task's network namespace as the shim hands it over. Both borrowed.
struct Inside {
  int netns_fd;
  sys::NetlinkSocket& netlink;  // born inside
};

// The bridge with its addresses and sysctls. Turns on net.ipv4.ip_forward (and, with an IPv6
// subnet, net.ipv6.conf.all.forwarding) and turns off net.bridge.bridge-nf-call-iptables (and
// -ip6tables) for the host, and never turns them back: others may have come
// to rely on them. Fails with kExists if a link of that name is not this instance's bridge.
Status apply_bridge(const BridgePlan& bridge, sys::NetlinkSocket& host);
// Deletes the bridge if it is this instance's.
Status remove_bridge(const BridgePlan& bridge, sys::NetlinkSocket& host);

// lo and eth0 inside, the isolated bridge port outside, the way through a proxy. apply_bridge()
// first.
Status apply_endpoint(const BridgePlan& bridge, const Endpoint& endpoint, sys::NetlinkSocket& host,
                      Inside inside);
// Deleting our end takes the peer with it.
Status remove_endpoint(const BridgePlan& bridge, const Endpoint& endpoint,
                       sys::NetlinkSocket& host);
// What the bridge knows of an endpoint whose link is gone already.
Status forget_neighbour(const BridgePlan& bridge, const Endpoint& endpoint,
                        sys::NetlinkSocket& host);

// What those who had the other addresses of the subnet were connected to, and what was on its way
// to them. False: some may still be known, which is logged. A kernel that cannot be asked has none
// that could be forgotten. As much memory as there are such connections, as much time as there are
// any.
bool forget_all_but(const BridgePlan& bridge, const std::set<Ipv4>& leased);

// Network mode none: lo is up and nothing else is there.
Status apply_loopback(sys::NetlinkSocket& inside);

}  // namespace berth::netns
