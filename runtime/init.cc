#include "runtime/init.h"

#include "runtime/child.h"
#include "runtime/propagation.h"
#include "sys/process.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;
extern "C" int umount2(const char*, int) noexcept;

namespace berth::runtime {
namespace {

using child::attempt;
using child::die;
using child::ensure_target;
using child::last_name;
using child::must;
using child::open_in_root;
using child::Parent;
using child::position;
using child::TargetKind;
using child::tell;
using child::wait_for_go;

constexpr unsigned long kRecursive = 16384;  // MS_REC
constexpr int kDetach = 2;                   // MNT_DETACH

// --- Mounts
// ----------------------------------------------------------------------------------------

void attach(int mount_fd, int target, const char* detail) {
  must(detail, [&] {
    return ::syscall(SYS_move_mount, mount_fd, "", target, "",
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  });
}

int clone_mount(int fd, unsigned flags, const char* detail) {
  return static_cast<int>(must(detail, [&] {
    return ::syscall(SYS_open_tree, fd, "",
                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags);
  }));
}

void change_mount(int mount_fd, const mount_attr& change, unsigned flags, const char* detail) {
  mount_attr attributes = change;
  must(detail, [&] {
    return ::syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | flags, &attributes,
                     sizeof(attributes));
  });
}

void set_attributes(int mount_fd, uint64_t set, unsigned flags, const char* detail) {
  mount_attr attributes{};
  attributes.attr_set = set;
  change_mount(mount_fd, attributes, flags, detail);
}

// The target is resolved beneath the root, so it is a mount of this container's.
void remount(const InitContext& context, const MountStep& step) {
  const char* path = step.target.c_str();
  int target = open_in_root(context.root, path, O_PATH);
  if (target < 0) die(errno, path);
  mount_attr attributes{};
  attributes.attr_set = step.set | step.recursive_set;
  attributes.attr_clr = step.clear | step.recursive_clear;
  attributes.propagation = step.propagation;
  bool whole = step.recursive_set != 0 || step.recursive_clear != 0;
  change_mount(target, attributes, whole ? AT_RECURSIVE : 0, path);
  ::close(target);
}

int make_file_system(const MountStep& step) {
  const char* detail = step.target.c_str();
  int context = static_cast<int>(
      must(detail, [&] { return ::syscall(SYS_fsopen, step.type.c_str(), FSOPEN_CLOEXEC); }));
  auto configure = [&](unsigned command, const char* key, const char* value) {
    must(detail, [&] { return ::syscall(SYS_fsconfig, context, command, key, value, 0); });
  };
  if (!step.source.empty()) configure(FSCONFIG_SET_STRING, "source", step.source.c_str());
  for (const auto& [key, value] : step.data) {
    bool is_flag = value.empty();
    configure(is_flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
              is_flag ? nullptr : value.c_str());
  }
  configure(FSCONFIG_CMD_CREATE, nullptr, nullptr);
  int made = static_cast<int>(must(detail, [&] {
    return ::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                     static_cast<unsigned>(step.set | step.recursive_set));
  }));
  ::close(context);
  if (step.propagation != 0) {
    mount_attr attributes{};
    attributes.propagation = step.propagation;
    change_mount(made, attributes, 0, detail);
  }
  return made;
}

bool is_procfs(int fd, const char* detail) {
  struct statfs file_system {};
  must(detail, [&] { return ::fstatfs(fd, &file_system); });
  return file_system.f_type == child::kProcMagic;
}

bool is_same_file(int fd, int other, const char* detail) {
  struct stat here {};
  struct stat there {};
  must(detail, [&] { return ::fstat(fd, &here); });
  must(detail, [&] { return ::fstat(other, &there); });
  return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

// Where a mount goes. What the plan allows by name must not come about by a symlink of the image,
// or by one that is swapped into a shared volume: a mount over the root or over anything in /proc,
// through which masks, sysctls and labels would go astray (CVE-2019-16884, CVE-2025-52881). And
// /proc and /sys are where their names say, or later paths through them could be led elsewhere.
int open_mount_target(const InitContext& context, const MountStep& step, TargetKind kind,
                      Parent& parent) {
  const char* path = step.target.c_str();
  if (step.target == "/proc" || step.target == "/sys") {
    int target = child::open_without_symlinks(context.root, path, O_PATH);
    if (target < 0 && errno == ENOENT) {
      ::close(ensure_target(context.root, path, kind));
      target = child::open_without_symlinks(context.root, path, O_PATH);
    }
    if (target < 0) die(errno, path);
    parent.forget();
    return target;
  }
  Parent::Target target = parent.ensure(path, kind);
  // Procfs lets nobody make anything, and what is new is not the root.
  if (target.is_new || step.target.starts_with("/proc/")) return target.fd;
  if (is_procfs(target.fd, path) || is_same_file(target.fd, context.root, path)) die(ELOOP, path);
  return target.fd;
}

// From here on what we use is counted and limited.
void enter_own_groups(const InitContext& context, std::span<const int> tasks) {
  child::join_cgroups(tasks);
  position.stage = Stage::kCgroupNamespace;
  if (!context.plan->makes(CLONE_NEWCGROUP)) return;
  must("unshare", [] { return ::unshare(CLONE_NEWCGROUP); });
}

void enter_late_groups(const InitContext& context) {
  Stage stage = std::exchange(position.stage, Stage::kWait);
  child::Descriptors tasks;
  wait_for_go(tasks);
  enter_own_groups(context, tasks);
  position.stage = stage;
}

void mount_all(InitContext& context) {
  Parent parent(context.root);
  for (size_t i = 0; i < context.plan->mounts.size(); ++i) {
    if (context.groups_come_at == i) enter_late_groups(context);
    const MountStep& step = context.plan->mounts[i];
    const char* path = step.target.c_str();
    if (step.kind == MountKind::kRemount) {
      remount(context, step);
      continue;
    }
    TargetKind kind = context.bind_files[i] != 0 ? TargetKind::kFile : TargetKind::kDirectory;
    int target = open_mount_target(context, step, kind, parent);
    int made = context.binds[i] >= 0 ? context.binds[i] : make_file_system(step);
    attach(made, target, path);
    ::close(target);
    if (is_own_proc(step) || is_hosts_proc(step)) {
      if (!is_procfs(made, path)) die(ELOOP, path);
      context.proc = made;
    } else if (step.readonly_at_end) {
      context.late_readonly[i] = made;
    } else {
      ::close(made);
    }
  }
  parent.forget();
  if (context.groups_come_at == context.plan->mounts.size()) enter_late_groups(context);
}

void make_device(const DeviceStep& device, int bound, Parent& above) {
  const char* path = device.path.c_str();
  if (bound >= 0) {
    int target = above.ensure(path, TargetKind::kFile).fd;
    attach(bound, target, path);
    ::close(target);
    return;
  }
  int parent = above.of(path);
  mode_t type = device.type == 'b' ? S_IFBLK : device.type == 'p' ? S_IFIFO : S_IFCHR;
  dev_t number = device.type == 'p' ? 0 : ::makedev(device.major, device.minor);
  long made =
      attempt([&] { return ::mknodat(parent, last_name(path), type | device.mode, number); });
  if (made < 0) {
    int error = errno;
    struct stat there {};
    bool same = error == EEXIST &&
                ::fstatat(parent, last_name(path), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                (there.st_mode & S_IFMT) == type && there.st_rdev == number;
    if (!same) die(error, path);
  } else if (device.uid != 0 || device.gid != 0) {
    must(path, [&] {
      return ::fchownat(parent, last_name(path), device.uid, device.gid, AT_SYMLINK_NOFOLLOW);
    });
  }
}

void make_devices(const InitContext& context) {
  Parent above(context.root);
  for (size_t i = 0; i < context.plan->devices.size(); ++i) {
    make_device(context.plan->devices[i], context.devices[i], above);
  }
  for (const Link& link : context.plan->links) {
    int parent = above.of(link.path);
    long made = attempt([&] { return ::symlinkat(link.target, parent, last_name(link.path)); });
    if (made < 0 && errno == EEXIST && std::strcmp(link.path, "/dev/ptmx") == 0) {
      // An image's own device node would open the host's terminals.
      must(link.path, [&] { return ::unlinkat(parent, last_name(link.path), 0); });
      made = attempt([&] { return ::symlinkat(link.target, parent, last_name(link.path)); });
    }
    if (made < 0 && errno != EEXIST) die(errno, link.path);
  }
  above.forget();
}

// A path to hide or to lock; -1 when there is none. What is in our procfs is looked for in that and
// nowhere else, and must be procfs: a symlink or a mount in its place would make us cover something
// else (CVE-2025-31133 and its kin).
int open_guarded(const InitContext& context, const char* path) {
  constexpr size_t kProcLength = 6;
  bool in_proc = context.proc >= 0 && std::strncmp(path, "/proc/", kProcLength) == 0;
  int target = in_proc ? open_in_root(context.proc, path + kProcLength, O_PATH)
                       : open_in_root(context.root, path, O_PATH);
  if (target < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return -1;
    die(errno, path);
  }
  if (in_proc && !is_procfs(target, path)) die(ELOOP, path);
  return target;
}

int open_null() {
  int null = static_cast<int>(
      must("/dev/null", [] { return ::open("/dev/null", O_PATH | O_CLOEXEC | O_NOFOLLOW); }));
  struct stat there {};
  must("/dev/null", [&] { return ::fstat(null, &there); });
  if (!S_ISCHR(there.st_mode) || there.st_rdev != ::makedev(1, 3)) die(ENODEV, "/dev/null");
  return null;
}

int make_empty_directory() {
  static const char kType[] = "tmpfs";
  int context =
      static_cast<int>(must("mask", [] { return ::syscall(SYS_fsopen, kType, FSOPEN_CLOEXEC); }));
  must("mask",
       [&] { return ::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0); });
  constexpr unsigned kLocked =
      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  int made = static_cast<int>(
      must("mask", [&] { return ::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, kLocked); }));
  ::close(context);
  return made;
}

// Runs before the pivot, when "/dev/null" still is the host's.
void mask_paths(const InitContext& context) {
  int null = -1;
  int empty = -1;
  for (const std::string& path : context.plan->masked_paths) {
    int target = open_guarded(context, path.c_str());
    if (target < 0) continue;
    struct stat there {};
    must(path.c_str(), [&] { return ::fstat(target, &there); });
    if (S_ISDIR(there.st_mode)) {
      // One empty file system serves all: the first is attached, the others are clones of it.
      int mask = empty < 0 ? make_empty_directory() : clone_mount(empty, 0, path.c_str());
      attach(mask, target, path.c_str());
      if (empty < 0) empty = mask;
    } else {
      if (null < 0) null = open_null();
      attach(clone_mount(null, 0, path.c_str()), target, path.c_str());
    }
    ::close(target);
  }
}

void lock_paths(const InitContext& context) {
  for (const std::string& path : context.plan->readonly_paths) {
    int target = open_guarded(context, path.c_str());
    if (target < 0) continue;
    int locked = clone_mount(target, AT_RECURSIVE, path.c_str());
    set_attributes(locked, MOUNT_ATTR_RDONLY, AT_RECURSIVE, path.c_str());
    attach(locked, target, path.c_str());
    ::close(locked);
    ::close(target);
  }
  for (size_t i = 0; i < context.plan->mounts.size(); ++i) {
    if (context.late_readonly[i] < 0) continue;
    set_attributes(context.late_readonly[i], MOUNT_ATTR_RDONLY, 0,
                   context.plan->mounts[i].target.c_str());
  }
}

// In our procfs itself, past nothing that could stand in its way (CVE-2025-52881).
void write_sysctl(const InitContext& context) {
  for (const auto& setting : context.plan->sysctl) {
    const std::string& path = setting.first;  // named, not bound: clang 14 captures no bindings
    const std::string& value = setting.second;
    const char* below = path.c_str() + std::strlen("/proc/");
    int file = child::open_in_mount(context.proc, below, O_WRONLY);
    if (file < 0) die(errno, path.c_str());
    must(path.c_str(), [&] { return ::write(file, value.data(), value.size()); });
    ::close(file);
  }
}

// --- The rungs
// -------------------------------------------------------------------------------------

void join_namespaces(const InitContext& context) {
  position.stage = Stage::kJoin;
  for (size_t i = 0; i < context.plan->namespaces.size(); ++i) {
    const Namespace& entry = context.plan->namespaces[i];
    if (context.namespaces[i] < 0) continue;
    must(entry.path.c_str(), [&] { return ::setns(context.namespaces[i], entry.flag); });
  }
}

// For the child of the second clone: the offsets must be there before anybody is inside.
void make_time_namespace(const Plan& plan) {
  position.stage = Stage::kClone;
  must("time namespace", [] { return ::unshare(CLONE_NEWTIME); });
  if (plan.time_offsets.empty()) return;
  const char* detail = "linux.timeOffsets";
  int file = static_cast<int>(
      must(detail, [] { return ::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC); }));
  must(detail, [&] { return ::write(file, plan.time_offsets.data(), plan.time_offsets.size()); });
  ::close(file);
}

