// Mounts through descriptors: open_tree, mount_setattr, move_mount, fsopen (Linux >= 5.12).
//
// A mount is first made detached (an Fd that nobody else sees), given its attributes, and only then
// attached to a target that is itself a descriptor. No path is looked up twice, so nothing can be
// swapped in between.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::sys {

enum class Recursion { kThisMount, kWholeTree };

// open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount at `path` (a bind mount that is
// attached nowhere yet). Symlinks in `path` are followed.
Result<Fd> clone_tree(int dirfd, const std::string& path, Recursion recursion);

struct MountChange {
  uint64_t set = 0;          // MOUNT_ATTR_* to set
  uint64_t clear = 0;        // MOUNT_ATTR_* to clear
  uint64_t propagation = 0;  // MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0: unchanged
  int user_namespace = -1;   // with it: an idmapped mount by the maps of that namespace
};
// mount_setattr(2) on the mount that `mount_fd` refers to.
Status change_mount(int mount_fd, const MountChange& change, Recursion recursion);

// move_mount(2): attaches a detached mount. The first form attaches on top of the file or directory
// that `target_fd` refers to.
Status attach_mount(int mount_fd, int target_fd);
Status attach_mount(int mount_fd, const std::string& target);

// A new file system, made by fsopen(2), options and fsmount(2); detached. An option without a value
// is a flag. Errors carry the kernel's own message when it leaves one.
struct FileSystem {
  std::string type;
  std::string source;  // "" for none
  std::vector<std::pair<std::string, std::string>> options;
  uint64_t attributes = 0;  // MOUNT_ATTR_*
};
Result<Fd> make_file_system(const FileSystem& file_system);
// Whether the kernel has file systems of that type, or a module of them that it loads now; ENODEV.
Status knows_file_system(const std::string& type);

// An overlay; detached. `lower` goes from the uppermost layer down. Without `upper` and `work` it
// is read-only. Where the kernel lacks "lowerdir+" (< 6.8) it is mounted on `work`, or on the
// uppermost layer, for a moment.
struct Overlay {
  std::vector<std::string> lower;
  std::string upper;
  std::string work;
  std::vector<std::string> flags;  // "volatile", "userxattr", "metacopy=on", ...
};
Result<Fd> make_overlay(const Overlay& overlay);

// clone_tree + change_mount + attach_mount by path, for trusted paths.
Status bind_mount(const std::string& source, const std::string& target, Recursion recursion);

// umount2(2) with `flags` (MNT_DETACH, UMOUNT_NOFOLLOW).
Status unmount(const std::string& target, int flags);
// Makes the whole tree at `path` slave, private, ... (MS_SLAVE, ...).
Status set_propagation(const std::string& path, uint64_t propagation, Recursion recursion);
// Whether `path` is the root of a mount (statx(2) STATX_ATTR_MOUNT_ROOT).
Result<bool> is_mount_point(const std::string& path);

// A mount at a path, unmounted (detached) with its owner.
class MountGuard {
 public:
  explicit MountGuard(std::string target) : target_(std::move(target)) {}
  MountGuard(MountGuard&& other) noexcept : target_(std::exchange(other.target_, {})) {}
  MountGuard& operator=(MountGuard&& other) noexcept;
  ~MountGuard();
  // The mount stays; the caller looks after it.
  void release() { target_.clear(); }

 private:
  std::string target_;
};

}  // namespace berth::sys
