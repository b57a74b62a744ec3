#include "sys/tree.h"

#include "sys/call.h"
#include "sys/file.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

namespace berth::sys {
namespace {

// The xattr calls know no dirfd: name the entry through the descriptor.
constexpr size_t kShortValue = 256;  // enough for nearly all extended attributes

std::string path_through(int dirfd, const std::string& name) {
  return name.empty() ? proc_path(dirfd) + "/." : proc_path(dirfd) + "/" + name;
}

Result<std::string> xattr_of(const std::string& path, const std::string& attribute) {
  for (size_t room : {kShortValue, size_t{XATTR_SIZE_MAX}}) {
    std::string value(room, '\0');
    auto length = call("lgetxattr", attribute, [&] {
      return ::lgetxattr(path.c_str(), attribute.c_str(), value.data(), value.size());
    });
    if (!length && length.error().errno_value == ERANGE && room < XATTR_SIZE_MAX) continue;
    value.resize(static_cast<size_t>(TRY(std::move(length))));
    return value;
  }
  return fail(Errc::kInvalid, "attribute {}: longer than any can be", attribute);
}

}  // namespace

Result<std::optional<struct stat>> stat_at(int dirfd, const std::string& name) {
  struct stat st {};
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
  auto got = run("fstatat", name, [&] { return ::fstatat(dirfd, name.c_str(), &st, kFlags); });
  if (got) return std::optional(st);
  if (got.error().errno_value == ENOENT) return std::optional<struct stat>();
  return tl::unexpected<Error>(std::move(got).error());
}

Status make_directory_at(int dirfd, const std::string& name, mode_t mode) {
  return run("mkdirat", name, [&] { return ::mkdirat(dirfd, name.c_str(), mode); });
}

Status make_node_at(int dirfd, const std::string& name, mode_t mode, dev_t device) {
  return run("mknodat", name, [&] { return ::mknodat(dirfd, name.c_str(), mode, device); });
}

Status symlink_at(const std::string& target, int dirfd, const std::string& name) {
  return run("symlinkat", name, [&] { return ::symlinkat(target.c_str(), dirfd, name.c_str()); });
}

Result<std::string> read_link_at(int dirfd, const std::string& name) {
  std::string target(PATH_MAX, '\0');
  long length = TRY(call("readlinkat", name, [&] {
    return ::readlinkat(dirfd, name.c_str(), target.data(), target.size());
  }));
  target.resize(static_cast<size_t>(length));
  return target;
}

Result<Fd> create_at(int dirfd, const std::string& name, mode_t mode) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  return Fd(TRY(call("openat", name, [&] { return ::openat(dirfd, name.c_str(), kFlags, mode); })));
}

