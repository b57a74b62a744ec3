#include "runtime/parent.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/socket.h"
#include "sys/wait.h"

#include <sys/stat.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

namespace berth::runtime {
namespace {

constexpr size_t kIdMapMax = 1024 * 1024;

// What an id of the init's user namespace is outside; nothing when it is not mapped.
Result<std::optional<uint32_t>> outside_id(pid_t pid, const char* map, uint32_t id) {
  std::string text = TRY(sys::read_file(fmt::format("/proc/{}/{}", pid, map), kIdMapMax));
  for (const std::string& line : split(text, '\n')) {
    std::vector<uint64_t> numbers;
    for (const std::string& word : split(line, ' ')) {
      if (auto number = parse_u64(word)) numbers.push_back(*number);
    }
    if (numbers.size() != 3) continue;
    uint64_t inside = numbers[0];
    bool holds = id >= inside && id - inside < numbers[2];
    if (holds) return std::optional(static_cast<uint32_t>(numbers[1] + (id - inside)));
  }
  return std::nullopt;
}

// Pipes made by the host's root could not be reopened through /dev/stdout by the container's user.
Status give_stdio(pid_t pid, const User& user) {
  std::vector<int> pipes;
  for (int fd = 0; fd < 3; ++fd) {
    auto there = sys::stat_fd(fd);
    if (there && S_ISFIFO(there->st_mode)) pipes.push_back(fd);
  }
  if (pipes.empty()) return {};
  auto uid = TRY(outside_id(pid, "uid_map", user.uid));
  auto gid = TRY(outside_id(pid, "gid_map", user.gid));
  if (!uid || !gid) return {};  // the init will say so when it becomes the user
  for (int fd : pipes) {
    if (TRY(sys::stat_fd(fd)).st_uid == *uid) continue;
    TRY(sys::chown_fd(fd, *uid, *gid));
  }
  return {};
}

Result<SyncMessage> decode(const std::string& bytes) {
  SyncMessage message;
  if (bytes.size() != sizeof(message)) {
    return fail(Errc::kInternal, "message of {} bytes from init", bytes.size());
  }
  std::memcpy(&message, bytes.data(), sizeof(message));
  message.detail[sizeof(message.detail) - 1] = '\0';
  return message;
}

// Empty at the end.
Result<sys::Message> receive_bytes(int sync) {
  sys::Message received = TRY(sys::receive_message(sync, sizeof(SyncMessage)));
  // A child that ended with our Go unread: the kernel tells that first, once, as an end, then what
  // it sent.
  if (received.bytes.empty()) received = TRY(sys::receive_message(sync, sizeof(SyncMessage)));
  return received;
}

// The next message that is no Failure; nothing at the end.
Result<std::optional<SyncMessage>> receive_or_end(int sync) {
  sys::Message received = TRY(receive_bytes(sync));
  if (received.bytes.empty()) return std::nullopt;
  SyncMessage message = TRY(decode(received.bytes));
  if (message.kind != MessageKind::kFailure) return std::optional<SyncMessage>(message);
  return tl::unexpected<Error>(describe_failure(message));
}

}  // namespace

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::kCgroup:
      return "join cgroup";
    case Stage::kJoin:
      return "join namespace";
    case Stage::kClone:
      return "clone";
    case Stage::kLabel:
      return "set security label";
    case Stage::kWait:
      return "wait";
    case Stage::kCgroupNamespace:
      return "cgroup namespace";
    case Stage::kRoot:
      return "mount root";
    case Stage::kMounts:
      return "mount";
    case Stage::kDevices:
      return "make device";
    case Stage::kHooks:
      return "run";
    case Stage::kConsole:
      return "open console";
    case Stage::kHostname:
      return "set host name";
    case Stage::kSysctl:
      return "write sysctl";
    case Stage::kMasks:
      return "mask";
    case Stage::kPivot:
      return "pivot";
    case Stage::kProcess:
      return "process:";
    case Stage::kCwd:
      return "enter working directory";
    case Stage::kRlimits:
      return "set rlimits";
    case Stage::kSeccomp:
      return "load seccomp";
    case Stage::kBounding:
      return "bounding set";
    case Stage::kUser:
      return "become user";
    case Stage::kCapabilities:
      return "set capabilities";
    case Stage::kDeathSignal:
      return "set parent death signal";
    case Stage::kExec:
      return "exec";
  }
  return "?";
}

