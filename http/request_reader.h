// RequestReader: requests out of the bytes of a connection, as they come (RFC 9112). Pure.
//
//   add() > next(): nothing yet > add() > next(): a request > next(): the one behind it ...
//
// Its own reader rather than a library's, because what it must know is small: a head, and a body of
// a length that is told before it or as it goes. Everything else is refused with the status that
// says so, as soon as it is seen. However the bytes are cut, the requests and refusals are the
// same: a head that comes in pieces is searched for its end once and parsed when it is whole, and a
// body is held once.
#pragma once

#include "http/chunked_body.h"
#include "http/message.h"
#include "http/request_head.h"

#include <tl/expected.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace berth::http {

class RequestReader {
 public:
  // `body_max`: bytes of a request's body.
  explicit RequestReader(size_t body_max) : body_max_(body_max) {}

  void add(std::string_view bytes) { in_ += bytes; }
  // The next request, once it is whole. A refusal is the last word: the connection cannot go on.
  tl::expected<std::optional<Request>, Refusal> next();

  // Nothing of the next request has come.
  bool is_between() const { return !head_ && in_.empty(); }
  // Whether whoever sends the request keeps the body back until it is asked for ("Expect:
  // 100-continue").
  bool awaits_continue() const { return head_ && head_->is_continued && !body_has_begun_; }
  // What came behind the last request, where the connection is to be another protocol's.
  std::string take_rest();

 private:
  using Begun = tl::expected<bool, Refusal>;

  Begun begin();
  tl::expected<std::optional<size_t>, Refusal> end_of_head();
  Begun take_body();
  Begun take_chunks();

  size_t body_max_;
  std::string in_;             // what has come and is not taken
  size_t scanned_ = 0;         // of it, in search of the end of the head
  bool skipped_line_ = false;  // an empty one in front of this request
  std::optional<Head> head_;   // of the request whose body is awaited
  std::optional<ChunkedBody> chunks_;
  bool body_has_begun_ = false;
};

// The answer to who awaits it.
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace berth::http
