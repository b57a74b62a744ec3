// From the bytes of a layer blob to the plain tar stream, as they come. The magic decides, not the
// media type (as containerd): gzip (several members; zeros or garbage after the last are ignored),
// zstd (several frames, skippable frames), anything else is taken for plain.
#pragma once

#include "base/result.h"
#include "image/stream.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace berth::image {

struct DecompressLimits {
  uint64_t plain_max;         // bytes
  uint64_t ratio_max;         // plain : compressed
  uint64_t ratio_free_bytes;  // plain bytes before the ratio counts
};

class Decompressor {
 public:
  Decompressor(DecompressLimits limits, Sink sink);
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor();

  // Errors: kCorrupt with the offset in the compressed stream, kExhausted for a bomb, the sink's.
  Status write(std::string_view compressed);
  // kCorrupt when the stream is cut short.
  Status finish();

  uint64_t plain_bytes() const { return plain_; }

  // One compression format.
  class Codec;

 private:
  Status start();
  Status emit(std::string_view plain);

  DecompressLimits limits_;
  Sink sink_;
  std::string head_;  // until the format is known
  std::unique_ptr<Codec> codec_;
  uint64_t compressed_ = 0;
  uint64_t plain_ = 0;
};

}  // namespace berth::image
