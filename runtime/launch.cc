#include "runtime/launch.h"

#include "runtime/child.h"
#include "runtime/copy_up.h"
#include "runtime/init.h"
#include "runtime/propagation.h"
#include "sys/call.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

namespace berth::runtime {
namespace {

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

Result<sys::Fd> open_namespace(const Namespace& entry) {
  auto opened = sys::open(entry.path, O_RDONLY);
  if (!opened) return wrap(std::move(opened).error(), "linux.namespaces: {}", entry.name);
  auto type = sys::namespace_type(opened->get());
  if (type && *type == entry.flag) return opened;
  return fail(Errc::kInvalid, "linux.namespaces: {} is not a {} namespace", entry.path, entry.name);
}

Status open_namespaces(const Plan& plan, Materials& materials) {
  for (const Namespace& entry : plan.namespaces) {
    int fd = -1;
    if (!entry.path.empty()) fd = materials.hold(TRY(open_namespace(entry)));
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
    } else if (step.copy_up) {
      auto filled = make_copied_up(materials.context.root, step);
      if (!filled) return wrap(std::move(filled).error(), "mount {}", step.target);
      if (*filled) fd = materials.hold(std::move(**filled));
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

Result<sys::Fd> prepare_root(const LaunchInput& input) {
  // As runc: a root that is a symlink leads wherever its owner likes.
  sys::Fd named = TRY(sys::open(input.rootfs, O_PATH | O_NOFOLLOW));
  mode_t mode = TRY(sys::stat_fd(named.get())).st_mode;
  if (S_ISLNK(mode)) return fail(Errc::kInvalid, "root.path: {} is a symlink", input.rootfs);
  if (!S_ISDIR(mode)) {
    return fail(Errc::kInvalid, "root.path: {} is not a directory", input.rootfs);
  }
  if (!input.plan.has(CLONE_NEWNS)) return named;
  sys::Fd root = TRY(sys::clone_tree(named.get(), "", sys::Recursion::kWholeTree));
  uint64_t propagation = input.plan.root_receives ? kSlave : kPrivate;
  TRY(sys::change_mount(root.get(), {.propagation = propagation}, sys::Recursion::kWholeTree));
  return root;
}

// What only the host may do to the init, between its birth and its first step.
Status furnish(const LaunchInput& input, pid_t pid) {
  if (input.plan.makes(CLONE_NEWUSER)) TRY(sys::write_id_maps(pid, input.spec.maps));
  if (!input.spec.process) return {};
  return furnish_process(pid, pid, *input.spec.process);
}

// A v1 group is six directories and a dozen writes, and the init can mount all but cgroups without
// one: it does so beside us. Not in a user namespace, where it can do nothing before its ids are
// mapped, and with two clones, of which the first would have to wait for the groups. On v2 it is
// born in its group. What is bound from the group needs it at once.
std::optional<size_t> groups_come_at(const LaunchInput& input) {
  const Plan& plan = input.plan;
  if (!input.make_cgroup || input.cgroup == nullptr || input.cgroup->is_unified()) {
    return std::nullopt;
  }
  if (plan.in_user_namespace || needs_two_clones(plan)) return std::nullopt;
  std::vector<std::string> groups = input.cgroup->directories();
  for (const MountStep& step : plan.mounts) {
    auto holds = [&](const std::string& group) { return step.source.starts_with(group); };
    if (std::any_of(groups.begin(), groups.end(), holds)) return std::nullopt;
  }
  auto is_group = [](const MountStep& step) { return step.type.starts_with("cgroup"); };
  auto first = std::find_if(plan.mounts.begin(), plan.mounts.end(), is_group);
  return static_cast<size_t>(first - plan.mounts.begin());
}

// Go, with the files of the groups when the init is not in them yet.
Status send_first_go(const LaunchInput& input, int sync, const Materials& materials) {
  if (!materials.context.groups_come_at) return send_go(sync);
  TRY(input.make_cgroup());
  std::vector<sys::Fd> files = TRY(input.cgroup->task_files());
  std::vector<int> numbers;
  for (const sys::Fd& file : files) numbers.push_back(file.get());
  return send_go(sync, numbers);
}

Status climb(const LaunchInput& input, int sync, Launched& launched, Materials& materials) {
  pid_t pid = launched.pid;
  TRY(furnish(input, pid));
  const std::vector<NetDeviceSpec>& devices = input.spec.net_devices;
  if (!devices.empty()) launched.net_devices.emplace(TRY(MovedDevices::move(devices, pid)));
  TRY(send_first_go(input, sync, materials));
  materials.keep.clear();  // the init has its own
  if (input.meanwhile) TRY(input.meanwhile(pid));
  if (!input.init_waits) return {};
  SyncMessage ready = TRY(receive(sync));
  if (ready.kind == MessageKind::kHooks) {
    TRY(input.runtime_hooks(pid));
    TRY(send_go(sync));
    ready = TRY(receive(sync));
  }
  if (ready.kind != MessageKind::kReady) return fail(Errc::kInternal, "init: no Ready");
  return {};
}

}  // namespace

Result<Launched> launch(const LaunchInput& input) {
  Materials materials;
  InitContext& context = materials.context;
  context.groups_come_at = groups_come_at(input);
  if (input.make_cgroup && !context.groups_come_at) TRY(input.make_cgroup());
  context.spec = &input.spec;
  context.plan = &input.plan;
  context.listener = input.listener;
  context.waits = input.init_waits;
  context.console = input.console;
  context.no_pivot = input.no_pivot;
  context.keyring = input.no_new_keyring ? Keyring::kInherited : Keyring::kNew;
  context.root = materials.hold(TRY(prepare_root(input)));
  TRY(open_namespaces(input.plan, materials));
  TRY(prepare_mounts(input, materials));
  TRY(prepare_devices(input, materials));
  if (input.spec.process) context.program = prepare_program(*input.spec.process, context.root);
  if (input.spec.process) context.program.label = TRY(security_label_of(*input.spec.process));
  context.program.seccomp = input.seccomp;
  context.program.personality = input.spec.personality;
  if (input.spec.memory_policy) context.program.memory_policy = &*input.spec.memory_policy;
  context.program.preserve_fds = input.preserve_fds;
  context.program.supervisor = input.supervisor;
  context.program.die_with_parent = input.plan.die_with_parent;
  context.asks_for_hooks = input.runtime_hooks != nullptr;
  context.create_hooks = prepare_container_hooks(input.spec.hooks, HookKind::kCreateContainer,
                                                 input.state, ContainerStatus::kCreating);
  context.start_hooks = prepare_container_hooks(input.spec.hooks, HookKind::kStartContainer,
                                                input.state, ContainerStatus::kCreated);
  sys::SocketPair sockets = TRY(sys::make_socket_pair());
  context.sync = sockets.theirs.get();

  sys::Clone clone{.flags = needs_two_clones(input.plan) ? 0 : input.plan.clone_flags()};
  sys::Fd group;
  if (input.cgroup != nullptr && !context.groups_come_at) {
    group = TRY(input.cgroup->clone_fd());
    std::vector<sys::Fd> files = TRY(input.cgroup->task_files());
    for (sys::Fd& file : files) context.cgroup_tasks.push_back(materials.hold(std::move(file)));
  }
  clone.cgroup = group.get();
  sys::Cloned child = TRY(sys::clone_process(clone));
  if (child.pid == 0) {
    child::leave(sockets.ours.get());
    run_init(context);
  }
  sockets.theirs.reset();
  if (needs_two_clones(input.plan)) {
    auto init = adopt_second(sockets.ours.get(), child);
    if (!init) {
      kill_and_reap(child.pid);
      return tl::unexpected<Error>(std::move(init).error());
    }
    child = std::move(*init);
  }
  Launched launched{child.pid, std::move(child.pidfd), std::move(sockets.ours)};
  auto ready = climb(input, launched.sync.get(), launched, materials);
  if (ready) return launched;
  kill_and_reap(launched.pid);
  return tl::unexpected<Error>(std::move(ready).error());
}

}  // namespace berth::runtime
