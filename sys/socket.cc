#include "sys/socket.h"

#include "sys/call.h"
#include "sys/file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace berth::sys {
namespace {

constexpr int kBacklog = 64;

struct UnixAddress {
  sockaddr_un address{};
  Fd directory;  // kept open while the address speaks of /proc/self/fd/N
};

Result<UnixAddress> address_of(const std::string& path) {
  UnixAddress result;
  result.address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof(result.address.sun_path)) {
    size_t slash = path.rfind('/');
    if (slash == std::string::npos) return fail(Errc::kInvalid, "{}: socket name too long", path);
    result.directory = TRY(open(path.substr(0, slash), O_PATH | O_DIRECTORY));
    name = proc_path(result.directory.get()) + path.substr(slash);
    if (name.size() >= sizeof(result.address.sun_path)) {
      return fail(Errc::kInvalid, "{}: socket name too long", path);
    }
  }
  std::memcpy(result.address.sun_path, name.data(), name.size());
  return result;
}

Result<Fd> make_socket(int type) {
  return Fd(
      TRY(call("socket", "AF_UNIX", [&] { return ::socket(AF_UNIX, type | SOCK_CLOEXEC, 0); })));
}

Result<Fd> connect_to(const std::string& path, int type) {
  Fd fd = TRY(make_socket(type));
  UnixAddress to = TRY(address_of(path));
  TRY(run("connect", path, [&] {
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.address), sizeof(to.address));
  }));
  return fd;
}

Result<Fd> listen_at(const std::string& path, Fd fd) {
  TRY(remove_file(path));
  UnixAddress to = TRY(address_of(path));
  TRY(run("bind", path, [&] {
    return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&to.address), sizeof(to.address));
  }));
  TRY(run("listen", path, [&] { return ::listen(fd.get(), kBacklog); }));
  return fd;
}

}  // namespace

Result<SocketPair> make_socket_pair() {
  std::array<int, 2> fds{-1, -1};
  TRY(run("socketpair", "",
          [&] { return ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()); }));
  return SocketPair{Fd(fds[0]), Fd(fds[1])};
}

Result<Fd> listen_unix(const std::string& path) {
  return listen_at(path, TRY(make_socket(SOCK_SEQPACKET)));
}

Result<Fd> listen_stream(const std::string& path) {
  return listen_at(path, TRY(make_socket(SOCK_STREAM)));
}

Result<Fd> listen_private_stream(const std::string& path) {
  Fd fd = TRY(make_socket(SOCK_STREAM));
  // bind(2) makes the file with the mode of the socket, less the umask: there is no moment at which
  // others could connect.
  TRY(run("fchmod", path, [&] { return ::fchmod(fd.get(), 0600); }));
  return listen_at(path, std::move(fd));
}

Result<Fd> connect_unix(const std::string& path) {
  return connect_to(path, SOCK_SEQPACKET);
}

Result<Fd> connect_stream(const std::string& path) {
  return connect_to(path, SOCK_STREAM);
}

Result<Fd> accept_unix(int listener) {
  return Fd(TRY(
      call("accept4", "", [&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); })));
}

Status send_message(int fd, std::string_view bytes, const std::vector<int>& fds) {
  if (bytes.empty() || bytes.size() > kMessageMax || fds.size() > kMessageFdsMax) {
    return fail(Errc::kInvalid, "send: a message of {} bytes and {} descriptors", bytes.size(),
                fds.size());
  }
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMessageFdsMax * sizeof(int))> control{};
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  auto sent = run("sendmsg", "", [&] { return ::sendmsg(fd, &header, MSG_NOSIGNAL); });
  if (!sent) {
    Error error = std::move(sent).error();
    if (error.errno_value == EPIPE || error.errno_value == ECONNRESET) {
      error.code = Errc::kUnavailable;
    }
    return tl::unexpected<Error>(std::move(error));
  }
  return {};
}

Result<Message> receive_message(int fd) {
  return receive_message(fd, kMessageMax);
}

Result<Message> receive_message(int fd, size_t bytes_max) {
  Message message;
  message.bytes.resize(bytes_max);
  iovec part{message.bytes.data(), message.bytes.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMessageFdsMax * sizeof(int))> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  // A peer that closed without reading all that it was sent: the kernel tells that before the
  // messages of the peer's that still wait, once.
  auto got = call("recvmsg", "", [&] {
    ssize_t received = ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC);
    bool was_reset = received < 0 && errno == ECONNRESET;
    return was_reset ? ::recvmsg(fd, &header, MSG_CMSG_CLOEXEC) : received;
  });
  if (!got) {
    Error error = std::move(got).error();
    if (error.errno_value == EAGAIN) error.code = Errc::kUnavailable;
    if (error.errno_value != ECONNRESET) return tl::unexpected<Error>(std::move(error));
    message.bytes.clear();
    return message;
  }
  message.bytes.resize(static_cast<size_t>(*got));
  for (cmsghdr* part_of = CMSG_FIRSTHDR(&header); part_of != nullptr;
       part_of = CMSG_NXTHDR(&header, part_of)) {
    if (part_of->cmsg_level != SOL_SOCKET || part_of->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (part_of->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int received = -1;
      std::memcpy(&received, CMSG_DATA(part_of) + i * sizeof(int), sizeof(int));
      message.fds.emplace_back(received);
    }
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    return fail(Errc::kCorrupt, "recvmsg: a message longer than {} bytes", bytes_max);
  }
  return message;
}

}  // namespace berth::sys
