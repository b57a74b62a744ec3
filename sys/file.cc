#include "sys/file.h"

#include "sys/call.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

namespace berth::sys {
namespace {

constexpr size_t kFirstChunk = 4 * 1024;
constexpr size_t kChunk = 64 * 1024;

Result<Fd> openat2(int dirfd, const std::string& path, const open_how& how) {
  return Fd(TRY(call("openat2", path, [&] {
    return ::syscall(SYS_openat2, dirfd, path.c_str(), &how, sizeof(how));
  })));
}

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

enum class Durability { kNone, kFsync };

struct FileOwner {
  uid_t uid;
  gid_t gid;
};

// Of the name itself, were it a symbolic link: nobody gets a file by a link to somebody's.
Result<std::optional<FileOwner>> owner_of(const std::string& path) {
  struct stat st {};
  auto looked = run("lstat", path, [&] { return ::lstat(path.c_str(), &st); });
  if (looked) return std::optional(FileOwner{st.st_uid, st.st_gid});
  if (looked.error().code == Errc::kNotFound) return std::optional<FileOwner>();
  return tl::unexpected<Error>(std::move(looked).error());
}

Status replace_file(const std::string& path, std::string_view bytes, mode_t mode,
                    Durability durability, std::optional<FileOwner> owner) {
  std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  // Where others may write, what is in our way may be a link to what we would give away.
  if (owner) TRY(remove_file(temporary));
  int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | (owner ? O_EXCL : O_TRUNC);
  auto write_temporary = [&]() -> Status {
    Fd fd = TRY(create(temporary, flags, mode));
    if (owner) TRY(chown_fd(fd.get(), owner->uid, owner->gid));
    TRY(write_all(fd.get(), bytes));
    if (durability == Durability::kFsync) TRY(fsync(fd.get(), temporary));
    return rename(temporary, path);
  };
  auto written = write_temporary();
  if (!written) {
    (void)::unlink(temporary.c_str());  // the error in hand is the one that matters
    return written;
  }
  if (durability == Durability::kNone) return {};
  Fd directory = TRY(open(directory_of(path), O_RDONLY | O_DIRECTORY));
  return fsync(directory.get(), directory_of(path));
}

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

Result<Dir> open_dir(Fd fd, const std::string& path) {
  DIR* dir = ::fdopendir(fd.get());
  if (dir == nullptr) return fail_errno(errno, "fdopendir {}", path);
  (void)fd.release();  // closedir owns it now
  return Dir(dir);
}

Result<std::vector<std::string>> names_in(Fd fd, const std::string& path) {
  Dir dir = TRY(open_dir(std::move(fd), path));
  std::vector<std::string> names;
  errno = 0;
  while (dirent* entry = ::readdir(dir.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
    errno = 0;
  }
  if (errno != 0) return fail_errno(errno, "readdir {}", path);
  std::sort(names.begin(), names.end());
  return names;
}

// Empties and removes `name` in `dirfd`. `device` is the file system that the whole tree is on.
Status remove_tree_at(int dirfd, const std::string& name, dev_t device, const std::string& shown) {
  struct stat st {};
  if (::fstatat(dirfd, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(errno, "fstatat {}", shown);
  }
  if (!S_ISDIR(st.st_mode)) {
    return run("unlinkat", shown, [&] { return ::unlinkat(dirfd, name.c_str(), 0); });
  }
  if (st.st_dev != device) {
    return fail(Errc::kExists, "remove {}: another file system is mounted there", shown);
  }
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Fd fd(TRY(call("openat", shown, [&] { return ::openat(dirfd, name.c_str(), kFlags); })));
  Fd listing = TRY(duplicate(fd.get()));
  for (const std::string& child : TRY(names_in(std::move(listing), shown))) {
    TRY(remove_tree_at(fd.get(), child, device, shown + "/" + child));
  }
  return run("unlinkat", shown, [&] { return ::unlinkat(dirfd, name.c_str(), AT_REMOVEDIR); });
}

// The size of a regular file that has more than `least` bytes, else 0.
size_t size_of_more(int fd, size_t least) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return 0;
  auto size = static_cast<size_t>(st.st_size);
  return size > least ? size : 0;
}

}  // namespace

Result<Fd> open(const std::string& path, int flags) {
  return open_at(AT_FDCWD, path, flags);
}

Result<Fd> open_at(int dirfd, const std::string& path, int flags) {
  return Fd(
      TRY(call("open", path, [&] { return ::openat(dirfd, path.c_str(), flags | O_CLOEXEC); })));
}

Result<Fd> create(const std::string& path, int flags, mode_t mode) {
  return Fd(TRY(
      call("open", path, [&] { return ::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, mode); })));
}

Result<Fd> open_in_root(int rootfd, const std::string& path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return openat2(rootfd, path, how);
}

Result<Fd> open_beneath(int dirfd, const std::string& path, uint64_t flags, mode_t mode) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;  // openat2 refuses a mode without O_CREAT
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return openat2(dirfd, path, how);
}

