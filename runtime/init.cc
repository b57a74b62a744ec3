#include "runtime/init.h"

#include "sys/call.h"
#include "sys/credentials.h"
#include "sys/process.h"
#include "sys/seccomp.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstring>

extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;
extern "C" int umount2(const char*, int) noexcept;

namespace berth::runtime {
namespace {

constexpr unsigned long kRecursive = 16384;  // MS_REC
constexpr unsigned long kPrivate = 1 << 18;  // MS_PRIVATE
constexpr unsigned long kSlave = 1 << 19;    // MS_SLAVE
constexpr int kDetach = 2;                   // MNT_DETACH
constexpr long kProcMagic = 0x9fa0;          // PROC_SUPER_MAGIC
constexpr mode_t kUmaskDefault = 0022;

// Where we are, for Failure. `sync` changes when `start` connects.
struct Position {
  int sync;
  Stage stage;
};
Position position;

[[noreturn]] void die(int error, const char* detail) {
  SyncMessage message;
  message.kind = MessageKind::kFailure;
  message.stage = position.stage;
  message.errno_value = error;
  size_t length = std::min(std::strlen(detail), sizeof(message.detail) - 1);
  std::memcpy(message.detail, detail, length);
  (void)::send(position.sync, &message, sizeof(message), MSG_NOSIGNAL);  // nobody else to tell
  ::_exit(1);
}

// The child's form of sys::call: same faults, no allocation.
template <class F>
long attempt(F&& f) {
  if (int fault = sys::fault_now(); fault != 0) {
    errno = fault;
    return -1;
  }
  long value = -1;
  do {
    value = static_cast<long>(f());
  } while (value == -1 && errno == EINTR);
  return value;
}

template <class F>
long must(const char* detail, F&& f) {
  long value = attempt(std::forward<F>(f));
  if (value == -1) die(errno, detail);
  return value;
}

void tell(MessageKind kind, pid_t pid) {
  SyncMessage message;
  message.kind = kind;
  message.pid = pid;
  must("send", [&] { return ::send(position.sync, &message, sizeof(message), MSG_NOSIGNAL); });
}

void wait_for_go() {
  SyncMessage message;
  long got = must("receive", [&] { return ::recv(position.sync, &message, sizeof(message), 0); });
  // The parent went away: so do we, and nobody is left to be told.
  if (got != sizeof(message) || message.kind != MessageKind::kGo) ::_exit(1);
}

// --- Paths in the container's root
// -----------------------------------------------------------------

int open_in_root(int root, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(
      attempt([&] { return ::syscall(SYS_openat2, root, path, &how, sizeof(how)); }));
}

// The directory at path[0, length), made with its parents when missing.
int ensure_directory(int root, const char* path, size_t length) {
  char prefix[PATH_MAX];
  if (length >= sizeof(prefix)) die(ENAMETOOLONG, path);
  int directory = open_in_root(root, "/", O_PATH | O_DIRECTORY);
  if (directory < 0) die(errno, path);
  for (size_t end = 1; end <= length; ++end) {
    if (end < length && path[end] != '/') continue;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') --start;
    if (start == end) continue;
    std::memcpy(prefix, path, end);
    prefix[end] = '\0';
    int next = open_in_root(root, prefix, O_PATH | O_DIRECTORY);
    if (next < 0 && errno == ENOENT) {
      // In the verified parent by its descriptor: no symlink can lead it elsewhere.
      long made = attempt([&] { return ::mkdirat(directory, prefix + start, 0755); });
      if (made < 0 && errno != EEXIST) die(errno, path);
      next = open_in_root(root, prefix, O_PATH | O_DIRECTORY);
    }
    if (next < 0) die(errno, path);
    ::close(directory);
    directory = next;
  }
  return directory;
}

const char* last_name(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

int ensure_parent(int root, const char* path) {
  return ensure_directory(root, path, static_cast<size_t>(last_name(path) - path));
}

int ensure_target(int root, const char* path, bool is_file) {
  int target = open_in_root(root, path, O_PATH);
  if (target >= 0) return target;
  if (errno != ENOENT) die(errno, path);
  if (!is_file) return ensure_directory(root, path, std::strlen(path));
  int parent = ensure_parent(root, path);
  constexpr int kFlags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC;
  int made =
      static_cast<int>(must(path, [&] { return ::openat(parent, last_name(path), kFlags, 0644); }));
  ::close(made);
  ::close(parent);
  target = open_in_root(root, path, O_PATH);
  if (target < 0) die(errno, path);
  return target;
}

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

void set_attributes(int mount_fd, uint64_t set, unsigned flags, const char* detail) {
  mount_attr attributes{};
  attributes.attr_set = set;
  must(detail, [&] {
    return ::syscall(SYS_mount_setattr, mount_fd, "", AT_EMPTY_PATH | flags, &attributes,
                     sizeof(attributes));
  });
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
    return ::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, static_cast<unsigned>(step.set));
  }));
  ::close(context);
  return made;
}

