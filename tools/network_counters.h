// What went through the interfaces of a network namespace: /proc/PID/net/dev, proc_pid_net(5).
#pragma once

#include <cstdint>
#include <string_view>

namespace berth::tools {

struct NetworkCounters {
  uint64_t received_bytes = 0;
  uint64_t sent_bytes = 0;
  bool operator==(const NetworkCounters&) const = default;
};

// Over all interfaces but lo. Lines that are none count as nothing.
NetworkCounters parse_network_counters(std::string_view text);

}  // namespace berth::tools
