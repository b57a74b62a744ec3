// linux.netDevices (runtime-spec 1.3): links of the host that become the container's, with their
// permanent global addresses, and are up there.
//
// When the container's network namespace ends the kernel gives back what is hardware, and removes
// what is not; the specification leaves both to it.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "runtime/spec.h"
#include "sys/netlink.h"

#include <optional>
#include <vector>

#include <sys/types.h>

namespace berth::runtime {

Result<std::vector<NetDeviceSpec>> parse_net_devices(const json::Node& node);

// Moved to the network namespace of a process, and back again unless kept.
class MovedDevices {
 public:
  // All of them or, on an error, none.
  static Result<MovedDevices> move(const std::vector<NetDeviceSpec>& devices, pid_t pid);

  MovedDevices(MovedDevices&& other) noexcept = default;
  MovedDevices& operator=(MovedDevices&&) = delete;
  ~MovedDevices();
  void keep() { moved_.clear(); }

 private:
  // A network namespace, held, and a socket born in it.
  struct Place {
    sys::Fd network;
    sys::NetlinkSocket socket;
  };

  MovedDevices(Place host, Place container)
      : host_(std::move(host)), container_(std::move(container)) {}
  static Result<Place> open(pid_t pid);
  static Status carry(Place& from, Place& to, const NetDeviceSpec& device);

  Place host_;
  Place container_;
  std::vector<NetDeviceSpec> moved_;
};

}  // namespace berth::runtime