void mount_all(InitContext& context) {
  for (size_t i = 0; i < context.plan->mounts.size(); ++i) {
    const MountStep& step = context.plan->mounts[i];
    const char* path = step.target.c_str();
    int target = ensure_target(context.root, path, context.bind_files[i] != 0);
    int made = step.kind == MountKind::kBind ? context.binds[i] : make_file_system(step);
    attach(made, target, path);
    ::close(target);
    if (step.readonly_at_end) {
      context.late_readonly[i] = made;
    } else {
      ::close(made);
    }
  }
}

void make_device(const InitContext& context, const DeviceStep& device, int bound) {
  const char* path = device.path.c_str();
  if (bound >= 0) {
    int target = ensure_target(context.root, path, true);
    attach(bound, target, path);
    ::close(target);
    return;
  }
  int parent = ensure_parent(context.root, path);
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
  ::close(parent);
}

void make_devices(const InitContext& context) {
  for (size_t i = 0; i < context.plan->devices.size(); ++i) {
    make_device(context, context.plan->devices[i], context.devices[i]);
  }
  for (const Link& link : context.plan->links) {
    int parent = ensure_parent(context.root, link.path);
    long made = attempt([&] { return ::symlinkat(link.target, parent, last_name(link.path)); });
    if (made < 0 && errno == EEXIST && std::strcmp(link.path, "/dev/ptmx") == 0) {
      // An image's own device node would open the host's terminals.
      must(link.path, [&] { return ::unlinkat(parent, last_name(link.path), 0); });
      made = attempt([&] { return ::symlinkat(link.target, parent, last_name(link.path)); });
    }
    if (made < 0 && errno != EEXIST) die(errno, link.path);
    ::close(parent);
  }
}

