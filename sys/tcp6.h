// TCP over IPv6: what sys/tcp.h does not do for both. Connections are the same once they are taken.
#pragma once

#include "base/ipv6.h"
#include "base/result.h"
#include "sys/fd.h"

#include <netinet/in.h>

#include <cstdint>
#include <string>

namespace berth::sys {

// An end of TCP or UDP.
struct Ipv6End {
  Ipv6 address;
  uint16_t port = 0;  // 0: the kernel chooses
};

// "[fd00:ec2::253]:53".
std::string to_string(const Ipv6End& end);
sockaddr_in6 address_in(const Ipv6End& end);

// A socket of IPv6 alone in the network namespace of this thread, non-blocking and bound; the
// address need not be there yet. `type` is SOCK_STREAM or SOCK_DGRAM.
Result<Fd> bind_ipv6(int type, const Ipv6End& at);
// The same, listening.
Result<Fd> listen_tcp(const Ipv6End& at);

}  // namespace berth::sys
