// The way of a task's TCP through a proxy in it: what Amazon's CNI plugin aws-appmesh writes with
// iptables, as one table of nftables in the task's own namespace, which goes with it.
//
//   from elsewhere, to an app port   -> prerouting -> the proxy's ingress port
//   to elsewhere, from whomever      -> output     -> the proxy's egress port
//   to elsewhere, from the proxy's user or group, or to what is spared: straight
//
// Packets within the task go straight, too. Where a redirected connection was going is
// SO_ORIGINAL_DST (of IPv6, IP6T_SO_ORIGINAL_DST).
#pragma once

#include "base/ip_net.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::netns {

// As scheduler::MeshProxy, with the addresses that are always spared.
struct ProxyRules {
  std::optional<uint32_t> ignored_uid{};  // in the task's user namespace
  std::optional<uint32_t> ignored_gid{};
  uint16_t ingress_port = 0;  // 0: what comes in is left alone
  uint16_t egress_port = 0;
  std::vector<uint16_t> app_ports{};
  std::vector<uint16_t> spared_ports{};
  std::vector<IpNet> spared{};
  bool operator==(const ProxyRules&) const = default;
};

constexpr const char* kProxyTable = "berth_proxy";

// Pure. What is there of an earlier try is replaced.
std::string render_proxy(const ProxyRules& rules);
// `netns_fd` is the task's network namespace, borrowed.
Status apply_proxy(const ProxyRules& rules, int netns_fd);

}  // namespace berth::netns
