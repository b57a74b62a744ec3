#include "image/zstd_memory.h"

#include "base/log.h"

#include <cstdlib>

namespace berth::image {
namespace {

// What may be resident of a window in a file, beside what is looked back to.
constexpr size_t kLetGoEvery = size_t{4} << 20;

}  // namespace

void* ZstdMemory::allocate(void* self, size_t size) {
  auto* memory = static_cast<ZstdMemory*>(self);
  if (size <= kHeapWindowMax || memory->directory_.empty()) return std::malloc(size);
  auto made = sys::FileMemory::make(memory->directory_, size);
  if (!made) {  // a file system without nameless files, or a full one: then it costs memory
    LOG(kInfo, "a large zstd window is kept in memory", {{"reason", made.error().text}});
    return std::malloc(size);
  }
  return memory->in_files_.emplace_back(std::move(*made)).data();
}

void ZstdMemory::release(void* self, void* address) {
  auto* memory = static_cast<ZstdMemory*>(self);
  auto is_it = [address](const sys::FileMemory& each) { return each.data() == address; };
  if (memory->in_files_.remove_if(is_it) == 0) std::free(address);
}

Status ZstdMemory::made(size_t size) {
  made_ += size;
  if (made_ < kLetGoEvery) return {};
  made_ = 0;
  for (sys::FileMemory& window : in_files_) TRY(window.let_go());
  return {};
}

}  // namespace berth::image
