// proxyConfiguration of a task definition as values: a container of the task that its TCP
// connections are led through (App Mesh's Envoy, or any other that asks SO_ORIGINAL_DST where a
// connection was going).
#pragma once

#include "base/ip_net.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::scheduler {

// The properties, by ECS's names.
struct MeshProxy {
  std::string container_name{};
  std::optional<uint32_t> ignored_uid{};  // as the containers count: whose connections go straight
  std::optional<uint32_t> ignored_gid{};
  std::optional<uint16_t> proxy_ingress_port{};  // exactly when there are app_ports
  uint16_t proxy_egress_port = 0;
  std::vector<uint16_t> app_ports{};
  std::vector<uint16_t> egress_ignored_ports{};
  std::vector<IpNet> egress_ignored_ips{};  // those that ECS adds are not among them
  bool operator==(const MeshProxy&) const = default;
};

}  // namespace berth::scheduler
