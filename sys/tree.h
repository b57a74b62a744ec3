// Building a file tree entry by entry, relative to directory descriptors. Nothing here follows a
// symlink in the last component.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace berth::sys {

// lstat; nothing when there is no such name. "" is the directory itself.
Result<std::optional<struct stat>> stat_at(int dirfd, const std::string& name);
Status make_directory_at(int dirfd, const std::string& name, mode_t mode);
// mknodat(2): devices, fifos, whiteouts.
Status make_node_at(int dirfd, const std::string& name, mode_t mode, dev_t device);
Status symlink_at(const std::string& target, int dirfd, const std::string& name);
Result<std::string> read_link_at(int dirfd, const std::string& name);
// O_CREAT | O_EXCL | O_WRONLY.
Result<Fd> create_at(int dirfd, const std::string& name, mode_t mode);
// O_DIRECTORY | O_NOFOLLOW.
Result<Fd> open_directory_at(int dirfd, const std::string& name);

// renameat2(RENAME_EXCHANGE): in one step each has the other's name.
Status exchange(const std::string& one, const std::string& other);

struct Entry {
  int dirfd;
  const std::string& name;
};
// linkat(2): a symlink is linked itself.
Status link_at(Entry from, Entry to);

struct Owner {
  uid_t uid;
  gid_t gid;
};
Status chown_at(int dirfd, const std::string& name, Owner owner);
// Not for symlinks, which have no mode.
Status chmod_at(int dirfd, const std::string& name, mode_t mode);

struct Times {
  timespec access;
  timespec modification;
};
Status set_times_at(int dirfd, const std::string& name, const Times& times);

Status set_xattr_at(int dirfd, const std::string& name, const std::string& attribute,
                    std::string_view value);
// One extended attribute; nothing when it is not there or the file system has none.
Result<std::optional<std::string>> xattr_at(int dirfd, const std::string& name,
                                            const std::string& attribute);
// All extended attributes; empty where the file system has none.
Result<std::vector<std::pair<std::string, std::string>>> xattrs_at(int dirfd,
                                                                   const std::string& name);

Status remove_xattr_at(int dirfd, const std::string& name, const std::string& attribute);

// unlinkat(2), of anything but a directory.
Status remove_file_at(int dirfd, const std::string& name);
// False when it is not empty.
Result<bool> remove_empty_directory_at(int dirfd, const std::string& name);
// Removes a file or a whole directory. A missing one is success.
Status remove_tree_at(int dirfd, const std::string& name);

Status write_at(int fd, std::string_view bytes, int64_t offset);
Status set_size(int fd, int64_t size);
// Copies the content of one file over another; holes stay holes where lseek(2) shows them.
Status copy_content(int from, int to);
// The content of a file in ascending order, piece by piece, without the holes that lseek(2) shows.
Status each_data(int fd, const std::function<Status(std::string_view bytes, int64_t offset)>& take);

}  // namespace berth::sys
