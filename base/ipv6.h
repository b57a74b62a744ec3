// IPv6 addresses and networks as values, in network byte order.
#pragma once

#include "base/result.h"

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

struct Ipv6 {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Ipv6&) const = default;
};

// An address together with the length of its network's prefix.
struct Ipv6Net {
  Ipv6 address;
  int prefix = 128;
  auto operator<=>(const Ipv6Net&) const = default;
  Ipv6 network() const;  // without the bits behind the prefix
};

// As of RFC 4291, 2.2; without a zone, and not "::ffff:10.0.0.1", which is an IPv4 address.
Result<Ipv6> parse_ipv6(std::string_view text);
// "fd00:be::/64".
Result<Ipv6Net> parse_ipv6_net(std::string_view text);
// The shortest text (RFC 5952).
std::string to_string(const Ipv6& address);
std::string to_string(const Ipv6Net& net);

// Of fc00::/7: an organisation's own addresses, which the world does not route (RFC 4193).
bool is_unique_local(const Ipv6& address);

}  // namespace berth
