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

}  // namespace berth::sys
