// udp_echo PORT: run inside of a container, answers each datagram with what it holds.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr size_t kDatagramMax = 2048;

int serve(in_port_t port) {
  int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) return 1;
  std::puts("ready");
  std::fflush(stdout);
  while (true) {
    char datagram[kDatagramMax];
    sockaddr_in peer{};
    socklen_t size = sizeof(peer);
    auto* from = reinterpret_cast<sockaddr*>(&peer);
    ssize_t got = ::recvfrom(fd, datagram, sizeof(datagram), 0, from, &size);
    if (got < 0) return 1;
    (void)::sendto(fd, datagram, static_cast<size_t>(got), 0, from, size);  // lost ones are UDP's
  }
}

}  // namespace

int main(int argc, char** argv) {
  return argc == 2 ? serve(static_cast<in_port_t>(std::atoi(argv[1]))) : 2;
}