Error describe_failure(const SyncMessage& failure) {
  std::string detail = printable(failure.detail, sizeof(failure.detail));
  if (failure.stage == Stage::kExec) {
    bool in_path = detail.find('/') == std::string::npos;
    std::string why = failure.errno_value == ENOENT && in_path
                          ? "executable file not found in $PATH"
                          : to_lower(std::strerror(failure.errno_value));
    Errc code = failure.errno_value == ENOENT ? Errc::kNotFound : Errc::kDenied;
    return {code, failure.errno_value, fmt::format("exec: \"{}\": {}", detail, why)};
  }
  // A hook of the owner's said no; the detail names it and its last words.
  if (failure.stage == Stage::kHooks && failure.errno_value == 0) {
    return {Errc::kCancelled, 0, detail};
  }
  auto error = fail_errno(failure.errno_value, "init: {} {}", name_of(failure.stage), detail);
  // Older kernels (6.1) keep net.core.* out of networks that a user namespace owns.
  if (failure.stage == Stage::kSysctl && failure.errno_value == ENOENT) {
    error.value().text +=
        " (this kernel does not offer it in the namespaces of a user namespace; the host's user "
        "namespace, --userns=host of berth run, does without)";
  }
  return std::move(error.value());
}

Result<SyncMessage> receive(int sync) {
  auto message = TRY(receive_or_end(sync));
  if (!message) return fail(Errc::kSystem, "the init process died without a word");
  return *message;
}

Status send_go(int sync, const std::vector<int>& files) {
  SyncMessage message;
  message.kind = MessageKind::kGo;
  std::string_view bytes(reinterpret_cast<const char*>(&message), sizeof(message));
  auto sent = sys::send_message(sync, bytes, files);
  if (sent || sent.error().errno_value != EPIPE) return sent;
  // It failed before we came to this: its own word is the better one.
  auto last_word = receive(sync);
  return last_word ? sent : tl::unexpected<Error>(std::move(last_word).error());
}

void kill_and_reap(pid_t child) {
  if (child <= 0) return;
  sys::signal_pid(child, SIGKILL);  // unreaped, so the number is still its own
  sys::reap(child);
}

Result<sys::Cloned> adopt_second(int sync, const sys::Cloned& first) {
  SyncMessage born = TRY(receive(sync));
  if (born.kind != MessageKind::kBorn) return fail(Errc::kInternal, "init: no Born");
  sys::Cloned init{born.pid, {}};
  auto pidfd = sys::open_pidfd(born.pid);
  sys::reap(first.pid);
  if (!pidfd) {
    kill_and_reap(born.pid);
    return tl::unexpected<Error>(std::move(pidfd).error());
  }
  init.pidfd = std::move(*pidfd);
  return init;
}

Status release(int sync, const ListenerHandler& handle_listener) {
  TRY(send_go(sync));
  return wait_for_exec(sync, handle_listener);
}

Status wait_for_exec(int sync, const ListenerHandler& handle_listener) {
  while (true) {
    sys::Message received = TRY(receive_bytes(sync));
    if (received.bytes.empty()) return {};  // close-on-exec: the program runs
    SyncMessage message = TRY(decode(received.bytes));
    if (message.kind == MessageKind::kListener && received.fds.size() == 1) {
      TRY(handle_listener(std::move(received.fds[0])));
      continue;
    }
    if (message.kind != MessageKind::kFailure) return fail(Errc::kInternal, "init: no Failure");
    return tl::unexpected<Error>(describe_failure(message));
  }
}

Status furnish_process(pid_t pid, pid_t in_namespace, const ProcessSpec& process) {
  if (!process.terminal) TRY(give_stdio(in_namespace, process.user));
  TRY(sys::raise_hard_limits(pid, process.rlimits));
  if (process.scheduler) TRY(set_scheduler(pid, *process.scheduler));
  if (process.io_priority) TRY(set_io_priority(pid, *process.io_priority));
  if (!process.oom_score_adj) return {};
  auto written =
      sys::write_process_file(pid, "oom_score_adj", std::to_string(*process.oom_score_adj));
  if (!written) return wrap(std::move(written).error(), "process.oomScoreAdj");
  return {};
}

Status announce(const Listeners& listeners, const sys::Process& process) {
  if (!listeners.pidfd_socket.empty()) {
    sys::Fd socket = TRY(sys::connect_stream(listeners.pidfd_socket));
    TRY(sys::send_message(socket.get(), "pidfd", {process.pidfd.get()}));
  }
  if (listeners.pid_file.empty()) return {};
  return sys::write_replace(listeners.pid_file, std::to_string(process.pid), 0644);
}

}  // namespace berth::runtime
