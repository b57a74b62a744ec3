// ErofsWriter: writes a file that the kernel mounts as a read-only EROFS. Content goes out as it
// comes, and an inode after its content, so no more is held than two MiB, and the names of one
// directory:
//
//   | super | room for the root | content | inodes | content | ... | directories |
//
// Directories come last, because they tell where the inodes are. A hole in a file is a hole in the
// image (and zeros to who looks for holes in it).
//
// The same calls make the same bytes.
#pragma once

#include "base/result.h"
#include "image/digest.h"
#include "image/looks.h"
#include "sys/fd.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace berth::image {

class ErofsWriter {
 public:
  // Makes the file, which must not exist.
  static Result<ErofsWriter> create(const std::string& path);
  ErofsWriter(ErofsWriter&&) = default;

  // Where an inode is in the file.
  using InodeNumber = uint64_t;

  // Whether an inode can have these attributes.
  static Status check(const Looks& looks);

  // A regular file: begin_file(), add_content() in ascending order, end_file().
  Status begin_file(Looks looks, int64_t size);
  Status add_content(std::string_view bytes, int64_t offset);
  Result<InodeNumber> end_file();
  Result<InodeNumber> add_symlink(const Looks& looks, std::string_view target);
  // `type` is S_IFCHR, S_IFBLK, S_IFIFO or S_IFSOCK.
  Result<InodeNumber> add_node(const Looks& looks, mode_t type, dev_t device);
  // Of an inode that is there; until now it had one.
  void set_links(InodeNumber inode, uint32_t links) { links_[inode] = links; }

  struct Name {
    std::string_view name;
    InodeNumber inode;
    mode_t type;
  };
  // Directories: where each will be, then what is in each, in the same order; the root first.
  // `names` in the order of their bytes, without "." and "..".
  Result<InodeNumber> place_directory(const Looks& looks, std::vector<Name> names);
  Status write_directory(const Looks& looks, InodeNumber parent, std::vector<Name> names);

  // The last call.
  Status finish();

 private:
  // Writes that come one after the other become one.
  class Run {
   public:
    Status write(int fd, std::string_view bytes, uint64_t offset);
    Status flush(int fd);

   private:
    uint64_t begin_ = 0;
    std::string bytes_;
  };
  struct Record;
  struct File {
    Looks looks;
    std::string attributes;
    uint64_t size = 0;
    uint64_t begin = 0;      // of the content, in the image
    uint64_t in_blocks = 0;  // how much of it is there
    std::string end;         // what goes behind the inode
  };
  struct Place {
    InodeNumber inode;
    uint64_t content;  // offset
  };

  explicit ErofsWriter(sys::Fd file);
  Result<uint64_t> take_blocks(uint64_t bytes);
  Result<uint64_t> take_record(size_t size);
  Status write_record(const Record& record, uint64_t offset);
  Result<InodeNumber> add_record(const Record& record);

  sys::Fd file_;
  uint64_t end_;               // of what is taken
  uint64_t record_ = 0;        // the next inode in the blocks that were taken for some
  uint64_t records_end_ = 0;   // of these
  uint64_t records_room_ = 0;  // and how many bytes they have
  uint64_t count_ = 0;         // of the inodes
  Sha256 hash_;                // of them
  Run content_;
  Run records_;
  File file_now_;
  std::map<InodeNumber, uint32_t> links_;
  std::vector<Place> directories_;
  size_t written_ = 0;  // of the directories
};

}  // namespace berth::image
