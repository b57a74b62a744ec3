#include "base/text.h"
#include "oci/commands.h"
#include "runtime/container.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/own_binary.h"
#include "sys/spawn.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace berth::oci {
namespace {

// sd_listen_fds(3): how many sockets were passed to us, from 3 on.
Result<uint64_t> listen_fds() {
  const char* pid = ::getenv("LISTEN_PID");
  const char* count = ::getenv("LISTEN_FDS");
  if (pid == nullptr || count == nullptr || pid != std::to_string(sys::own_pid())) return 0;
  auto number = parse_u64(count);
  if (number && *number <= kPreserveMax) return *number;
  return fail(Errc::kInvalid, "LISTEN_FDS: must be from 0 to {}", kPreserveMax);
}

// An environment variable, because other runtimes, which the shim may be told to use, know no such
// option.
constexpr const char* kSupervisor = "BERTH_SUPERVISOR_FD";

// The descriptor whose hang-up tells that our supervisor has gone; -1 when we have none. The
// container must not inherit it.
Result<int> supervisor() {
  const char* text = std::getenv(kSupervisor);
  if (text == nullptr) return -1;
  auto number = parse_u64(text);
  constexpr uint64_t kDescriptorMax = 1024;
  if (!number || *number < 3 || *number > kDescriptorMax) {
    return fail(Errc::kInvalid, "{}: {} is not a descriptor", kSupervisor, printable(text, 32));
  }
  int fd = static_cast<int>(*number);
  auto set = sys::set_cloexec(fd);
  if (!set) return wrap(std::move(set).error(), "{}={}", kSupervisor, fd);
  return fd;
}

Result<runtime::CreateOptions> create_options(const Invocation& invocation) {
  const Given& given = invocation.options;
  uint64_t listened = TRY(listen_fds());
  uint64_t preserved = TRY(given.number("preserve-fds", kPreserveMax, 0));
  TRY(check_open(listened + preserved));
  return runtime::CreateOptions{.root = invocation.root(),
                                .id = invocation.names[0],
                                .bundle = given.text("bundle", "."),
                                .pid_file = given.text("pid-file", ""),
                                .console_socket = given.text("console-socket", ""),
                                .pidfd_socket = given.text("pidfd-socket", ""),
                                .cache_dir = "",
                                .preserve_fds = static_cast<int>(preserved),
                                .listen_fds = static_cast<int>(listened),
                                .no_pivot = given.flag("no-pivot"),
                                .no_new_keyring = given.flag("no-new-keyring"),
                                .keep = given.flag("keep")};
}

}  // namespace

// Commands that run code of a container first move our own executable out of its reach.
Result<int> create(const Invocation& invocation) {
  TRY(sys::protect_own_binary(invocation.argv));
  runtime::CreateOptions options = TRY(create_options(invocation));
  options.supervisor = TRY(supervisor());
  TRY(runtime::create(options));
  return 0;
}

Result<int> run(const Invocation& invocation) {
  TRY(sys::protect_own_binary(invocation.argv));
  runtime::CreateOptions options = TRY(create_options(invocation));
  bool detach = invocation.options.flag("detach");
  return runtime::run(options,
                      detach ? runtime::RunMode::kDetached : runtime::RunMode::kForeground);
}

Result<int> start(const Invocation& invocation) {
  TRY(runtime::start(invocation.root(), invocation.names[0]));
  return 0;
}

Result<int> kill(const Invocation& invocation) {
  int signal = SIGTERM;
  if (invocation.names.size() == 2) signal = TRY(parse_signal(invocation.names[1]));
  auto target = invocation.options.flag("all") ? runtime::KillTarget::kAllProcesses
                                               : runtime::KillTarget::kInit;
  TRY(runtime::kill(invocation.root(), invocation.names[0], signal, target));
  return 0;
}

Result<int> remove(const Invocation& invocation) {
  auto mode = invocation.options.flag("force") ? runtime::DeleteMode::kForce
                                               : runtime::DeleteMode::kStoppedOnly;
  TRY(runtime::remove(invocation.root(), invocation.names[0], mode));
  return 0;
}

Status check_open(uint64_t count) {
  for (uint64_t fd = 3; fd < 3 + count; ++fd) {
    if (sys::stat_fd(static_cast<int>(fd))) continue;
    return fail(Errc::kInvalid, "--preserve-fds: descriptor {} is not open", fd);
  }
  return {};
}

Result<int> parse_signal(const std::string& text) {
  constexpr uint64_t kSignalMax = 64;
  if (auto number = parse_u64(text); number && *number > 0 && *number <= kSignalMax) {
    return static_cast<int>(*number);
  }
  std::string name = text.starts_with("SIG") ? text.substr(3) : text;
  for (int signal = 1; signal < 32; ++signal) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  return fail(Errc::kInvalid, "unknown signal {}", printable(text, 32));
}

}  // namespace berth::oci
