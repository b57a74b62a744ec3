#include "http/request_reader.h"

#include <algorithm>
#include <utility>

namespace berth::http {
namespace {

constexpr std::string_view kNewLine = "\r\n";
constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr char kTlsHandshake = 0x16;  // the first byte of a client that speaks TLS

// What no method begins with is no request, and who sends it may send nothing else.
tl::expected<void, Refusal> check_first_byte(char c) {
  if (c == kTlsHandshake) return refuse(400, "this is TLS: http is spoken here, not https");
  if (c <= ' ' || c == 127) return refuse(400, "no request begins so");
  return {};
}

}  // namespace

tl::expected<std::optional<Request>, Refusal> RequestReader::next() {
  if (!head_) {
    auto begun = begin();
    if (!begun) return tl::unexpected(begun.error());
    if (!*begun) return std::nullopt;
  }
  if (!in_.empty()) body_has_begun_ = true;
  auto whole = head_->is_chunked ? take_chunks() : take_body();
  if (!whole) return tl::unexpected(whole.error());
  if (!*whole) return std::nullopt;
  Request request = std::move(head_->request);
  if (chunks_) request.body = chunks_->release();
  head_.reset();
  chunks_.reset();
  body_has_begun_ = false;
  skipped_line_ = false;
  // Connections are kept for long, and most of them for nothing.
  if (in_.empty()) in_.shrink_to_fit();
  return request;
}

std::string RequestReader::take_rest() {
  return std::exchange(in_, std::string());
}

RequestReader::Begun RequestReader::begin() {
  // Old clients send one more line behind a body (RFC 9112, 2.2).
  if (!skipped_line_ && in_.starts_with(kNewLine)) {
    skipped_line_ = true;
    in_.erase(0, kNewLine.size());
  }
  if (in_.empty() || (!skipped_line_ && in_ == "\r")) return false;
  if (auto good = check_first_byte(in_.front()); !good) return tl::unexpected(good.error());
  auto end = end_of_head();
  if (!end) return tl::unexpected(end.error());
  if (!*end) return false;
  auto head = parse_head(std::string_view(in_).substr(0, **end), body_max_);
  if (!head) return tl::unexpected(head.error());
  head_ = std::move(*head);
  if (head_->is_chunked) chunks_.emplace(body_max_);
  head_->request.body.reserve(head_->body_bytes);
  in_.erase(0, **end + kEndOfHead.size());
  scanned_ = 0;
  return true;
}

// Where the empty line begins, with the CRLF before it.
tl::expected<std::optional<size_t>, Refusal> RequestReader::end_of_head() {
  std::string_view seen = std::string_view(in_).substr(0, kHeadMax + kEndOfHead.size());
  for (size_t at = seen.find('\n', scanned_); at != std::string_view::npos;
       at = seen.find('\n', at + 1)) {
    if (at == 0 || seen[at - 1] != '\r') return refuse(400, "a line ends without CR");
    if (at >= 3 && seen.substr(at - 3, kEndOfHead.size()) == kEndOfHead) return at - 3;
  }
  scanned_ = seen.size();
  if (seen.size() < kHeadMax + kEndOfHead.size()) return std::nullopt;
  bool has_line = seen.find('\n') != std::string_view::npos;
  return has_line ? refuse(431, "the headers are too long")
                  : refuse(414, "the request line is too long");
}

RequestReader::Begun RequestReader::take_body() {
  std::string& body = head_->request.body;
  size_t taken = std::min(head_->body_bytes - body.size(), in_.size());
  body.append(in_, 0, taken);
  in_.erase(0, taken);
  return body.size() == head_->body_bytes;
}

RequestReader::Begun RequestReader::take_chunks() {
  auto taken = chunks_->take(in_);
  if (!taken) return tl::unexpected(taken.error());
  in_.erase(0, *taken);
  return chunks_->is_whole();
}

}  // namespace berth::http
