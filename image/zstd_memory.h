// ZstdMemory: where a zstd decoder keeps its window. A frame may ask for 128 MiB of what it has
// made to look back into; that much lies in a file of the store, of which only the part just used
// is resident, so that a layer costs no more memory than others. Small ones are on the heap.
#pragma once

#include "sys/file_memory.h"

#include <cstddef>
#include <list>
#include <string>

namespace berth::image {

// The largest that stays on the heap: that of zstd -19, 8 MiB, and zstd's own buffers.
constexpr size_t kHeapWindowMax = size_t{12} << 20;

class ZstdMemory {
 public:
  // Without a directory all is on the heap.
  explicit ZstdMemory(std::string directory) : directory_(std::move(directory)) {}
  ZstdMemory(const ZstdMemory&) = delete;
  ZstdMemory& operator=(const ZstdMemory&) = delete;

  // The functions of a ZSTD_customMem whose opaque is this.
  static void* allocate(void* self, size_t size);
  static void release(void* self, void* address);

  // After so many more bytes were made: lets go of what lies in files, every now and then.
  Status made(size_t size);

 private:
  std::string directory_;
  std::list<sys::FileMemory> in_files_;
  size_t made_ = 0;  // since it was let go
};

}  // namespace berth::image
