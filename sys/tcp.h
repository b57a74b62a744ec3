// TCP over IPv4, as a server needs it.
#pragma once

#include "base/ipv4.h"
#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <string_view>

namespace berth::sys {

// Whether the address must be there already (IP_FREEBIND, ip(7)).
enum class AddressNeed { kNow, kLater };

struct TcpAddress {
  Ipv4 address;
  uint16_t port = 0;  // 0: the kernel chooses
};

// A non-blocking, listening socket in the network namespace of this thread.
Result<Fd> listen_tcp(TcpAddress at, AddressNeed need);
// Where a socket is bound.
Result<TcpAddress> local_address(int fd);
// The next connection, non-blocking; empty when none waits any more. A connection that broke while
// it waited is passed over.
Result<Fd> accept_tcp(int listener);

// What a non-blocking stream gave or took.
struct Moved {
  size_t bytes = 0;
  bool ended = false;  // end of file, or the peer has gone
};
Result<Moved> receive_some(int fd, char* buffer, size_t size);
Result<Moved> send_part(int fd, std::string_view bytes);
// What receive_some() would give, of which nothing is taken: bytes is 0 or 1.
Result<Moved> peek(int fd);
// The peer is told that nothing else comes, and may go on to send. No error when it has gone.
Status shut_down_sending(int fd);

}  // namespace berth::sys
