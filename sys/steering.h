// Connections to an address and port of a network namespace, led to a socket that is bound
// elsewhere in it: an sk_lookup program, BPF_PROG_TYPE_SK_LOOKUP (Linux >= 5.17 for the interface).
//
// Why: a socket that listens on 169.254.170.2:80 keeps every program of the task from listening on
// port 80 of all addresses, which is what web servers do (EADDRINUSE, also for a listener with
// SO_REUSEADDR). Steering decides before listeners are looked for and binds no port; a DNAT rule
// would do it too, for a run of `nft` and connection tracking in each task.
#pragma once

#include "base/ipv4.h"
#include "base/result.h"
#include "sys/fd.h"
#include "sys/tcp.h"

namespace berth::sys {

// `listener` listens in the namespace. Only what comes over the loopback interface is led to it;
// connections from elsewhere are refused. It lasts as long as the descriptor that is returned.
Result<Fd> steer_connections(int network_namespace, TcpAddress to, int listener);

}  // namespace berth::sys
