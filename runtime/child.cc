#include "runtime/child.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>

namespace berth::runtime::child {
namespace {

constexpr int kRaceRounds = 128;

// openat2(2) says EAGAIN when somebody renames or mounts on the way past a "..".
int resolve(int root, const char* path, int flags, uint64_t how_to) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC;
  how.resolve = how_to;
  long found = -1;
  for (int round = 0; round < kRaceRounds; ++round) {
    found = attempt([&] { return ::syscall(SYS_openat2, root, path, &how, sizeof(how)); });
    if (found >= 0 || errno != EAGAIN) break;
  }
  return static_cast<int>(found);
}

// The directory at path[0, length), made with its parents when missing.
int ensure_directory(int root, const char* path, size_t length) {
  char prefix[PATH_MAX];
  if (length >= sizeof(prefix)) die(ENAMETOOLONG, path);
  // Most often only the last one is missing.
  size_t above = length;
  while (above > 0 && path[above - 1] == '/') --above;
  while (above > 0 && path[above - 1] != '/') --above;
  std::memcpy(prefix, path, above);
  prefix[above] = '\0';
  int directory = open_in_root(root, above > 0 ? prefix : "/", O_PATH | O_DIRECTORY);
  if (directory < 0 && errno == ENOENT) {
    above = 0;
    directory = open_in_root(root, "/", O_PATH | O_DIRECTORY);
  }
  if (directory < 0) die(errno, path);
  for (size_t end = above + 1; end <= length; ++end) {
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

}  // namespace

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

void tell(MessageKind kind, pid_t pid) {
  SyncMessage message;
  message.kind = kind;
  message.pid = pid;
  must("send", [&] { return ::send(position.sync, &message, sizeof(message), MSG_NOSIGNAL); });
}

void leave(int parents_end) {
  ::close(parents_end);
}

void wait_for_go() {
  Descriptors none;
  wait_for_go(none);
}

void wait_for_go(Descriptors& files) {
  files.fill(-1);
  SyncMessage message;
  iovec part{&message, sizeof(message)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(Descriptors))];
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof(control);
  long got = must("receive", [&] { return ::recvmsg(position.sync, &header, MSG_CMSG_CLOEXEC); });
  // The parent went away: so do we, and nobody is left to be told.
  if (got != sizeof(message) || message.kind != MessageKind::kGo) ::_exit(1);
  // Without one of them we would be outside of a group, and of its limits.
  if ((header.msg_flags & MSG_CTRUNC) != 0) die(EMFILE, "descriptors");
  const cmsghdr* first = CMSG_FIRSTHDR(&header);
  if (first == nullptr || first->cmsg_type != SCM_RIGHTS) return;
  std::memcpy(files.data(), CMSG_DATA(first), first->cmsg_len - CMSG_LEN(0));
}

bool has_hung_up(int fd) {
  pollfd polled{fd, 0, 0};  // poll(2) passes over a negative one
  return ::poll(&polled, 1, 0) > 0;
}

void close_from(int first, int other) {
  for (int fd = 3; fd < first; ++fd) {
    int flags = ::fcntl(fd, F_GETFD);
    bool ours = flags >= 0 && (flags & FD_CLOEXEC) != 0;
    if (ours && fd != position.sync && fd != other) ::close(fd);
  }
  auto close_range = [](int from, unsigned to) {
    if (from >= 0 && static_cast<unsigned>(from) > to) return;
    must("close_range", [&] { return ::syscall(SYS_close_range, from, to, 0); });
  };
  auto [low, high] = std::minmax(position.sync, other);
  for (int kept : {low, high}) {
    if (kept < first) continue;
    close_range(first, static_cast<unsigned>(kept) - 1);
    first = kept + 1;
  }
  close_range(first, ~0U);
}

int open_in_root(int root, const char* path, int flags) {
  return resolve(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int open_without_symlinks(int root, const char* path, int flags) {
  return resolve(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

int open_in_mount(int root, const char* path, int flags) {
  return resolve(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

const char* last_name(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash == nullptr ? path : slash + 1;
}

int ensure_parent(int root, const char* path) {
  return ensure_directory(root, path, static_cast<size_t>(last_name(path) - path));
}

int ensure_target(int root, const char* path, TargetKind kind) {
  Parent parent(root);
  int target = parent.ensure(path, kind).fd;
  parent.forget();
  return target;
}

bool Parent::holds(const char* path) const {
  if (fd_ < 0) return false;
  auto length = last_name(path) - path;
  return length == last_name(path_) - path_ &&
         std::strncmp(path, path_, static_cast<size_t>(length)) == 0;
}

void Parent::forget() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

int Parent::of(const char* path) {
  if (holds(path)) return fd_;
  forget();
  fd_ = ensure_parent(root_, path);
  path_ = path;
  return fd_;
}

// What is there already may be a symlink, which only the whole path leads along.
Parent::Target Parent::ensure(const char* path, TargetKind kind) {
  if (!holds(path)) {
    int target = open_in_root(root_, path, O_PATH);
    if (target >= 0) {
      forget();
      return {target, false};
    }
    if (errno != ENOENT) die(errno, path);
  }
  const char* name = last_name(path);
  int parent = of(path);
  auto make = [&]() -> long {
    if (kind == TargetKind::kDirectory) return ::mkdirat(parent, name, 0755);
    constexpr int kFlags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC;
    int made = ::openat(parent, name, kFlags, 0644);
    if (made >= 0) ::close(made);
    return made;
  };
  // In the verified parent by its descriptor: no symlink can lead it elsewhere.
  long made = attempt(make);
  if (made < 0 && errno != EEXIST) die(errno, path);
  // What is new is a directory in its parent's own mount, unless somebody was quicker than we.
  int target =
      made >= 0 ? open_in_mount(parent, name, O_PATH) : open_without_symlinks(parent, name, O_PATH);
  if (target >= 0) return {target, made >= 0};
  if (errno != ELOOP && errno != EXDEV) die(errno, path);
  forget();
  target = open_in_root(root_, path, O_PATH);
  if (target < 0) die(errno, path);
  return {target, false};
}

void join_cgroups(std::span<const int> tasks) {
  position.stage = Stage::kCgroup;
  for (int file : tasks) {
    if (file < 0) return;
    must("tasks", [&] { return ::write(file, "0", 1); });
    ::close(file);
  }
}

}  // namespace berth::runtime::child
