// Whether a port of the host is free.
#pragma once

#include "base/ipv4.h"
#include "base/result.h"

#include <cstdint>

namespace berth::sys {

struct LocalPort {
  Ipv4 address;
  uint16_t port = 0;
  bool udp = false;
};

// Binds and closes at once. False when the port is taken; kInvalid when the host does not have the
// address; an error for anything else.
Result<bool> can_bind(const LocalPort& port);

// The same of the port at all IPv6 addresses of the host; what listens on IPv4 alone does not
// matter. A kernel without IPv6 has nobody who could have taken it.
Result<bool> can_bind_ipv6(uint16_t port, bool udp);

}  // namespace berth::sys
