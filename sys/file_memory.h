// FileMemory: memory that the kernel may take back: a mapping of a file without a name, which it
// can write to the disk. For large areas of which little is touched at a time; what of it is
// resident is let go on demand.
//
// MappedFile: a file to be read where the page cache has it, without a copy.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace berth::sys {

class FileMemory {
 public:
  // Zeros, in a file of `directory`'s file system. The blocks are reserved: no later write finds
  // the disk full.
  static Result<FileMemory> make(const std::string& directory, size_t size);
  FileMemory(FileMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  FileMemory& operator=(FileMemory&&) = delete;
  ~FileMemory();

  void* data() const { return data_; }
  size_t size() const { return size_; }
  // Nothing of it is resident any more; the next access brings back what was written.
  Status let_go();

 private:
  FileMemory(void* data, size_t size) : data_(data), size_(size) {}
  void* data_;
  size_t size_;
};

// Of a file that nobody truncates while it is mapped (SIGBUS, see mmap(2)): one that is written
// once and replaced by rename(2).
class MappedFile {
 public:
  // kExhausted for a file larger than `size_max`.
  static Result<MappedFile> open(const std::string& path, size_t size_max);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  std::string_view bytes() const { return bytes_; }

 private:
  std::string_view bytes_;
};

}  // namespace berth::sys