// Mounts the root over "/" and leaves it reachable only by `context.root` until the pivot. The old
// root's tree receives what the host mounts, but nothing goes the other way.
void mount_root(const InitContext& context) {
  position.stage = Stage::kRoot;
  if (!context.plan->has(CLONE_NEWNS)) return;
  unsigned long propagation = context.plan->root_propagation == kPrivate ? kPrivate : kSlave;
  must("/", [&] { return ::mount(nullptr, "/", nullptr, kRecursive | propagation, nullptr); });
  must("/", [&] {
    return ::syscall(SYS_move_mount, context.root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
  });
}

void pivot(const InitContext& context) {
  position.stage = Stage::kPivot;
  must("fchdir", [&] { return ::fchdir(context.root); });
  bool has_own_mounts = context.plan->has(CLONE_NEWNS);
  if (context.no_pivot || !has_own_mounts) {
    must("chroot", [] { return ::chroot("."); });
  } else {
    must("pivot_root", [] { return ::syscall(SYS_pivot_root, ".", "."); });
    must("umount2", [] { return ::umount2(".", kDetach); });  // the old root, now on top of ours
  }
  must("/", [] { return ::chdir("/"); });
  if (!has_own_mounts) return;
  if (context.plan->root_propagation != kSlave && context.plan->root_propagation != kPrivate) {
    must("/",
         [&] { return ::mount(nullptr, "/", nullptr, context.plan->root_propagation, nullptr); });
  }
  if (context.plan->root_readonly) set_attributes(context.root, MOUNT_ATTR_RDONLY, 0, "/");
}

void set_names(const Spec& spec) {
  position.stage = Stage::kHostname;
  if (!spec.hostname.empty()) {
    must("sethostname", [&] { return ::sethostname(spec.hostname.data(), spec.hostname.size()); });
  }
  if (!spec.domainname.empty()) {
    must("setdomainname",
         [&] { return ::setdomainname(spec.domainname.data(), spec.domainname.size()); });
  }
}

void set_up(InitContext& context) {
  position.stage = Stage::kWait;
  if (!context.groups_come_at) wait_for_go();
  if (context.plan->in_user_namespace) become_root_of_user_namespace();
  become_blank(context.keyring);
  take_security_label(context.program.label);
  if (!context.groups_come_at) enter_own_groups(context, {});
  ::umask(0);
  mount_root(context);
  position.stage = Stage::kMounts;
  mount_all(context);
  position.stage = Stage::kDevices;
  if (context.plan->own_dev) make_devices(context);
  if (context.asks_for_hooks) {
    position.stage = Stage::kHooks;
    tell(MessageKind::kHooks, 0);
    wait_for_go();
  }
  run_container_hooks(context.create_hooks, nullptr);
  open_console(context.console, context.root, ConsoleUse::kInit);
  set_names(*context.spec);
  position.stage = Stage::kSysctl;
  write_sysctl(context);
  position.stage = Stage::kMasks;
  mask_paths(context);
  lock_paths(context);
  pivot(context);
}

// Waits behind init.sock for somebody to say go, or for nobody to be left who would.
void wait_for_peer(int listener, int supervisor) {
  while (true) {
    std::array<pollfd, 2> polled{pollfd{listener, POLLIN, 0}, pollfd{supervisor, 0, 0}};
    must("poll", [&] { return ::poll(polled.data(), polled.size(), -1); });
    if (polled[1].revents != 0) ::_exit(1);
    int peer = static_cast<int>(
        must("accept", [&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); }));
    SyncMessage message;
    long got = attempt([&] { return ::recv(peer, &message, sizeof(message), 0); });
    if (got == sizeof(message) && message.kind == MessageKind::kGo) {
      position.sync = peer;
      return;
    }
    ::close(peer);  // a `start` that died before it said anything
  }
}

