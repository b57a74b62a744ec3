// What a child between clone3 and execve is written with: system calls that must work, a way to say
// where and why one did not, and paths in the container's root.
//
// Nothing here allocates, locks, logs or throws.
#pragma once

#include "runtime/sync.h"
#include "sys/call.h"

#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <sys/types.h>

namespace berth::runtime::child {

inline constexpr long kProcMagic = 0x9fa0;  // PROC_SUPER_MAGIC

// Where we are, for Failure. `sync` is the socket to whoever waits for us; it changes when `start`
// connects.
struct Position {
  int sync;
  Stage stage;
};
extern Position position;

// Sends Failure and exits.
[[noreturn]] void die(int error, const char* detail);

// The child's form of sys::call: same faults, no allocation. -1 and errno.
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

// More than a host has hierarchies of cgroup v1.
inline constexpr size_t kDescriptorsMax = 16;
using Descriptors = std::array<int, kDescriptorsMax>;

void tell(MessageKind kind, pid_t pid);
// Closes the parent's end of the socket, else we would never hear that it is gone.
void leave(int parents_end);
// Exits when the parent has gone.
void wait_for_go();
// The same. `files` takes the descriptors that came along, close-on-exec, and -1 after them.
void wait_for_go(Descriptors& files);

// True when the other end of the descriptor is closed; false for -1.
bool has_hung_up(int fd);

// Closes every descriptor from `first` on except position.sync and `other` (-1 for none), and below
// `first` those that are close-on-exec. For those whose own executable or working directory comes
// by a path of the container's: close-on-exec acts after execve(2) has walked the path, and the
// path may lead through /proc/self/fd to a directory of the host (CVE-2024-21626).
void close_from(int first, int other);

// Moves us into the v1 groups by their `tasks` files (up to the first -1), which are closed.
void join_cgroups(std::span<const int> tasks);

// openat2(2) RESOLVE_IN_ROOT without magic links: -1 and errno.
int open_in_root(int root, const char* path, int flags);
// The same without symlinks of any kind: ELOOP.
int open_without_symlinks(int root, const char* path, int flags);
// Within one mount as well, EXDEV: for writing to a procfs that is known to be one.
int open_in_mount(int root, const char* path, int flags);
// The directory above `path`, an O_PATH descriptor, made with its parents when missing.
int ensure_parent(int root, const char* path);
enum class TargetKind { kDirectory, kFile };
// O_PATH of what is at `path`; an empty file or directory is made when nothing is.
int ensure_target(int root, const char* path, TargetKind kind);

// The directory above the last path that was asked for, kept open for the next one: devices, links
// and targets of mounts come in families. Whoever mounts over it, or may have done so by a path
// with symlinks, has to forget it.
class Parent {
 public:
  explicit Parent(int root) : root_(root) {}
  // As ensure_parent(); stays this object's.
  int of(const char* path);
  // As above. What it made is no symlink and has nothing mounted on it.
  struct Target {
    int fd;
    bool is_new;
  };
  Target ensure(const char* path, TargetKind kind);
  void forget();

 private:
  bool holds(const char* path) const;

  int root_;
  int fd_ = -1;
  const char* path_ = nullptr;  // of which it is the parent; borrowed
};
// "c" of "/a/b/c".
const char* last_name(const char* path);

}  // namespace berth::runtime::child
