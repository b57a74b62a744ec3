// Medium: what a layer is unpacked to, a directory on a disk (image/disk_medium.h) or one file that
// the kernel mounts (image/erofs_medium.h). LayerTree and the unpacker know what has to be done to
// a file tree; a medium does it.
#pragma once

#include "base/result.h"
#include "image/looks.h"
#include "sys/tree.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace berth::image {

class Medium {
 public:
  // A directory of the tree that is open. It stays where it is for as long as somebody holds it.
  class Directory {
   public:
    Directory() = default;
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    virtual ~Directory() = default;
  };
  using DirectoryRef = std::shared_ptr<const Directory>;
  // A name in a directory; "" is the directory itself. Nothing here follows a symlink.
  struct Entry {
    const DirectoryRef& directory;
    const std::string& name;
  };
  struct NewFile {
    DirectoryRef directory;
    std::string name;
    Looks looks;
    int64_t size = 0;   // which the content may not reach: the rest is a hole
    std::string entry;  // its name in the archive, for errors that come later
    std::string path;   // where it stands
  };

  Medium() = default;
  Medium(const Medium&) = delete;
  Medium& operator=(const Medium&) = delete;
  virtual ~Medium() = default;

  virtual DirectoryRef root() = 0;
  // Errors of errno ENOENT, ELOOP (a symlink) and ENOTDIR (something else) say what is there.
  virtual Result<DirectoryRef> open_directory(const Entry& entry) = 0;
  // Its type (S_IFMT); nothing when there is no such name.
  virtual Result<std::optional<mode_t>> type_of(const Entry& entry) = 0;
  virtual Result<std::string> read_link(const Entry& entry) = 0;

  // Of errno EEXIST when something has the name.
  virtual Status make_directory(const Entry& entry, mode_t mode) = 0;
  virtual Status make_symlink(const Entry& entry, const std::string& target) = 0;
  virtual Status make_node(const Entry& entry, mode_t mode, dev_t device) = 0;
  virtual Status link(const Entry& from, const Entry& to) = 0;
  // With all that is in it. A missing one is success.
  virtual Status remove(const Entry& entry) = 0;
  // False when it is not empty.
  virtual Result<bool> remove_empty_directory(const Entry& entry) = 0;

  // Owner, mode, and attributes beside those that it has, of anything but a regular file. Not the
  // times: they come after the content.
  virtual Status dress(const Entry& entry, const Looks& looks) = 0;
  virtual Status set_times(const Entry& entry, const sys::Times& times) = 0;
  // But for overlayfs' own.
  virtual Status remove_attributes(const Entry& entry) = 0;
  virtual Status mark_opaque(const Entry& directory) = 0;

  // A regular file: begin_file(), add_content() in ascending order, commit_file(). What has its
  // name makes way, unless it is a directory. It may be made later: see is_waiting().
  virtual Status begin_file(NewFile file) = 0;
  virtual Status add_content(std::string_view bytes, int64_t offset) = 0;
  virtual Status commit_file() = 0;
  // Whether the file `path` has yet to be made; of another one it may say so, too.
  virtual bool is_waiting(const std::string& path) const = 0;
  // Makes all files so far; gives the error of the first that could not be made, named.
  virtual Status settle() = 0;

  // After the last entry.
  virtual Status finish() = 0;
};

}  // namespace berth::image