void wait_for_start(const InitContext& context) {
  tell(MessageKind::kReady, 0);
  position.stage = Stage::kWait;
  if (context.listener < 0) {
    wait_for_go();
    return;
  }
  ::close(position.sync);  // the parent sees the end of create
  wait_for_peer(context.listener, context.program.supervisor);
}

void make_network(const Plan& plan) {
  if (!plan.unshares_network()) return;
  position.stage = Stage::kClone;
  must("network namespace", [] { return ::unshare(CLONE_NEWNET); });
}

[[noreturn]] void be_init(InitContext& context) {
  make_network(*context.plan);
  set_up(context);
  if (context.program.process != nullptr) check_program(context.program);
  if (context.waits) wait_for_start(context);
  position.stage = Stage::kProcess;
  if (context.program.process == nullptr) die(EINVAL, "config.json has none");
  run_container_hooks(context.start_hooks, context.program.process);
  become_program(context.program);
}

}  // namespace

bool needs_two_clones(const Plan& plan) {
  // A time namespace holds only the children of who made or joined it.
  if (plan.joins(CLONE_NEWTIME) || plan.makes(CLONE_NEWTIME)) return true;
  bool joins_others = plan.joins(CLONE_NEWNET) || plan.joins(CLONE_NEWIPC) ||
                      plan.joins(CLONE_NEWUTS) || plan.joins(CLONE_NEWCGROUP);
  // A joined user namespace must own the new ones; a joined pid namespace takes only children; what
  // is joined from a new user namespace would need rights there that it does not have.
  return plan.joins(CLONE_NEWUSER) || plan.joins(CLONE_NEWPID) ||
         (plan.makes(CLONE_NEWUSER) && joins_others);
}

[[noreturn]] void run_init(InitContext& context) {
  position = {context.sync, Stage::kCgroup};
  // The first step of all, so that whatever comes later is counted and limited.
  child::join_cgroups(context.cgroup_tasks);
  join_namespaces(context);
  if (!needs_two_clones(*context.plan)) be_init(context);
  if (context.plan->makes(CLONE_NEWTIME)) make_time_namespace(*context.plan);
  position.stage = Stage::kClone;
  long pid = must("init", [&] {
    return sys::raw_clone3(context.plan->clone_flags() | CLONE_PARENT, -1, 0, nullptr);
  });
  if (pid == 0) be_init(context);
  tell(MessageKind::kBorn, static_cast<pid_t>(pid));
  ::_exit(0);
}

}  // namespace berth::runtime
