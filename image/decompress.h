// From the bytes of a layer blob to the plain tar stream, as they come. The magic decides, not the
// media type (as containerd): gzip (several members; zeros or garbage after the last are ignored),
// zstd (several frames, skippable frames), anything else is taken for plain.
#pragma once

#include "base/result.h"
#include "image/stream.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace berth::image {

struct DecompressLimits {
  uint64_t plain_max;         // bytes
  uint64_t ratio_max;         // plain : compressed
  uint64_t ratio_free_bytes;  // plain bytes before the ratio counts
  // Where a large zstd window may be kept, see zstd_memory.h. Empty: nowhere but in memory.
  std::string_view window_directory = {};
};

class Decompressor {
 public:
  // `output` is borrowed.
  Decompressor(DecompressLimits limits, Output& output);
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor();

  // Errors: kCorrupt with the offset in the compressed stream, kExhausted for a bomb, the output's.
  Status write(std::string_view compressed);
  // kCorrupt when the stream is cut short.
  Status finish();

  uint64_t plain_bytes() const { return meter_.plain; }

  // One compression format.
  class Codec;

 private:
  Status start();
  Status decode(std::string_view compressed);

  // Counts what goes to the output, within the limits.
  class Meter final : public Output {
   public:
    Meter(DecompressLimits limits, Output& output) : limits_(limits), output_(output) {}
    Result<std::span<char>> room() override { return output_.room(); }
    Status commit(size_t size) override;
    const DecompressLimits& limits() const { return limits_; }

    uint64_t compressed = 0;
    uint64_t plain = 0;

   private:
    DecompressLimits limits_;
    Output& output_;
  };

  Meter meter_;
  std::string head_;  // until the format is known
  std::unique_ptr<Codec> codec_;
};

}  // namespace berth::image
