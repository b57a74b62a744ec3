// The head of a request as a value: request line, headers, and how its body is framed. RFC 9112,
// sections 2 to 6. Pure.
//
// What two servers could read in two ways is refused, so that nobody in front of us and we ever see
// different requests in the same bytes.
#pragma once

#include "http/message.h"

#include <tl/expected.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::http {

struct Head {
  Request request;            // without its body
  bool is_chunked = false;    // the body is: Transfer-Encoding
  size_t body_bytes = 0;      // otherwise; Content-Length
  bool is_continued = false;  // who sends it may keep the body back until it is asked for
};

// `text`: the lines without the empty one, each but the last with its CRLF. `body_max`: bytes of
// the body that are taken.
tl::expected<Head, Refusal> parse_head(std::string_view text, size_t body_max);

struct Field {
  std::string name;  // in lower case
  std::string value;
};

// One line of headers or trailers, without its CRLF.
tl::expected<Field, Refusal> parse_field(std::string_view line);

// Whether there is nothing in it that no header value may have: control characters, but for tabs.
bool is_field_value(std::string_view text);

tl::unexpected<Refusal> refuse(int status, std::string text);

constexpr size_t kShownMax = 60;  // bytes of what is quoted in a refusal

}  // namespace berth::http
