// Networks of either version of IP as values, for what names peers: berth's own networks are IPv4
// (base/ipv4.h).
#pragma once

#include "base/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

struct IpNet {
  bool is_v6 = false;
  std::array<uint8_t, 16> address{};  // in network order; of IPv4 the first four
  int prefix = 0;
  bool operator==(const IpNet&) const = default;
};

// "10.0.0.1", "10.0.0.0/8", "fd00::1", "fd00::/8"; an IPv4 address in the clothes of IPv6
// ("::ffff:10.0.0.1") is the IPv4 address. Bits behind the prefix are cleared.
Result<IpNet> parse_ip_net(std::string_view text);
// With the prefix, always.
std::string to_string(const IpNet& net);

}  // namespace berth
