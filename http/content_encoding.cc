#include "http/content_encoding.h"

#include "base/text.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>

namespace berth::http {
namespace {

constexpr int kGzipOnly = 15 + 16;  // 15 bits of window, and gzip's header instead of zlib's
constexpr size_t kStepBytes = 64 * 1024;
constexpr int kBadRequest = 400;
constexpr int kTooLarge = 413;
constexpr int kUnsupportedType = 415;

class Inflater {
 public:
  Inflater() { is_ready_ = inflateInit2(&stream_, kGzipOnly) == Z_OK; }
  ~Inflater() {
    if (is_ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  tl::expected<std::string, Refusal> unpack(const std::string& packed, size_t body_max) {
    if (!is_ready_) return tl::unexpected(Refusal{500, "no memory to unpack the body"});
    // zlib's interface is not const, and does not write there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
    std::string body;
    for (;;) {
      size_t before = body.size();
      size_t room = std::min(kStepBytes, body_max + 1 - before);
      body.resize(before + room);
      stream_.next_out = reinterpret_cast<Bytef*>(body.data() + before);
      stream_.avail_out = static_cast<uInt>(room);
      int status = inflate(&stream_, Z_NO_FLUSH);
      body.resize(before + room - stream_.avail_out);
      if (body.size() > body_max) {
        return tl::unexpected(
            Refusal{kTooLarge,
                    fmt::format("the body has more than {} bytes when it is unpacked", body_max)});
      }
      if (status == Z_STREAM_END && stream_.avail_in == 0) return body;
      bool goes_on = status == Z_OK && (stream_.avail_in > 0 || body.size() > before);
      if (!goes_on) return tl::unexpected(Refusal{kBadRequest, "the body is no whole gzip"});
    }
  }

 private:
  z_stream stream_{};
  bool is_ready_ = false;
};

}  // namespace

tl::expected<std::string, Refusal> decoded_body(const Request& request, size_t body_max) {
  std::string encoding = to_lower(trim(request.header("content-encoding")));
  if (encoding.empty() || encoding == "identity") return request.body;
  if (encoding == "gzip" || encoding == "x-gzip") return Inflater().unpack(request.body, body_max);
  // Of S3, which berth has not; what it takes of other services is signed as a whole or not at all.
  if (encoding.starts_with("aws-chunked")) {
    return tl::unexpected(Refusal{kUnsupportedType,
                                  "Content-Encoding: aws-chunked: bodies that are signed chunk by "
                                  "chunk are not taken here, sign the whole"});
  }
  return tl::unexpected(
      Refusal{kUnsupportedType,
              fmt::format("Content-Encoding: {}: this is not gzip", printable(encoding, 100))});
}

}  // namespace berth::http
