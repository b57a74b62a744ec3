// Where a name server is, as people write it: 10.0.0.2, 10.0.0.2:5353, fe80::1%eth0, [fd00::1]:53.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::dns {

constexpr uint16_t kServerPort = 53;
constexpr size_t kServersMax = 8;  // of one list

struct ServerAddress {
  std::string address;
  uint16_t port = kServerPort;
  bool operator==(const ServerAddress&) const = default;
};

Result<ServerAddress> parse_server_address(std::string_view text);
// As it is parsed; the port when it is another than 53.
std::string to_text(const ServerAddress& server);

// The servers of a resolv.conf(5), in their order. What is none is passed over, as the C library
// does it.
std::vector<ServerAddress> servers_of_resolv_conf(std::string_view text);

}  // namespace berth::dns
