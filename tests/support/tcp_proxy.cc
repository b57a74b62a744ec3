// Run inside of a container.
// tcp_proxy PORT...: takes the TCP connections that the firewall leads to these ports, says of each
// "PORT ADDRESS:PORT" (where it came in, where it was going), makes one there and carries bytes
// both ways. As Envoy does it in a service mesh, without the mesh.
#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr int kBacklog = 16;

int listen_at(in_port_t port) {
  int fd = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);  // of IPv4, too
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&any), sizeof(any)) < 0) return -1;
  return ::listen(fd, kBacklog) < 0 ? -1 : fd;
}

bool is_mapped(const sockaddr_in6& address) {
  return IN6_IS_ADDR_V4MAPPED(&address.sin6_addr);
}

// Where the connection was going before it was led here; a family of 0 when the kernel cannot say.
sockaddr_storage original_of(int connection) {
  sockaddr_in6 here{};
  socklen_t size = sizeof(here);
  ::getsockname(connection, reinterpret_cast<sockaddr*>(&here), &size);
  sockaddr_storage original{};
  size = sizeof(original);
  int level = is_mapped(here) ? SOL_IP : SOL_IPV6;
  if (::getsockopt(connection, level, SO_ORIGINAL_DST, &original, &size) < 0) {
    original.ss_family = 0;
  }
  return original;
}

void say(int port, const sockaddr_storage& original) {
  char text[INET6_ADDRSTRLEN] = "nowhere";
  in_port_t to = 0;
  if (original.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(original);
    ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
    to = ntohs(v4.sin_port);
  } else if (original.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(original);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
    to = ntohs(v6.sin6_port);
  }
  std::printf("%d %s:%d\n", port, text, to);
  std::fflush(stdout);
}

// Until the source has ended; then the target hears so.
void carry(int from, int to, bool& open) {
  char buffer[16384];
  ssize_t got = ::read(from, buffer, sizeof(buffer));
  if (got > 0 && ::write(to, buffer, static_cast<size_t>(got)) == got) return;
  ::shutdown(to, SHUT_WR);
  open = false;
}

[[noreturn]] void serve(int port, int client) {
  sockaddr_storage original = original_of(client);
  say(port, original);
  int server = ::socket(original.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socklen_t size = original.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  if (::connect(server, reinterpret_cast<sockaddr*>(&original), size) < 0) std::exit(1);
  bool up = true;
  bool down = true;
  while (up || down) {
    pollfd both[2] = {{up ? client : -1, POLLIN, 0}, {down ? server : -1, POLLIN, 0}};
    if (::poll(both, 2, -1) < 0) break;
    if (both[0].revents != 0) carry(client, server, up);
    if (both[1].revents != 0) carry(server, client, down);
  }
  std::exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGCHLD, SIG_IGN);  // nobody waits for those who serve
  std::signal(SIGPIPE, SIG_IGN);
  std::vector<pollfd> listeners;
  for (int i = 1; i < argc; ++i) {
    int fd = listen_at(static_cast<in_port_t>(std::atoi(argv[i])));
    if (fd < 0) return 1;
    listeners.push_back({fd, POLLIN, 0});
  }
  std::puts("ready");
  std::fflush(stdout);
  while (::poll(listeners.data(), listeners.size(), -1) > 0) {
    for (size_t i = 0; i < listeners.size(); ++i) {
      if (listeners[i].revents == 0) continue;
      int client = ::accept4(listeners[i].fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (client >= 0 && ::fork() == 0) serve(std::atoi(argv[i + 1]), client);
      if (client >= 0) ::close(client);
    }
  }
  return 1;
}
