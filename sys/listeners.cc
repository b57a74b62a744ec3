#include "sys/listeners.h"

#include "base/text.h"
#include "sys/become.h"
#include "sys/call.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace berth::sys {
namespace {

constexpr const char* kHandedOver = "BERTH_LISTENERS";  // "PID:FD,FD"
constexpr const char* kSystemdPid = "LISTEN_PID";
constexpr const char* kSystemdCount = "LISTEN_FDS";
constexpr const char* kSystemdNames = "LISTEN_FDNAMES";
constexpr int kSystemdFirst = 3;
constexpr uint64_t kListenersMax = 64;

// Nothing of it is left for children.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

bool is_own_pid(const std::string& text) {
  return parse_u64(text) == static_cast<uint64_t>(::getpid());
}

bool is_listening(int fd) {
  int listens = 0;
  socklen_t size = sizeof(listens);
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

void take(uint64_t number, std::vector<Fd>& listeners) {
  int fd = static_cast<int>(number);
  if (listeners.size() < kListenersMax && is_listening(fd) && set_cloexec(fd)) {
    listeners.emplace_back(fd);
  }
}

}  // namespace

std::vector<Fd> take_given_listeners() {
  std::vector<Fd> listeners;
  std::string pid = take_variable(kSystemdPid);
  std::string count = take_variable(kSystemdCount);
  take_variable(kSystemdNames);
  if (is_own_pid(pid)) {
    uint64_t end = std::min(parse_u64(count).value_or(0), kListenersMax);
    for (uint64_t i = 0; i < end; ++i) take(kSystemdFirst + i, listeners);
  }
  std::string handed_over = take_variable(kHandedOver);
  size_t colon = handed_over.find(':');
  if (colon == std::string::npos || !is_own_pid(handed_over.substr(0, colon))) return listeners;
  for (const std::string& number : split(handed_over.substr(colon + 1), ',')) {
    if (auto fd = parse_u64(number)) take(*fd, listeners);
  }
  return listeners;
}

Status become_with_listeners(const std::vector<std::string>& command,
                             const std::vector<int>& listeners) {
  std::vector<std::string> numbers;
  for (int fd : listeners) numbers.push_back(std::to_string(fd));
  std::string value = std::to_string(::getpid()) + ":" + join(numbers, ",");
  for (int fd : listeners) TRY(set_inheritable(fd));
  ::setenv(kHandedOver, value.c_str(), 1);
  sigset_t none;
  sigset_t before;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, &before);
  Status failed = become(command.front(), command);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::unsetenv(kHandedOver);
  for (int fd : listeners) (void)set_cloexec(fd);
  return failed;
}

Result<ListenerPlace> place_of_listener(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  TRY(run("getsockname", "",
          [&] { return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size); }));
  if (address.ss_family == AF_INET) return ListenerPlace{};
  if (address.ss_family != AF_UNIX) {
    return fail(Errc::kInvalid, "a listening socket of address family {}", address.ss_family);
  }
  const auto& unix_address = reinterpret_cast<const sockaddr_un&>(address);
  size_t length = size - offsetof(sockaddr_un, sun_path);
  std::string path(unix_address.sun_path, length);
  return ListenerPlace{.is_unix = true, .path = path.substr(0, path.find('\0'))};
}

}  // namespace berth::sys
