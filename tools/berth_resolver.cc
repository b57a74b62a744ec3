// berth-resolver: answers what the containers of a task ask at 169.254.169.253:53, and where there
// is IPv6 at [fd00:ec2::253]:53. Not for people:
// the task's shim starts it when a container asks, with the sockets as descriptors 3, 4, ...
// (runtime/endpoint_program.h), and starts it again when it has ended. Static and small, because
// there may be one for each task.
#include "resolver/arguments.h"
#include "resolver/service.h"
#include "runtime/task_plan.h"
#include "sys/clock.h"
#include "sys/credentials.h"
#include "sys/fd.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace berth {
namespace {

Result<sys::Fd> adopt_socket(int fd) {
  TRY(sys::set_cloexec(fd));
  TRY(sys::set_nonblocking(fd));
  return sys::Fd(fd);
}

// The `place`th three of all.
Result<resolver::NetworkSockets> adopt_sockets(size_t place) {
  int first = resolver::kFirstFd + static_cast<int>(place) * resolver::kFdsOfAddress;
  resolver::NetworkSockets sockets;
  sockets.datagrams = TRY(adopt_socket(first));
  sockets.sender = TRY(adopt_socket(first + 1));
  sockets.listener = TRY(adopt_socket(first + 2));
  return sockets;
}

// The sockets are there, so nothing needs a privilege any more, and what a container sends is read
// here: no capability is left, nor to be had by executing something.
Status drop_privileges() {
  bool dropped = sys::raw_drop_bounding(0) == 0 && sys::raw_set_capabilities({}) == 0;
  if (dropped) return {};
  return fail_errno(errno, "drop capabilities");
}

Status serve(const std::vector<std::string>& arguments) {
  auto parsed = TRY(resolver::parse_arguments(arguments));
  sys::SystemClock clock;
  sys::SystemRng rng;
  auto loop = TRY(sys::Loop::make(clock));
  bool has_ipv6 = parsed.settings.ipv6;
  resolver::AskedAt asked_at{.ipv4 = {runtime::kResolverAddress, runtime::kResolverPort},
                             .ipv6 = {runtime::kResolverAddress6, runtime::kResolverPort}};
  resolver::Service service(std::move(parsed.settings), asked_at, *loop, Env{clock, rng});
  size_t place = 0;
  for (size_t i = 0; i < parsed.networks; ++i) {
    TRY(service.listen(TRY(adopt_sockets(place++)), resolver::Family::kIpv4));
    if (has_ipv6) TRY(service.listen(TRY(adopt_sockets(place++)), resolver::Family::kIpv6));
  }
  TRY(drop_privileges());
  return service.run();
}

}  // namespace
}  // namespace berth

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts("berth-resolver " BERTH_VERSION);
    return 0;
  }
  auto served = berth::serve({argv + 1, argv + argc});
  if (served) return 0;
  std::fprintf(stderr, "berth-resolver: %s\n", served.error().text.c_str());
  return 1;
}
