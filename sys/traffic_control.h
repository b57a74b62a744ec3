// What tc(8) does, as values: queueing disciplines and filters, to be added to a link by
// NetlinkSocket, and the options of the kinds that berth makes. Pure, but for what netlink.h does
// with them.
#pragma once

#include "base/env.h"
#include "base/ip_net.h"
#include "sys/netlink.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::sys {

// A class of a queueing discipline, "7000:3"; {major, 0} is the discipline itself.
constexpr uint32_t traffic_class(uint16_t major, uint16_t minor) {
  return (uint32_t{major} << 16) | minor;
}
constexpr uint16_t traffic_major(uint32_t handle) {
  return static_cast<uint16_t>(handle >> 16);
}

// So many queues, those of lower numbers first; what no filter sends elsewhere goes to the class of
// this number, from 1.
std::string prio_options(int bands, uint8_t otherwise);

// tc-netem(8). What goes through it waits for `delay`, give or take `jitter`; of a hundred packets
// so many are lost.
struct Netem {
  Duration delay{};
  Duration jitter{};
  int loss_percent = 0;
  bool operator==(const Netem&) const = default;
};
std::string netem_options(const Netem& netem);
// Of those that the kernel lists: whether it loses packets.
bool netem_loses(std::string_view options);

// Packets to this network go to the class.
std::string destination_options(const IpNet& to, uint32_t traffic_class);
// Each connection always to the same of `count` classes, the first of which is this.
std::string flow_options(uint32_t count, uint32_t first_class);

}  // namespace berth::sys
