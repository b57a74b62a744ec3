// Files: reading with a limit, writing atomically, opening beneath a root.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace berth::sys {

// openat(2) by trusted path (ours, never an image's or a user's inside a root file system).
// O_CLOEXEC is added.
Result<Fd> open(const std::string& path, int flags);
Result<Fd> open_at(int dirfd, const std::string& path, int flags);
// With O_CREAT: `mode` is given to the new file, less the umask.
Result<Fd> create(const std::string& path, int flags, mode_t mode);

// openat2(2) RESOLVE_IN_ROOT: absolute paths, ".." and symlinks are resolved as if `rootfd` were
// "/"; magic links are refused. For every path that comes from an image or a user.
Result<Fd> open_in_root(int rootfd, const std::string& path, uint64_t flags);
// openat2(2) RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS: anything else than a plain downward path fails.
Result<Fd> open_beneath(int dirfd, const std::string& path, uint64_t flags, mode_t mode);

// The whole of a file; kExhausted when it is longer than `max` bytes. Works on /proc and /sys.
Result<std::string> read_file(const std::string& path, size_t max);
Result<std::string> read_file_at(int dirfd, const std::string& path, size_t max);
// From the current offset to the end.
Result<std::string> read_all(int fd, size_t max);

// One read(2): how many bytes came, 0 at the end.
Result<size_t> read_some(int fd, char* buffer, size_t size);
// All bytes or an error.
Status write_all(int fd, std::string_view bytes);
// One write(2) to an existing file, as /proc, /sys and cgroup files want it.
Status write_to(const std::string& path, std::string_view bytes);
Status write_to_at(int dirfd, const std::string& path, std::string_view bytes);

// Writes `path` so that after a crash either the old or the new content is there, whole: temporary
// file beside it, fsync, rename, fsync of the directory.
Status write_atomic(const std::string& path, std::string_view bytes, mode_t mode);
// The same for files below somebody's home, which root may write for them (sudo -E): owner and
// group stay as they are; EPERM when we may not give files away.
Status rewrite_atomic(const std::string& path, std::string_view bytes, mode_t mode);
// write_atomic() without the fsyncs: for files under /run, which a power cut clears anyway.
Status write_replace(const std::string& path, std::string_view bytes, mode_t mode);

Status fsync(int fd, std::string_view what);
// syncfs(2) of the file system that holds `fd`.
Status sync_file_system(int fd);

// mkdir(2); an existing directory is success.
Status make_directory(const std::string& path, mode_t mode);
// mkdir -p.
Status make_directories(const std::string& path, mode_t mode);
Result<struct stat> stat(const std::string& path);
Result<struct stat> stat_fd(int fd);
bool exists(const std::string& path);
Status rename(const std::string& from, const std::string& to);
Status hard_link(const std::string& from, const std::string& to);
// unlink(2); a missing file is success.
Status remove_file(const std::string& path);
// rmdir(2).
Status remove_directory(const std::string& path);
// Removes the tree without following symlinks and without crossing into another file system
// (a mount left inside makes it fail with EBUSY or EXDEV rather than lose foreign data). A missing
// tree is success.
Status remove_tree(const std::string& path);
// Names in a directory without "." and "..", sorted.
Result<std::vector<std::string>> list_directory(const std::string& path);
Result<std::string> read_link(const std::string& path);
Status symlink(const std::string& target, const std::string& path);
Status chown(const std::string& path, uid_t uid, gid_t gid);
// fchown(2).
Status chown_fd(int fd, uid_t uid, gid_t gid);
Status chmod(const std::string& path, mode_t mode);

// A directory made with mkdtemp(3), removed with its content by the owner's destructor.
class TemporaryDirectory {
 public:
  // Beneath `parent`, named `prefix` + six characters.
  static Result<TemporaryDirectory> make(const std::string& parent, const std::string& prefix);
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }
  // Keeps the directory; the caller owns it now.
  std::string release() { return std::exchange(path_, {}); }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// flock(2) on an open file or directory: it lives as long as a copy of the descriptor is open.
enum class LockMode { kShared, kExclusive };
// Waits for it.
Status lock(int fd, LockMode mode);
// False when somebody else holds it.
Result<bool> try_lock(int fd, LockMode mode);

// An exclusive flock(2) on a file made for it; released with the owner, who may remove the file
// before that.
class FileLock {
 public:
  // Waits for it.
  static Result<FileLock> acquire(const std::string& path);
  // kUnavailable when somebody else holds it.
  static Result<FileLock> try_acquire(const std::string& path);

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace berth::sys
