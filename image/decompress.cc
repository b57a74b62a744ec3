#include "image/decompress.h"

#include "base/text.h"
#include "image/gzip_header.h"
#include "image/zstd_memory.h"

#include <isa-l/igzip_lib.h>
// For ZSTD_createDCtx_advanced(): memory of our own. The symbol is in the shared library, too.
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include <span>
#include <string>
#include <utility>

namespace berth::image {

class Decompressor::Codec {
 public:
  virtual ~Codec() = default;
  virtual Status write(std::string_view compressed, Output& output) = 0;
  virtual Status finish() = 0;
};

namespace {

using Codec = Decompressor::Codec;
using namespace std::string_view_literals;

constexpr size_t kMagicSize = 6;  // the longest that we tell apart
constexpr std::string_view kGzipMagic = "\x1f\x8b"sv;
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd"sv;
constexpr std::string_view kBzip2Magic = "BZh91A"sv;
constexpr std::string_view kXzMagic = "\xfd\x37zXZ\0"sv;
// 128 MiB: what zstd's own tools accept by default.
constexpr int kZstdWindowLogMax = 27;

bool is_zstd(std::string_view head) {
  bool is_skippable =
      head.size() >= 4 && (head[0] & '\xf0') == '\x50' && head.substr(1, 3) == "\x2a\x4d\x18"sv;
  return head.starts_with(kZstdMagic) || is_skippable;
}

class Plain final : public Codec {
 public:
  Status write(std::string_view bytes, Output& output) override {
    while (!bytes.empty()) {
      std::span<char> room = TRY(output.room());
      size_t size = bytes.copy(room.data(), room.size());
      TRY(output.commit(size));
      bytes.remove_prefix(size);
    }
    return {};
  }
  Status finish() override { return {}; }
};

// ISA-L inflates one member after the other; between members we look for the next one's magic.
// Headers we read ourselves: see gzip_header.h.
class Gzip final : public Codec {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): begin_member() sets up the 80 KiB
  Gzip() { begin_member(); }

  Status write(std::string_view bytes, Output& output) override {
    while (!bytes.empty()) {
      if (place_ == Place::kAfterLast) return {};
      if (place_ == Place::kBetween) {
        look_for_member(bytes);
      } else if (place_ == Place::kInHeader) {
        auto is_read = header_.take(bytes);
        if (!is_read) return wrap(std::move(is_read).error(), "gzip");
        if (*is_read) place_ = Place::kInMember;
      } else {
        bytes = TRY(inflate(bytes, output));
      }
    }
    return {};
  }

  Status finish() override {
    if (place_ == Place::kInMember || place_ == Place::kInHeader) {
      return fail(Errc::kCorrupt, "the gzip stream is cut short");
    }
    return {};
  }

 private:
  enum class Place { kInHeader, kInMember, kBetween, kAfterLast };

  void begin_member() {
    isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP_NO_HDR_VER;
    header_ = {};
    place_ = Place::kInHeader;
  }

  // Consumes the magic of the next member, one byte at a time as chunks may cut it.
  void look_for_member(std::string_view& bytes) {
    if (bytes[0] != kGzipMagic[matched_]) {
      place_ = Place::kAfterLast;
      return;
    }
    bytes.remove_prefix(1);
    if (++matched_ < kGzipMagic.size()) return;
    matched_ = 0;
    begin_member();
    std::string_view magic = kGzipMagic;  // that we have eaten
    (void)header_.take(magic);            // two good bytes cannot fail
  }

  // The rest of `bytes` after the end of the member.
  Result<std::string_view> inflate(std::string_view bytes, Output& output) {
    // ISA-L's interface is not const, but it only reads.
    state_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(bytes.data()));
    state_.avail_in = static_cast<uint32_t>(bytes.size());
    do {
      std::span<char> room = TRY(output.room());
      state_.next_out = reinterpret_cast<uint8_t*>(room.data());
      state_.avail_out = static_cast<uint32_t>(room.size());
      int status = isal_inflate(&state_);
      if (status != ISAL_DECOMP_OK && status != ISAL_END_INPUT) {
        return fail(Errc::kCorrupt, "gzip: {}", reason(status));
      }
      size_t made = room.size() - state_.avail_out;
      if (made > 0) TRY(output.commit(made));
      if (state_.block_state == ISAL_BLOCK_FINISH) {
        place_ = Place::kBetween;
        break;
      }
    } while (state_.avail_in > 0 || state_.avail_out == 0);
    return bytes.substr(bytes.size() - state_.avail_in);
  }