Result<Fd> open_directory_at(int dirfd, const std::string& name) {
  return open_at(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

Status exchange(const std::string& one, const std::string& other) {
  return run("renameat2", one + " and " + other, [&] {
    return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE);
  });
}

Status link_at(Entry from, Entry to) {
  return run("linkat", to.name,
             [&] { return ::linkat(from.dirfd, from.name.c_str(), to.dirfd, to.name.c_str(), 0); });
}

Status chown_at(int dirfd, const std::string& name, Owner owner) {
  return run("fchownat", name, [&] {
    return ::fchownat(dirfd, name.c_str(), owner.uid, owner.gid,
                      AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
  });
}

Status chmod_at(int dirfd, const std::string& name, mode_t mode) {
  // fchmodat(2) has no AT_EMPTY_PATH before 6.6.
  if (name.empty()) return run("fchmod", "", [&] { return ::fchmod(dirfd, mode); });
  return run("fchmodat", name, [&] { return ::fchmodat(dirfd, name.c_str(), mode, 0); });
}

Status set_times_at(int dirfd, const std::string& name, const Times& times) {
  std::array<timespec, 2> both = {times.access, times.modification};
  if (name.empty()) return run("futimens", "", [&] { return ::futimens(dirfd, both.data()); });
  constexpr int kFlags = AT_SYMLINK_NOFOLLOW;
  return run("utimensat", name,
             [&] { return ::utimensat(dirfd, name.c_str(), both.data(), kFlags); });
}

Status set_xattr_at(int dirfd, const std::string& name, const std::string& attribute,
                    std::string_view value) {
  std::string path = path_through(dirfd, name);
  return run("lsetxattr", attribute, [&] {
    return ::lsetxattr(path.c_str(), attribute.c_str(), value.data(), value.size(), 0);
  });
}

Result<std::optional<std::string>> xattr_at(int dirfd, const std::string& name,
                                            const std::string& attribute) {
  auto value = xattr_of(path_through(dirfd, name), attribute);
  if (value) return std::optional(std::move(*value));
  int reason = value.error().errno_value;
  if (reason == ENODATA || reason == ENOTSUP) return std::optional<std::string>();
  return tl::unexpected<Error>(std::move(value).error());
}

Result<std::vector<std::pair<std::string, std::string>>> xattrs_at(int dirfd,
                                                                   const std::string& name) {
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string path = path_through(dirfd, name);
  std::string names(XATTR_LIST_MAX, '\0');
  auto length = call("llistxattr", name,
                     [&] { return ::llistxattr(path.c_str(), names.data(), names.size()); });
  if (!length) {
    if (length.error().errno_value == ENOTSUP) return attributes;
    return tl::unexpected<Error>(std::move(length).error());
  }
  names.resize(static_cast<size_t>(*length));
  for (size_t start = 0; start < names.size();) {
    std::string attribute = names.c_str() + start;
    start += attribute.size() + 1;
    attributes.emplace_back(attribute, TRY(xattr_of(path, attribute)));
  }
  return attributes;
}

Status remove_xattr_at(int dirfd, const std::string& name, const std::string& attribute) {
  std::string path = path_through(dirfd, name);
  return run("lremovexattr", attribute,
             [&] { return ::lremovexattr(path.c_str(), attribute.c_str()); });
}

Status remove_file_at(int dirfd, const std::string& name) {
  return run("unlinkat", name, [&] { return ::unlinkat(dirfd, name.c_str(), 0); });
}

Result<bool> remove_empty_directory_at(int dirfd, const std::string& name) {
  auto removed =
      run("unlinkat", name, [&] { return ::unlinkat(dirfd, name.c_str(), AT_REMOVEDIR); });
  if (removed) return true;
  if (removed.error().errno_value == ENOTEMPTY) return false;
  return tl::unexpected<Error>(std::move(removed).error());
}

Status remove_tree_at(int dirfd, const std::string& name) {
  return remove_tree(path_through(dirfd, name));
}

Status write_at(int fd, std::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    long wrote =
        TRY(call("pwrite", "", [&] { return ::pwrite(fd, bytes.data(), bytes.size(), offset); }));
    bytes.remove_prefix(static_cast<size_t>(wrote));
    offset += wrote;
  }
  return {};
}

Status set_size(int fd, int64_t size) {
  return run("ftruncate", "", [&] { return ::ftruncate(fd, size); });
}

namespace {

// Up to `size` bytes at `offset`; how many. Between some file systems the kernel does not copy.
Result<int64_t> copy_some(int from, int to, int64_t offset, size_t size) {
  auto in = static_cast<off64_t>(offset);
  auto out = in;
  auto copied =
      call("copy_file_range", "", [&] { return ::copy_file_range(from, &in, to, &out, size, 0); });
  if (copied) return *copied;
  int error = copied.error().errno_value;
  if (error != EXDEV && error != EOPNOTSUPP && error != EINVAL) {
    return tl::unexpected<Error>(std::move(copied).error());
  }
  std::string bytes(size, '\0');
  long got = TRY(call("pread", "", [&] { return ::pread(from, bytes.data(), size, offset); }));
  TRY(write_at(to, std::string_view(bytes).substr(0, static_cast<size_t>(got)), offset));
  return got;
}

// Where the file has content; all of it where the file system does not say.
Status each_extent(int fd, int64_t size, const std::function<Status(int64_t, int64_t)>& take) {
  int64_t offset = 0;
  while (offset < size) {
    auto data = call("lseek", "", [&] { return ::lseek(fd, offset, SEEK_DATA); });
    if (!data && data.error().errno_value == ENXIO) return {};  // a hole to the end
    int64_t begin = data ? *data : offset;
    auto hole = call("lseek", "", [&] { return ::lseek(fd, begin, SEEK_HOLE); });
    int64_t end = hole ? *hole : size;
    TRY(take(begin, end));
    offset = end;
  }
  return {};
}

}  // namespace

Status copy_content(int from, int to) {
  constexpr size_t kCopyChunk = 1024 * 1024;
  int64_t size = TRY(stat_fd(from)).st_size;
  TRY(each_extent(from, size, [&](int64_t position, int64_t end) -> Status {
    while (position < end) {
      auto want = std::min(kCopyChunk, static_cast<size_t>(end - position));
      int64_t copied = TRY(copy_some(from, to, position, want));
      if (copied == 0) return fail(Errc::kSystem, "copy: the file became shorter");
      position += copied;
    }
    return {};
  }));
  return set_size(to, size);
}

Status each_data(int fd, const std::function<Status(std::string_view, int64_t)>& take) {
  constexpr int64_t kReadAtOnce = 256 * 1024;
  int64_t size = TRY(stat_fd(fd)).st_size;
  std::string buffer(static_cast<size_t>(std::min(size, kReadAtOnce)), '\0');
  return each_extent(fd, size, [&](int64_t position, int64_t end) -> Status {
    while (position < end) {
      auto want = static_cast<size_t>(std::min(end - position, kReadAtOnce));
      ssize_t got =
          TRY(call("pread", "", [&] { return ::pread(fd, buffer.data(), want, position); }));
      if (got == 0) return fail(Errc::kSystem, "read: the file became shorter");
      TRY(take({buffer.data(), static_cast<size_t>(got)}, position));
      position += got;
    }
    return {};
  });
}

}  // namespace berth::sys
