// FileWriter: makes the regular files of one layer, the small ones in batches, by whoever is free:
//
//   reader of the archive    add, add, add | batch is full
//                                          |  few wait:  handed over -> helper: makes them, in
//                                          order |  else:      makes them itself
//   before it looks at a name that waits:  settle()
//
// So a layer of many small files keeps two processors busy, and its order in the archive does not
// matter to whoever looks at the tree, because nobody looks at what is not there yet. A helper is
// started with the first batch that is full: small layers need none.
#pragma once

#include "base/result.h"
#include "image/looks.h"
#include "image/medium.h"
#include "sys/fd.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace berth::image {

// Larger files are written as they are read; see create_file().
constexpr int64_t kSmallFileMax = 64 * 1024;
constexpr size_t kBatchFilesMax = 32;       // each keeps a directory open
constexpr size_t kBatchBytes = 128 * 1024;  // a batch with that much is full
constexpr size_t kWaitingBatchesMax = 1;    // besides the one that the helper works on

// A directory of DiskMedium.
class DiskDirectory final : public Medium::Directory {
 public:
  explicit DiskDirectory(sys::Fd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }

 private:
  sys::Fd fd_;
};
inline int fd_of(const Medium::DirectoryRef& directory) {
  return static_cast<const DiskDirectory&>(*directory).fd();
}

// The steps by themselves. An existing file, link or device makes way; a directory is an error.
Result<sys::Fd> create_file(const Medium::NewFile& file);
// Hole at the end, owner, attributes, mode and times; `end` is where the content ended.
Status finish_file(const Medium::NewFile& file, int fd, int64_t end, Dresser& dresser);

class FileWriter {
 public:
  FileWriter() = default;
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  // Waits for the helper, which makes nothing more.
  ~FileWriter();

  // A small file: begin(), add_content() in ascending order, commit(). After an error, of this file
  // or of one before, settle() tells which and why.
  void begin(Medium::NewFile file);
  void add_content(std::string_view bytes, int64_t offset);
  Status commit();

  // Whether the file `path` has yet to be made; of another one it may say so, too, once in a
  // lifetime.
  bool is_waiting(const std::string& path) const;
  // Makes all files so far; gives the error of the first that could not be made, named.
  Status settle();

  Dresser& dresser() { return dresser_; }

 private:
  struct Piece {
    int64_t offset;
    size_t begin;  // in the batch's content
    size_t length;
  };
  struct Item {
    Medium::NewFile file;  // which keeps the directory open that the tree may have forgotten
    size_t path;           // hashed
    std::vector<Piece> pieces;
  };
  struct Batch {
    std::vector<Item> items;
    std::string content;
    void clear() {
      items.clear();
      content.clear();
    }
  };

  Result<bool> hand_over();
  Status make_own();
  Status wait();
  Status make_all(const Batch& batch);
  Status make(const Batch& batch, const Item& item);
  void help();

  Dresser dresser_;
  Batch batch_;
  // Hashed paths of batches that were handed over, and their number; some are made by now.
  std::unordered_map<size_t, uint64_t> handed_;
  uint64_t begun_ = 0;              // batches that were handed over
  std::atomic<uint64_t> made_ = 0;  // of those; changed under the mutex
  std::thread helper_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<Batch> waiting_;
  Batch spare_;  // the memory of an earlier one
  bool is_closed_ = false;
  Status status_;  // the first failure
};

}  // namespace berth::image