  static const char* reason(int status) {
    switch (status) {
      case ISAL_INVALID_BLOCK:
        return "invalid deflate block";
      case ISAL_INVALID_SYMBOL:
        return "invalid deflate symbol";
      case ISAL_INVALID_LOOKBACK:
        return "distance too far back";
      case ISAL_INVALID_WRAPPER:
        return "invalid header";
      case ISAL_UNSUPPORTED_METHOD:
        return "unknown compression method";
      case ISAL_INCORRECT_CHECKSUM:
        return "wrong checksum";
      default:
        return "invalid stream";
    }
  }

  inflate_state state_;
  Place place_ = Place::kInHeader;
  GzipHeader header_;
  size_t matched_ = 0;
};

class Zstd final : public Codec {
 public:
  explicit Zstd(std::string window_directory)
      : memory_(std::move(window_directory)),
        stream_(ZSTD_createDCtx_advanced({ZstdMemory::allocate, ZstdMemory::release, &memory_})) {
    (void)ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  ~Zstd() override { ZSTD_freeDCtx(stream_); }

  Status write(std::string_view bytes, Output& output) override {
    ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer out{};
    do {
      std::span<char> room = TRY(output.room());
      out = {room.data(), room.size(), 0};
      hint_ = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(hint_) != 0) {
        return fail(Errc::kCorrupt, "zstd: {}", to_lower(ZSTD_getErrorName(hint_)));
      }
      if (out.pos > 0) TRY(output.commit(out.pos));
      TRY(memory_.made(out.pos));
    } while (in.pos < in.size || out.pos == out.size);
    return {};
  }

  Status finish() override {
    if (hint_ != 0) return fail(Errc::kCorrupt, "the zstd stream is cut short");
    return {};
  }

 private:
  ZstdMemory memory_;
  ZSTD_DCtx* stream_;
  size_t hint_ = 1;  // 0 when a frame has just ended
};

}  // namespace

Decompressor::Decompressor(DecompressLimits limits, Output& output) : meter_(limits, output) {}
Decompressor::~Decompressor() = default;

Status Decompressor::start() {
  if (head_.starts_with(kGzipMagic)) {
    codec_ = std::make_unique<Gzip>();
  } else if (is_zstd(head_)) {
    codec_ = std::make_unique<Zstd>(std::string(meter_.limits().window_directory));
  } else if (head_.starts_with(kXzMagic) || head_.starts_with(kBzip2Magic)) {
    return fail(Errc::kUnsupported,
                "the layer is compressed with xz or bzip2; OCI knows gzip "
                "and zstd");
  } else {
    codec_ = std::make_unique<Plain>();
  }
  return {};
}

Status Decompressor::Meter::commit(size_t size) {
  plain += size;
  if (plain > limits_.plain_max) {
    return fail(Errc::kExhausted, "the layer unpacks to more than {}",
                format_bytes(limits_.plain_max));
  }
  if (plain > limits_.ratio_free_bytes && plain / limits_.ratio_max > compressed) {
    return fail(Errc::kExhausted, "the layer unpacks to more than {} times its size (a bomb?)",
                limits_.ratio_max);
  }
  return output_.commit(size);
}

Status Decompressor::write(std::string_view compressed) {
  meter_.compressed += compressed.size();
  if (codec_ != nullptr) return decode(compressed);
  head_ += compressed;
  if (head_.size() < kMagicSize) return {};
  TRY(start());
  return decode(std::exchange(head_, {}));
}

Status Decompressor::decode(std::string_view compressed) {
  auto written = codec_->write(compressed, meter_);
  if (!written && written.error().code == Errc::kCorrupt) {
    return wrap(std::move(written).error(), "at byte {} of the blob or before", meter_.compressed);
  }
  return written;
}

Status Decompressor::finish() {
  if (codec_ == nullptr) {
    TRY(start());
    TRY(codec_->write(head_, meter_));
  }
  return codec_->finish();
}

}  // namespace berth::image
