// IPv4 addresses and networks as values, in host byte order.
#pragma once

#include "base/result.h"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

struct Ipv4 {
  uint32_t value = 0;  // host byte order: 10.0.0.1 is 0x0a000001
  auto operator<=>(const Ipv4&) const = default;
};

// An address together with the length of its network's prefix.
struct Ipv4Net {
  Ipv4 address;
  int prefix = 32;
  auto operator<=>(const Ipv4Net&) const = default;
  uint32_t mask() const { return prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix); }
  Ipv4 network() const { return {address.value & mask()}; }
  Ipv4 broadcast() const { return {address.value | ~mask()}; }
  bool contains(Ipv4 other) const { return (other.value & mask()) == network().value; }
};

// Four decimal numbers without leading zeros; nothing else.
Result<Ipv4> parse_ipv4(std::string_view text);
// "172.29.0.0/16".
Result<Ipv4Net> parse_ipv4_net(std::string_view text);
std::string to_string(Ipv4 address);
std::string to_string(const Ipv4Net& net);

}  // namespace berth
