// Connections and datagrams to an address and port of a network namespace, led to sockets that are
// bound elsewhere in it: an sk_lookup program, BPF_PROG_TYPE_SK_LOOKUP (Linux >= 5.17 for the
// interface).
//
// Why: a socket that listens on 169.254.170.2:80 keeps every program of the task from listening on
// port 80 of all addresses, which is what web servers do (EADDRINUSE, also for a listener with
// SO_REUSEADDR); a socket on port 53 keeps name servers from theirs. Steering decides before
// listeners are looked for and binds no port; a DNAT rule would do it too, for a run of `nft` and
// connection tracking in each task.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <variant>
#include <vector>

namespace berth::sys {

enum class SteeredProtocol { kTcp, kUdp };

struct Steering {
  SteeredProtocol protocol = SteeredProtocol::kTcp;
  std::variant<Ipv4, Ipv6> address;
  uint16_t port = 0;
  int socket = -1;  // borrowed; it listens, or is bound, in the namespace
};
// Only what comes over the loopback interface is led; from elsewhere it is refused. It lasts as
// long as the descriptor that is returned.
Result<Fd> steer(int network_namespace, const std::vector<Steering>& steerings);

}  // namespace berth::sys
