// Connections to receivers elsewhere, which may be slow or gone: nothing here waits for longer than
// it is told to.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth::sys {

// kForeignUnixStream: the directory of the socket is ours, what stands in it somebody else's. A
// symbolic link there, which could lead to any socket of the host, is not followed.
enum class Transport : uint8_t { kUdp, kTcp, kUnixStream, kUnixDatagram, kForeignUnixStream };

struct Endpoint {
  Transport transport = Transport::kUnixDatagram;
  std::string address;  // a numeric IP address ("fe80::1%eth0", too), or a path
  uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

// A non-blocking socket; kUnavailable when nobody answers within the time.
Result<Fd> connect_endpoint(const Endpoint& endpoint, std::chrono::milliseconds patience);
// The same of kUdp or kTcp without waiting: writable, or broken, when the connection is made.
Result<Fd> begin_connect(const Endpoint& endpoint);
// One send(2): how many bytes went. kUnavailable with EAGAIN when none can for now.
Result<size_t> send_some(int fd, std::string_view bytes);
// One recv(2) of what comes within the time; kUnavailable when nothing does or the peer has gone.
Result<std::string> receive_some(int fd, size_t max, std::chrono::milliseconds patience);
// Whether the peer of a stream has closed it: what is sent then is lost without an error.
bool is_hung_up(int fd);

}  // namespace berth::sys
