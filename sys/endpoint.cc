#include "sys/endpoint.h"

#include "sys/call.h"
#include "sys/file.h"
#include "sys/wait.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace berth::sys {
namespace {

struct EndpointAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<EndpointAddress> unix_endpoint(const Endpoint& endpoint) {
  EndpointAddress address;
  auto* named = reinterpret_cast<sockaddr_un*>(&address.storage);
  named->sun_family = AF_UNIX;
  if (endpoint.address.size() >= sizeof(named->sun_path)) {
    return fail(Errc::kInvalid, "{}: socket name too long", endpoint.address);
  }
  std::memcpy(named->sun_path, endpoint.address.data(), endpoint.address.size());
  address.size = sizeof(sockaddr_un);
  return address;
}

Result<EndpointAddress> ip_endpoint(const Endpoint& endpoint) {
  EndpointAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (::inet_pton(AF_INET, endpoint.address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    address.size = sizeof(sockaddr_in);
    return address;
  }
  address.storage = {};
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  size_t scope = endpoint.address.find('%');
  if (::inet_pton(AF_INET6, endpoint.address.substr(0, scope).c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    if (scope != std::string::npos) {
      v6->sin6_scope_id = ::if_nametoindex(endpoint.address.substr(scope + 1).c_str());
    }
    v6->sin6_port = htons(endpoint.port);
    address.size = sizeof(sockaddr_in6);
    return address;
  }
  return fail(Errc::kInvalid, "{}: no IP address", endpoint.address);
}

bool is_unix(Transport transport) {
  return transport == Transport::kUnixStream || transport == Transport::kUnixDatagram ||
         transport == Transport::kForeignUnixStream;
}

bool is_connected_stream(Transport transport) {
  return transport != Transport::kUdp && transport != Transport::kUnixDatagram;
}

// A descriptor of the socket file, by which it is connected to whatever stands at its path then.
Result<Fd> open_foreign_socket(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return fail(Errc::kInvalid, "{}: is no absolute path", path);
  Fd directory = TRY(open(path.substr(0, slash), O_PATH | O_DIRECTORY));
  Fd socket = TRY(open_beneath(directory.get(), path.substr(slash + 1), O_PATH | O_NOFOLLOW, 0));
  struct stat st = TRY(stat_fd(socket.get()));
  if (!S_ISSOCK(st.st_mode)) return fail(Errc::kInvalid, "{}: is no socket", path);
  return socket;
}

std::string shown(const Endpoint& endpoint) {
  if (is_unix(endpoint.transport)) return endpoint.address;
  return endpoint.address + ":" + std::to_string(endpoint.port);
}

Status finish_connect(int fd, const std::string& name, std::chrono::milliseconds patience) {
  std::array<pollfd, 1> writable = {pollfd{fd, POLLOUT, 0}};
  if (TRY(wait_for(writable, static_cast<int>(patience.count()), name)) == 0) {
    return fail(Errc::kUnavailable, "connect {}: no answer", name);
  }
  int error = 0;
  socklen_t size = sizeof(error);
  TRY(run("getsockopt", name,
          [&] { return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); }));
  if (error == 0) return {};
  return fail_errno(error, "connect {}", name);
}

}  // namespace

Result<Fd> begin_connect(const Endpoint& endpoint) {
  EndpointAddress to = TRY(ip_endpoint(endpoint));
  int type = (is_connected_stream(endpoint.transport) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC |
             SOCK_NONBLOCK;
  std::string name = shown(endpoint);
  Fd fd(TRY(call("socket", name, [&] { return ::socket(to.storage.ss_family, type, 0); })));
  auto connected = run("connect", name, [&] { return ::connect(fd.get(), to.get(), to.size); });
  if (!connected && connected.error().errno_value != EINPROGRESS) {
    return tl::unexpected<Error>(std::move(connected).error());
  }
  return fd;
}

Result<Fd> connect_endpoint(const Endpoint& endpoint, std::chrono::milliseconds patience) {
  Endpoint place = endpoint;
  Fd foreign;
  if (endpoint.transport == Transport::kForeignUnixStream) {
    foreign = TRY(open_foreign_socket(endpoint.address));
    place.address = "/proc/self/fd/" + std::to_string(foreign.get());
  }
  EndpointAddress to = TRY(is_unix(place.transport) ? unix_endpoint(place) : ip_endpoint(place));
  int type = (is_connected_stream(place.transport) ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC |
             SOCK_NONBLOCK;
  std::string name = shown(endpoint);
  Fd fd(TRY(call("socket", name, [&] { return ::socket(to.storage.ss_family, type, 0); })));
  auto connected = run("connect", name, [&] { return ::connect(fd.get(), to.get(), to.size); });
  bool is_pending = !connected && connected.error().errno_value == EINPROGRESS;
  if (is_pending) connected = finish_connect(fd.get(), name, patience);
  if (!connected) return tl::unexpected<Error>(std::move(connected).error());
  return fd;
}

Result<size_t> send_some(int fd, std::string_view bytes) {
  auto sent = call("send", "", [&] {
    return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  if (sent) return static_cast<size_t>(*sent);
  Error error = std::move(sent).error();
  if (error.errno_value == EAGAIN) error.code = Errc::kUnavailable;
  return tl::unexpected<Error>(std::move(error));
}

Result<std::string> receive_some(int fd, size_t max, std::chrono::milliseconds patience) {
  std::array<pollfd, 1> readable = {pollfd{fd, POLLIN, 0}};
  if (TRY(wait_for(readable, static_cast<int>(patience.count()), "receiver")) == 0) {
    return fail(Errc::kUnavailable, "no answer");
  }
  std::string bytes(max, '\0');
  auto got = TRY(call("recv", "", [&] { return ::recv(fd, bytes.data(), bytes.size(), 0); }));
  if (got == 0) return fail(Errc::kUnavailable, "the connection was closed");
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

bool is_hung_up(int fd) {
  std::array<pollfd, 1> state = {pollfd{fd, POLLRDHUP, 0}};
  auto ready = wait_for(state, 0, "receiver");
  return !ready || (state[0].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace berth::sys