Result<std::string> read_all(int fd, size_t max) {
  std::string bytes;
  // Most files are a page at most, and each page of a buffer costs a fault.
  size_t chunk = kFirstChunk;
  size_t whole = 0;  // what the file system says, when it is more than the first piece
  while (true) {
    size_t have = bytes.size();
    bytes.resize(have + chunk);
    auto got = call("read", "", [&] { return ::read(fd, bytes.data() + have, chunk); });
    if (!got) return tl::unexpected<Error>(std::move(got).error());
    bytes.resize(have + static_cast<size_t>(*got));
    if (*got == 0) return bytes;
    if (bytes.size() > max) return fail(Errc::kExhausted, "read: more than {} bytes", max);
    if (bytes.size() == whole) return bytes;
    chunk = std::min(std::max(kFirstChunk, bytes.size()), kChunk);
    if (bytes.size() == kFirstChunk && whole == 0) whole = size_of_more(fd, kFirstChunk);
    // One byte more: a file that is no longer than it was ends the loop without a further read.
    if (whole > bytes.size() && whole <= max) chunk = whole - bytes.size() + 1;
  }
}

Result<size_t> read_some(int fd, char* buffer, size_t size) {
  return static_cast<size_t>(TRY(call("read", "", [&] { return ::read(fd, buffer, size); })));
}

Result<std::string> read_file(const std::string& path, size_t max) {
  return read_file_at(AT_FDCWD, path, max);
}

Result<std::string> read_file_at(int dirfd, const std::string& path, size_t max) {
  Fd fd = TRY(open_at(dirfd, path, O_RDONLY));
  auto bytes = read_all(fd.get(), max);
  if (!bytes) return wrap(std::move(bytes).error(), "{}", path);
  return bytes;
}

Status write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    long wrote = TRY(call("write", "", [&] { return ::write(fd, bytes.data(), bytes.size()); }));
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

Status write_to(const std::string& path, std::string_view bytes) {
  return write_to_at(AT_FDCWD, path, bytes);
}

Status write_to_at(int dirfd, const std::string& path, std::string_view bytes) {
  Fd fd = TRY(open_at(dirfd, path, O_WRONLY));
  std::string shown = fmt::format("\"{}\" to {}", bytes, path);
  return run("write", shown, [&] { return ::write(fd.get(), bytes.data(), bytes.size()); });
}

Status write_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
  return replace_file(path, bytes, mode, Durability::kFsync, std::nullopt);
}

Status rewrite_atomic(const std::string& path, std::string_view bytes, mode_t mode) {
  std::optional<FileOwner> owner = TRY(owner_of(path));
  bool is_ours = owner && owner->uid == ::geteuid() && owner->gid == ::getegid();
  if (is_ours) owner.reset();
  return replace_file(path, bytes, mode, Durability::kFsync, owner);
}

Status write_replace(const std::string& path, std::string_view bytes, mode_t mode) {
  return replace_file(path, bytes, mode, Durability::kNone, std::nullopt);
}

Status fsync(int fd, std::string_view what) {
  return run("fsync", what, [&] { return ::fsync(fd); });
}

Status sync_file_system(int fd) {
  return run("syncfs", "", [&] { return ::syncfs(fd); });
}

Status make_directory(const std::string& path, mode_t mode) {
  auto made = run("mkdir", path, [&] { return ::mkdir(path.c_str(), mode); });
  if (!made && made.error().errno_value == EEXIST) return {};
  return made;
}

Status make_directories(const std::string& path, mode_t mode) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    TRY(make_directory(path.substr(0, slash), mode));
  }
  return make_directory(path, mode);
}

