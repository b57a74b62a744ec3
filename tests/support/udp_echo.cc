// Run inside of a container.
// udp_echo PORT: answers each datagram with what it holds.
// udp_echo ADDRESS PORT: asks such a one, from the same port, so that every question is of one
// connection; says what it answers; 1 when nothing does for a second.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr size_t kDatagramMax = 2048;
constexpr timeval kAnswerPatience{0, 100000};
constexpr int kQuestionsMax = 10;

int make_socket() {
  return ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

sockaddr_in at_port(const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(std::atoi(port)));
  return address;
}

int serve(const char* port) {
  int fd = make_socket();
  sockaddr_in address = at_port(port);
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

int ask(const char* host, const char* port) {
  int fd = make_socket();
  sockaddr_in address = at_port(port);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) return 2;
  if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) return 2;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kAnswerPatience, sizeof(kAnswerPatience));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) return 1;
  for (int i = 0; i < kQuestionsMax; ++i) {
    (void)::send(fd, "ping", 4, 0);  // a refusal of the one before may be told here
    char datagram[kDatagramMax];
    ssize_t got = ::recv(fd, datagram, sizeof(datagram), 0);
    if (got < 0) continue;
    std::printf("%.*s\n", static_cast<int>(got), datagram);
    return 0;
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) return serve(argv[1]);
  return argc == 3 ? ask(argv[1], argv[2]) : 2;
}
