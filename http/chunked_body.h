// ChunkedBody: the body of a request that says its length as it goes (RFC 9112, section 7.1), taken
// as its bytes come. Pure.
//
//   SIZE [; extension] CRLF  data CRLF      as often as the client likes
//   0 [; extension] CRLF  [trailer CRLF]... CRLF
//
// Extensions and trailers are read, bounded and forgotten: nobody here knows any, and a trailer
// that were taken for a header would say what its signature does not. Each line ends with CRLF:
// what ends with LF alone has been read in two ways by two servers.
#pragma once

#include "http/message.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace berth::http {

constexpr size_t kChunkLineMax = 1024;             // the size of a chunk and its extensions
constexpr size_t kChunkExtensionsMax = 16 * 1024;  // of all chunks of a body

class ChunkedBody {
 public:
  // `body_max`: bytes of data, of all chunks.
  explicit ChunkedBody(size_t body_max) : body_max_(body_max) {}

  // Takes what it can of the bytes that follow those it has taken: how many. The others are to be
  // given again, with more. A refusal is its last word. However the bytes are cut, the outcome is
  // the same.
  tl::expected<size_t, Refusal> take(std::string_view bytes);

  // The trailers have ended.
  bool is_whole() const { return stage_ == Stage::kWhole; }
  std::string release() { return std::move(body_); }

 private:
  enum class Stage { kSize, kData, kDataEnd, kTrailers, kWhole };
  using Taken = tl::expected<size_t, Refusal>;

  Taken take_step(std::string_view bytes);
  Taken take_size(std::string_view bytes);
  Taken take_data(std::string_view bytes);
  Taken take_data_end(std::string_view bytes);
  Taken take_trailer(std::string_view bytes);

  size_t body_max_;
  Stage stage_ = Stage::kSize;
  std::string body_;
  size_t chunk_left_ = 0;  // bytes of its data that have not come
  size_t extension_bytes_ = 0;
  size_t trailer_bytes_ = 0;
  size_t trailers_ = 0;
};

}  // namespace berth::http