Result<struct stat> stat(const std::string& path) {
  struct stat st {};
  TRY(run("stat", path, [&] { return ::stat(path.c_str(), &st); }));
  return st;
}

Result<struct stat> stat_fd(int fd) {
  struct stat st {};
  TRY(run("fstat", "", [&] { return ::fstat(fd, &st); }));
  return st;
}

bool exists(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

Status rename(const std::string& from, const std::string& to) {
  return run("rename", from + " to " + to, [&] { return ::rename(from.c_str(), to.c_str()); });
}

Status hard_link(const std::string& from, const std::string& to) {
  return run("link", from + " to " + to, [&] { return ::link(from.c_str(), to.c_str()); });
}

Status remove_file(const std::string& path) {
  auto removed = run("unlink", path, [&] { return ::unlink(path.c_str()); });
  if (!removed && removed.error().errno_value == ENOENT) return {};
  return removed;
}

Status remove_directory(const std::string& path) {
  return run("rmdir", path, [&] { return ::rmdir(path.c_str()); });
}

Status remove_tree(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(errno, "lstat {}", path);
  }
  return remove_tree_at(AT_FDCWD, path, st.st_dev, path);
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  return names_in(TRY(open(path, O_RDONLY | O_DIRECTORY)), path);
}

Result<std::string> read_link(const std::string& path) {
  std::string target(4096, '\0');
  long length = TRY(call("readlink", path,
                         [&] { return ::readlink(path.c_str(), target.data(), target.size()); }));
  target.resize(static_cast<size_t>(length));
  return target;
}

Status symlink(const std::string& target, const std::string& path) {
  return run("symlink", path, [&] { return ::symlink(target.c_str(), path.c_str()); });
}

Status chown(const std::string& path, uid_t uid, gid_t gid) {
  return run("chown", path, [&] { return ::lchown(path.c_str(), uid, gid); });
}

Status chown_fd(int fd, uid_t uid, gid_t gid) {
  return run("fchown", "", [&] { return ::fchown(fd, uid, gid); });
}

Status chmod(const std::string& path, mode_t mode) {
  return run("chmod", path, [&] { return ::chmod(path.c_str(), mode); });
}

Result<TemporaryDirectory> TemporaryDirectory::make(const std::string& parent,
                                                    const std::string& prefix) {
  std::string path = parent + "/" + prefix + "XXXXXX";
  TRY(run("mkdtemp", path, [&] { return ::mkdtemp(path.data()) == nullptr ? -1 : 0; }));
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) (void)remove_tree(path_);  // a destructor has nobody to tell
}

Status lock(int fd, LockMode mode) {
  int operation = mode == LockMode::kShared ? LOCK_SH : LOCK_EX;
  return run("flock", "", [&] { return ::flock(fd, operation); });
}

Result<bool> try_lock(int fd, LockMode mode) {
  int operation = (mode == LockMode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  auto locked = run("flock", "", [&] { return ::flock(fd, operation); });
  if (!locked && locked.error().errno_value == EWOULDBLOCK) return false;
  TRY(std::move(locked));
  return true;
}

namespace {

// False when the last owner removed the file between our opening and our locking it: then what we
// hold is a lock that nobody else will ever look at.
Result<bool> still_names(const std::string& path, int fd) {
  struct stat mine = TRY(stat_fd(fd));
  auto there = stat(path);
  if (!there && there.error().code == Errc::kNotFound) return false;
  TRY(there);
  return there->st_ino == mine.st_ino && there->st_dev == mine.st_dev;
}

}  // namespace

Result<FileLock> FileLock::acquire(const std::string& path) {
  while (true) {
    Fd fd = TRY(create(path, O_RDWR, 0600));
    TRY(lock(fd.get(), LockMode::kExclusive));
    if (TRY(still_names(path, fd.get()))) return FileLock(std::move(fd));
  }
}

Result<FileLock> FileLock::try_acquire(const std::string& path) {
  while (true) {
    Fd fd = TRY(create(path, O_RDWR, 0600));
    if (!TRY(try_lock(fd.get(), LockMode::kExclusive))) {
      return fail(Errc::kUnavailable, "{}: locked by another process", path);
    }
    if (TRY(still_names(path, fd.get()))) return FileLock(std::move(fd));
  }
}

}  // namespace berth::sys
