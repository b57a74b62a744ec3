#include "http/chunked_body.h"

#include "base/text.h"
#include "http/request_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace berth::http {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr int kHexadecimal = 16;
constexpr size_t kSizeDigitsMax = 16;  // of 64 bits

// The first line without its CRLF, of at most `max` bytes; nothing while it has not come.
tl::expected<std::optional<std::string_view>, Refusal> first_line(std::string_view bytes,
                                                                  size_t max, Refusal too_long) {
  std::string_view seen = bytes.substr(0, max + kLineEnd.size());
  size_t end = seen.find('\n');
  if (end == std::string_view::npos) {
    bool is_too_long = seen.size() == max + kLineEnd.size();
    return is_too_long ? tl::expected<std::optional<std::string_view>, Refusal>(
                             tl::unexpected(std::move(too_long)))
                       : std::nullopt;
  }
  if (end == 0 || seen[end - 1] != '\r') return refuse(400, "a line of the body ends without CR");
  return seen.substr(0, end - 1);
}

struct ChunkSize {
  uint64_t bytes = 0;
  size_t extension_bytes = 0;
};

tl::expected<ChunkSize, Refusal> parse_chunk_size(std::string_view line) {
  std::string_view digits = line.substr(0, line.find_first_not_of("0123456789abcdefABCDEF"));
  std::string_view rest = line.substr(digits.size());
  size_t mark = rest.find_first_not_of(" \t");
  bool has_extension = mark != std::string_view::npos && rest[mark] == ';';
  bool is_size = !digits.empty() && digits.size() <= kSizeDigitsMax &&
                 (rest.empty() || (has_extension && is_field_value(rest)));
  if (!is_size) return refuse(400, "malformed size of a chunk: " + printable(line, kShownMax));
  ChunkSize size{.bytes = 0, .extension_bytes = rest.size()};
  std::from_chars(digits.data(), digits.data() + digits.size(), size.bytes, kHexadecimal);
  return size;
}

}  // namespace

tl::expected<size_t, Refusal> ChunkedBody::take(std::string_view bytes) {
  size_t all = 0;
  while (!is_whole() && all < bytes.size()) {
    Taken taken = take_step(bytes.substr(all));
    if (!taken) return taken;
    if (*taken == 0) break;
    all += *taken;
  }
  return all;
}

ChunkedBody::Taken ChunkedBody::take_step(std::string_view bytes) {
  switch (stage_) {
    case Stage::kSize:
      return take_size(bytes);
    case Stage::kData:
      return take_data(bytes);
    case Stage::kDataEnd:
      return take_data_end(bytes);
    case Stage::kTrailers:
      return take_trailer(bytes);
    case Stage::kWhole:
      return size_t{0};
  }
  return size_t{0};
}

ChunkedBody::Taken ChunkedBody::take_size(std::string_view bytes) {
  auto line = first_line(bytes, kChunkLineMax, {400, "the line of a chunk's size is too long"});
  if (!line) return tl::unexpected(line.error());
  if (!*line) return size_t{0};
  auto size = parse_chunk_size(**line);
  if (!size) return tl::unexpected(size.error());
  extension_bytes_ += size->extension_bytes;
  if (extension_bytes_ > kChunkExtensionsMax) {
    return refuse(400,
                  fmt::format("chunk extensions: at most {} bytes are taken", kChunkExtensionsMax));
  }
  if (size->bytes > body_max_ - body_.size()) {
    return refuse(413,
                  fmt::format("the body has more than the {} bytes that are taken", body_max_));
  }
  chunk_left_ = static_cast<size_t>(size->bytes);
  stage_ = chunk_left_ == 0 ? Stage::kTrailers : Stage::kData;
  return (*line)->size() + kLineEnd.size();
}

ChunkedBody::Taken ChunkedBody::take_data(std::string_view bytes) {
  std::string_view data = bytes.substr(0, chunk_left_);
  // As a string grows by itself, but never to more than a body may have.
  size_t needed = body_.size() + data.size();
  if (needed > body_.capacity()) {
    body_.reserve(std::max(needed, std::min(2 * body_.capacity(), body_max_)));
  }
  body_ += data;
  chunk_left_ -= data.size();
  if (chunk_left_ == 0) stage_ = Stage::kDataEnd;
  return data.size();
}

ChunkedBody::Taken ChunkedBody::take_data_end(std::string_view bytes) {
  std::string_view end = bytes.substr(0, kLineEnd.size());
  if (!kLineEnd.starts_with(end)) return refuse(400, "a chunk has more data than its size says");
  if (end.size() < kLineEnd.size()) return size_t{0};
  stage_ = Stage::kSize;
  return end.size();
}

ChunkedBody::Taken ChunkedBody::take_trailer(std::string_view bytes) {
  auto line =
      first_line(bytes, kHeadMax - trailer_bytes_, {431, "the trailers of the body are too long"});
  if (!line) return tl::unexpected(line.error());
  if (!*line) return size_t{0};
  size_t taken = (*line)->size() + kLineEnd.size();
  if ((*line)->empty()) {
    stage_ = Stage::kWhole;
    return taken;
  }
  auto field = parse_field(**line);
  if (!field) return tl::unexpected(field.error());
  trailer_bytes_ = std::min(trailer_bytes_ + taken, kHeadMax);
  if (++trailers_ > kHeadersMax) return refuse(431, "too many trailers");
  return taken;
}

}  // namespace berth::http
