// Unix sockets that carry messages and descriptors.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::sys {

constexpr size_t kMessageMax = 64 * 1024;
constexpr size_t kMessageFdsMax = 64;

struct SocketPair {
  Fd ours;
  Fd theirs;
};
// socketpair(2) of SOCK_SEQPACKET sockets, close-on-exec.
Result<SocketPair> make_socket_pair();

// A SOCK_SEQPACKET unix socket bound to `path` (an existing socket file is replaced), listening.
// Paths longer than sun_path go through /proc/self/fd of the directory.
Result<Fd> listen_unix(const std::string& path);
Result<Fd> connect_unix(const std::string& path);
// The same of SOCK_STREAM sockets, as the console and pidfd sockets of OCI engines are.
Result<Fd> listen_stream(const std::string& path);
Result<Fd> connect_stream(const std::string& path);
// One that nobody but its owner may connect to: its file never has another mode than 0600.
Result<Fd> listen_private_stream(const std::string& path);
// accept4(SOCK_CLOEXEC).
Result<Fd> accept_unix(int listener);

struct Message {
  std::string bytes;  // empty: end of file (we never send empty messages)
  std::vector<Fd> fds;
};
// One message with borrowed descriptors beside it (SCM_RIGHTS). kUnavailable when the peer is gone.
Status send_message(int fd, std::string_view bytes, const std::vector<int>& fds);
// Blocks for one message unless the socket is non-blocking (then kUnavailable with EAGAIN).
Result<Message> receive_message(int fd);
// The same with room for less: a longer message is an error.
Result<Message> receive_message(int fd, size_t bytes_max);

}  // namespace berth::sys
