#include "runtime/launch.h"

#include "base/log.h"
#include "base/text.h"
#include "runtime/init.h"
#include "sys/call.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <optional>
#include <sstream>

namespace berth::runtime {
namespace {

constexpr uint64_t kPrivate = 1 << 18;  // MS_PRIVATE
constexpr size_t kIdMapMax = 1024 * 1024;

// Everything that the init borrows. Closed (in the parent) with it.
struct Materials {
  InitContext context;
  std::vector<sys::Fd> keep;
  sys::Fd user_namespace;  // of the container, when mapped mounts need it

  int hold(sys::Fd fd) {
    keep.push_back(std::move(fd));
    return keep.back().get();
  }
};

Status open_namespaces(const Plan& plan, Materials& materials) {
  for (const Namespace& entry : plan.namespaces) {
    int fd = -1;
    if (!entry.path.empty()) fd = materials.hold(TRY(sys::open(entry.path, O_RDONLY)));
    materials.context.namespaces.push_back(fd);
  }
  return {};
}

// The namespace whose maps a mapped mount takes when it brings none of its own.
Result<int> user_namespace_of(const LaunchInput& input, Materials& materials) {
  for (size_t i = 0; i < input.plan.namespaces.size(); ++i) {
    bool is_user = input.plan.namespaces[i].flag == CLONE_NEWUSER;
    if (is_user && materials.context.namespaces[i] >= 0) return materials.context.namespaces[i];
  }
  if (!materials.user_namespace) {
    if (input.spec.maps.uids.empty()) {
      return fail(Errc::kInvalid, "mounts: idmap needs mappings or a user namespace");
    }
    materials.user_namespace = TRY(sys::make_user_namespace(input.spec.maps));
  }
  return materials.user_namespace.get();
}

Result<sys::Fd> prepare_bind(const LaunchInput& input, const MountStep& step,
                             Materials& materials) {
  using sys::Recursion;
  std::string source =
      step.source.starts_with('/') ? step.source : input.bundle + "/" + step.source;
  sys::Fd tree = TRY(sys::clone_tree(
      AT_FDCWD, source, step.recursive ? Recursion::kWholeTree : Recursion::kThisMount));
  if (step.mapped) {
    int maps = step.maps.uids.empty() ? TRY(user_namespace_of(input, materials))
                                      : materials.hold(TRY(sys::make_user_namespace(step.maps)));
    TRY(sys::change_mount(tree.get(), {.user_namespace = maps},
                          step.recursive_map ? Recursion::kWholeTree : Recursion::kThisMount));
  }
  TRY(sys::change_mount(tree.get(),
                        {.set = step.recursive_set,
                         .clear = step.recursive_clear,
                         .propagation = step.propagation != 0 ? step.propagation : kPrivate},
                        Recursion::kWholeTree));
  if (step.set != 0 || step.clear != 0) {
    TRY(sys::change_mount(tree.get(), {.set = step.set, .clear = step.clear},
                          Recursion::kThisMount));
  }
  return tree;
}

Status prepare_mounts(const LaunchInput& input, Materials& materials) {
  for (const MountStep& step : input.plan.mounts) {
    int fd = -1;
    char is_file = 0;
    if (step.kind == MountKind::kBind) {
      auto tree = prepare_bind(input, step, materials);
      if (!tree) return wrap(std::move(tree).error(), "mount {}", step.target);
      fd = materials.hold(std::move(*tree));
      is_file = S_ISDIR(TRY(sys::stat_fd(fd)).st_mode) ? 0 : 1;
    }
    materials.context.binds.push_back(fd);
    materials.context.bind_files.push_back(is_file);
  }
  materials.context.late_readonly.assign(input.plan.mounts.size(), -1);
  return {};
}

// In a user namespace no device node can be made, so the host's own is bound, if it is the one.
Status prepare_devices(const LaunchInput& input, Materials& materials) {
  for (const DeviceStep& device : input.plan.devices) {
    int fd = -1;
    if (input.plan.in_user_namespace && device.type != 'p') {
      auto node = sys::clone_tree(AT_FDCWD, device.path, sys::Recursion::kThisMount);
      if (!node) return wrap(std::move(node).error(), "device {}", device.path);
      struct stat there = TRY(sys::stat_fd(node->get()));
      bool is_block = device.type == 'b';
      if ((is_block ? !S_ISBLK(there.st_mode) : !S_ISCHR(there.st_mode)) ||
          there.st_rdev != ::makedev(device.major, device.minor)) {
        return fail(Errc::kUnsupported,
                    "device {}: in a user namespace the host's node is used, and the host has no "
                    "{} {}:{} at this path",
                    device.path, device.type, device.major, device.minor);
      }
      TRY(sys::change_mount(node->get(), {.propagation = kPrivate}, sys::Recursion::kThisMount));
      fd = materials.hold(std::move(*node));
    }
    materials.context.devices.push_back(fd);
  }
  return {};
}

Result<sys::Fd> prepare_root(const std::string& rootfs) {
  sys::Fd root = TRY(sys::clone_tree(AT_FDCWD, rootfs, sys::Recursion::kWholeTree));
  if (!S_ISDIR(TRY(sys::stat_fd(root.get())).st_mode)) {
    return fail(Errc::kInvalid, "root.path: {} is not a directory", rootfs);
  }
  TRY(sys::change_mount(root.get(), {.propagation = kPrivate}, sys::Recursion::kWholeTree));
  return root;
}

Result<SyncMessage> receive(int sync) {
  SyncMessage message;
  long got = TRY(sys::call("receive from init", "",
                           [&] { return ::recv(sync, &message, sizeof(message), 0); }));
  if (got == 0) return fail(Errc::kSystem, "the init process died without a word");
  if (got != sizeof(message)) return fail(Errc::kInternal, "message of {} bytes from init", got);
  if (message.kind == MessageKind::kFailure) {
    message.detail[sizeof(message.detail) - 1] = '\0';
    return tl::unexpected<Error>(describe_failure(message));
  }
  return message;
}

Status send_go(int sync) {
  SyncMessage message;
  message.kind = MessageKind::kGo;
  return sys::run("send to init", "",
                  [&] { return ::send(sync, &message, sizeof(message), MSG_NOSIGNAL); });
}

void kill_and_reap(const sys::Cloned& child) {
  if (child.pid <= 0) return;
  (void)sys::send_signal({child.pid, sys::Fd(::dup(child.pidfd.get()))}, SIGKILL);
  while (::waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// After a second clone: the first child is done, the init is our child by CLONE_PARENT.
Result<sys::Cloned> adopt_init(int sync, const sys::Cloned& first) {
  SyncMessage born = TRY(receive(sync));
  if (born.kind != MessageKind::kBorn) return fail(Errc::kInternal, "init: no Born");
  sys::Cloned init{born.pid, {}};
  auto pidfd = sys::open_pidfd(born.pid);
  while (::waitpid(first.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!pidfd) {
    (void)::kill(born.pid, SIGKILL);  // our unreaped child: the number is still its own
    while (::waitpid(born.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return tl::unexpected<Error>(std::move(pidfd).error());
  }
  init.pidfd = std::move(*pidfd);
  return init;
}

// What an id of the init's user namespace is outside; nothing when it is not mapped.
Result<std::optional<uint32_t>> outside_id(pid_t pid, const char* map, uint32_t id) {
  std::string text = TRY(sys::read_file(fmt::format("/proc/{}/{}", pid, map), kIdMapMax));
  for (const std::string& line : split(text, '\n')) {
    std::array<uint32_t, 3> numbers{};
    std::istringstream words(line);
    if (!(words >> numbers[0] >> numbers[1] >> numbers[2])) continue;
    auto [inside, outside, size] = numbers;
    if (id >= inside && id - inside < size) return std::optional<uint32_t>(outside + (id - inside));
  }
  return std::nullopt;
}

// Pipes made by the host's root could not be reopened through /dev/stdout by the container's user.
Status give_stdio(pid_t pid, const User& user) {
  auto uid = TRY(outside_id(pid, "uid_map", user.uid));
  auto gid = TRY(outside_id(pid, "gid_map", user.gid));
  if (!uid || !gid) return {};  // the init will say so when it becomes the user
  for (int fd = 0; fd < 3; ++fd) {
    auto there = sys::stat_fd(fd);
    if (!there || !S_ISFIFO(there->st_mode) || there->st_uid == *uid) continue;
    TRY(sys::chown_fd(fd, *uid, *gid));
  }
  return {};
}

// What only the host may do to the init, between its birth and its first step.
Status furnish(const LaunchInput& input, pid_t pid) {
  if (input.plan.makes(CLONE_NEWUSER)) TRY(sys::write_id_maps(pid, input.spec.maps));
  if (!input.spec.process) return {};
  TRY(give_stdio(pid, input.spec.process->user));
  TRY(sys::raise_hard_limits(pid, input.spec.process->rlimits));
  if (auto adjustment = input.spec.process->oom_score_adj) {
    auto written =
        sys::write_to(fmt::format("/proc/{}/oom_score_adj", pid), std::to_string(*adjustment));
    if (!written) return wrap(std::move(written).error(), "process.oomScoreAdj");
  }
  return {};
}

Status climb(const LaunchInput& input, int sync, pid_t pid) {
  TRY(furnish(input, pid));
  TRY(send_go(sync));
  SyncMessage ready = TRY(receive(sync));
  if (ready.kind != MessageKind::kReady) return fail(Errc::kInternal, "init: no Ready");
  return {};
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
    case Stage::kHostname:
      return "set host name";
    case Stage::kSysctl:
      return "write sysctl";
    case Stage::kMasks:
      return "mask";
    case Stage::kPivot:
      return "pivot";
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
  auto error = fail_errno(failure.errno_value, "init: {} {}", name_of(failure.stage), detail);
  // Older kernels (6.1) keep net.core.* out of networks that a user namespace owns.
  if (failure.stage == Stage::kSysctl && failure.errno_value == ENOENT) {
    error.value().text +=
        " (this kernel does not offer it in the namespaces of a user namespace; the host's user "
        "namespace, --userns=host of berth run, does without)";
  }
  return std::move(error.value());
}

Result<Launched> launch(const LaunchInput& input) {
  Materials materials;
  InitContext& context = materials.context;
  context.spec = &input.spec;
  context.plan = &input.plan;
  context.listener = input.listener;
  context.root = materials.hold(TRY(prepare_root(input.rootfs)));
  TRY(open_namespaces(input.plan, materials));
  TRY(prepare_mounts(input, materials));
  TRY(prepare_devices(input, materials));
  if (input.spec.process) context.program = prepare_program(*input.spec.process, context.root);
  context.program.seccomp = input.seccomp;
  context.program.preserve_fds = input.preserve_fds;
  context.program.die_with_parent = input.plan.die_with_parent;
  sys::SocketPair sockets = TRY(sys::make_socket_pair());
  context.sync = sockets.theirs.get();

  sys::Clone clone{.flags = needs_two_clones(input.plan) ? 0 : input.plan.clone_flags()};
  sys::Fd group;
  if (input.cgroup != nullptr) {
    group = TRY(input.cgroup->clone_fd());
    std::vector<sys::Fd> files = TRY(input.cgroup->task_files());
    for (sys::Fd& file : files) context.cgroup_tasks.push_back(materials.hold(std::move(file)));
  }
  clone.cgroup = group.get();
  sys::Cloned child = TRY(sys::clone_process(clone));
  if (child.pid == 0) {
    // Else it would hear no end of the parent, whose end of the socket it would hold itself.
    ::close(sockets.ours.get());
    run_init(context);
  }
  sockets.theirs.reset();
  if (needs_two_clones(input.plan)) {
    auto init = adopt_init(sockets.ours.get(), child);
    if (!init) {
      kill_and_reap(child);
      return tl::unexpected<Error>(std::move(init).error());
    }
    child = std::move(*init);
  }
  auto ready = climb(input, sockets.ours.get(), child.pid);
  if (!ready) {
    kill_and_reap(child);
    return tl::unexpected<Error>(std::move(ready).error());
  }
  return Launched{child.pid, std::move(child.pidfd), std::move(sockets.ours)};
}

Status release(int sync) {
  TRY(send_go(sync));
  SyncMessage message;
  long got = TRY(sys::call("receive from init", "",
                           [&] { return ::recv(sync, &message, sizeof(message), 0); }));
  if (got == 0) return {};  // close-on-exec: the program runs
  if (got != sizeof(message) || message.kind != MessageKind::kFailure) {
    return fail(Errc::kInternal, "message of {} bytes from init", got);
  }
  message.detail[sizeof(message.detail) - 1] = '\0';
  return tl::unexpected<Error>(describe_failure(message));
}

}  // namespace berth::runtime
