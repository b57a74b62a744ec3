// Connection tracking by nfnetlink, in the calling thread's network namespace.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace berth::sys {

// Forgets the connections that this address has begun or that have been answered by it, however
// they are translated; says how many. What belongs to a tracked one passes rules with `ct state
// established` and keeps its translation, also when the address is somebody else's by now.
// kUnsupported where the kernel has no nf_conntrack_netlink. Of at most `few` all are asked for at
// once; of more the kernel is asked for those of the address, in two walks.
constexpr uint32_t kFewConnections = 4096;
Result<size_t> forget_connections(Ipv4 address, uint32_t few = kFewConnections);
Result<size_t> forget_connections(const Ipv6& address);
// The same of every address that `is_gone`, in one walk.
Result<size_t> forget_ipv4_connections(const std::function<bool(Ipv4)>& is_gone);
Result<size_t> forget_ipv6_connections(const std::function<bool(const Ipv6&)>& is_gone);

}  // namespace berth::sys