// A path to hide or to lock; -1 when there is none. What stands below our procfs must be procfs: a
// symlink or a mount in its place would make us cover something else (CVE-2025-31133 and its kin).
int open_guarded(const InitContext& context, const char* path) {
  int target = open_in_root(context.root, path, O_PATH);
  if (target < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return -1;
    die(errno, path);
  }
  if (!context.plan->own_proc || std::strncmp(path, "/proc/", 6) != 0) return target;
  struct statfs file_system {};
  must(path, [&] { return ::fstatfs(target, &file_system); });
  if (file_system.f_type != kProcMagic) die(ELOOP, path);
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

void write_sysctl(const InitContext& context) {
  for (const auto& setting : context.plan->sysctl) {
    const std::string& path = setting.first;  // named, not bound: clang 14 captures no bindings
    const std::string& value = setting.second;
    int file = open_in_root(context.root, path.c_str(), O_WRONLY);
    if (file < 0) die(errno, path.c_str());
    struct statfs file_system {};
    must(path.c_str(), [&] { return ::fstatfs(file, &file_system); });
    if (file_system.f_type != kProcMagic) die(ELOOP, path.c_str());
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

void become_root_of_user_namespace(const InitContext& context) {
  if (!context.plan->in_user_namespace) return;
  must("setgroups", [] { return ::syscall(SYS_setgroups, 0, nullptr); });
  must("gid 0 of the user namespace", [] { return ::syscall(SYS_setresgid, 0, 0, 0); });
  must("uid 0 of the user namespace", [] { return ::syscall(SYS_setresuid, 0, 0, 0); });
}

// Mounts the root over "/" and leaves it reachable only by `context.root` until the pivot. The old
// root's tree receives what the host mounts, but nothing goes the other way.
void mount_root(const InitContext& context) {
  position.stage = Stage::kRoot;
  unsigned long propagation = context.plan->root_propagation == kPrivate ? kPrivate : kSlave;
  must("/", [&] { return ::mount(nullptr, "/", nullptr, kRecursive | propagation, nullptr); });
  must("/", [&] {
    return ::syscall(SYS_move_mount, context.root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
  });
}

void pivot(const InitContext& context) {
  position.stage = Stage::kPivot;
  must("fchdir", [&] { return ::fchdir(context.root); });
  must("pivot_root", [] { return ::syscall(SYS_pivot_root, ".", "."); });
  must("umount2", [] { return ::umount2(".", kDetach); });  // the old root, now on top of ours
  must("/", [] { return ::chdir("/"); });
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

// Signals as a program expects them, a session and a keyring of its own, and no look into this
// process by anyone who shares its pid namespace: its executable and memory are still the host's.
void become_blank() {
  struct sigaction reset {};
  reset.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) (void)::sigaction(signal, &reset, nullptr);
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::setsid();  // fails only for a group leader, which a clone is not
  must("dumpable", [] { return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); });
  // Best effort: kernels without keys, or a quota of keys used up, leave the inherited session
  // ring, whose keys the container's user namespace or uid cannot read.
  (void)::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
}

void set_up(InitContext& context) {
  position.stage = Stage::kWait;
  wait_for_go();
  become_root_of_user_namespace(context);
  become_blank();
  position.stage = Stage::kCgroupNamespace;
  if (context.plan->makes(CLONE_NEWCGROUP)) {
    must("unshare", [] { return ::unshare(CLONE_NEWCGROUP); });
  }
  ::umask(0);
  mount_root(context);
  position.stage = Stage::kMounts;
  mount_all(context);
  position.stage = Stage::kDevices;
  if (context.plan->own_dev) make_devices(context);
  set_names(*context.spec);
  position.stage = Stage::kSysctl;
  write_sysctl(context);
  position.stage = Stage::kMasks;
  mask_paths(context);
  lock_paths(context);
  pivot(context);
}

// Beneath the root without magic links, and then asked of the kernel: a working directory outside
// the root is how descriptors leak the host (CVE-2024-21626).
void enter_cwd(const ProcessSpec& process) {
  position.stage = Stage::kCwd;
  const char* path = process.cwd.c_str();
  int root =
      static_cast<int>(must("/", [] { return ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  int directory = ensure_target(root, path, false);
  must(path, [&] { return ::fchdir(directory); });
  char where[PATH_MAX];
  must(path, [&] { return ::syscall(SYS_getcwd, where, sizeof(where)); });
  if (where[0] != '/') die(ENOENT, path);
}

void set_rlimits(const ProcessSpec& process) {
  position.stage = Stage::kRlimits;
  for (const sys::ResourceLimit& limit : process.rlimits) {
    rlimit value{.rlim_cur = limit.soft, .rlim_max = limit.hard};
    must("setrlimit",
         [&] { return ::setrlimit(static_cast<__rlimit_resource>(limit.resource), &value); });
  }
}

void load_seccomp(const SeccompProgram* program) {
  if (program == nullptr) return;
  position.stage = Stage::kSeccomp;
  must("filter", [&] {
    return sys::raw_load_seccomp(program->filter.data(),
                                 static_cast<unsigned short>(program->filter.size()),
                                 program->flags);
  });
}

void become_user(const ProcessSpec& process) {
  position.stage = Stage::kBounding;
  must("drop", [&] { return sys::raw_drop_bounding(process.capabilities.bounding); });
  position.stage = Stage::kUser;
  const User& user = process.user;
  must("PR_SET_KEEPCAPS", [] { return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); });
  static_assert(sizeof(gid_t) == sizeof(uint32_t));
  must("setgroups", [&] {
    return ::syscall(SYS_setgroups, user.additional_gids.size(), user.additional_gids.data());
  });
  must("gid", [&] { return ::syscall(SYS_setresgid, user.gid, user.gid, user.gid); });
  must("uid", [&] { return ::syscall(SYS_setresuid, user.uid, user.uid, user.uid); });
  ::umask(user.umask.value_or(kUmaskDefault));
  position.stage = Stage::kCapabilities;
  must("capset", [&] { return sys::raw_set_capabilities(process.capabilities); });
}

[[noreturn]] void execute(const InitContext& context) {
  position.stage = Stage::kExec;
  int error = ENOENT;
  for (const std::string& candidate : context.plan->executables) {
    (void)attempt(
        [&] { return ::execve(candidate.c_str(), context.argv.data(), context.envp.data()); });
    if (errno == ENOENT || errno == ENOTDIR) continue;
    error = errno;
    if (error != EACCES) break;  // as execvp(3): a forbidden file does not hide a later one
  }
  die(error, context.spec->process->args[0].c_str());
}

// After the pivot, on `start`.
[[noreturn]] void become_program(const InitContext& context) {
  const ProcessSpec& process = *context.spec->process;
  enter_cwd(process);
  set_rlimits(process);
  must("close_range", [&] {
    return ::syscall(SYS_close_range, 3 + context.preserve_fds, ~0u, CLOSE_RANGE_CLOEXEC);
  });
  if (!process.no_new_privileges) load_seccomp(context.seccomp);
  become_user(process);
  position.stage = Stage::kDeathSignal;
  // After the change of credentials, which clears it.
  if (context.plan->die_with_parent) {
    must("PR_SET_PDEATHSIG", [] { return ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); });
  }
  if (process.no_new_privileges) {
    must("PR_SET_NO_NEW_PRIVS", [] { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); });
    load_seccomp(context.seccomp);
  }
  execute(context);
}

// Waits behind init.sock for somebody to say go.
void wait_for_start(int listener) {
  position.stage = Stage::kWait;
  while (true) {
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

[[noreturn]] void be_init(InitContext& context) {
  set_up(context);
  tell(MessageKind::kReady, 0);
  if (context.listener >= 0) {
    ::close(position.sync);  // the parent sees the end of create
    wait_for_start(context.listener);
  } else {
    position.stage = Stage::kWait;
    wait_for_go();
  }
  become_program(context);
}

}  // namespace

bool needs_two_clones(const Plan& plan) {
  bool joins_others = plan.joins(CLONE_NEWNET) || plan.joins(CLONE_NEWIPC) ||
                      plan.joins(CLONE_NEWUTS) || plan.joins(CLONE_NEWCGROUP);
  // A joined user namespace must own the new ones; a joined pid namespace takes only children; what
  // is joined from a new user namespace would need rights there that it does not have.
  return plan.joins(CLONE_NEWUSER) || plan.joins(CLONE_NEWPID) ||
         (plan.makes(CLONE_NEWUSER) && joins_others);
}

[[noreturn]] void run_init(InitContext& context) {
  position = {context.sync, Stage::kJoin};
  join_namespaces(context);
  if (!needs_two_clones(*context.plan)) be_init(context);
  position.stage = Stage::kClone;
  long pid = must("init", [&] {
    return sys::raw_clone3(context.plan->clone_flags() | CLONE_PARENT, -1, 0, nullptr);
  });
  if (pid == 0) be_init(context);
  tell(MessageKind::kBorn, static_cast<pid_t>(pid));
  ::_exit(0);
}

}  // namespace berth::runtime
