// Values of HTTP headers, and the times of registries, from text. Pure; what is malformed is
// nothing.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::image {

// "bytes 100-199/200"; a length of "*" is unknown.
struct ContentRange {
  uint64_t first = 0;
  uint64_t last = 0;
  std::optional<uint64_t> length;
};
std::optional<ContentRange> parse_content_range(std::string_view text);

// The three forms of RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", RFC 850's and
// asctime's.
std::optional<WallTime> parse_http_date(std::string_view text);

// "2026-11-25T22:38:00.5Z", "2026-11-25T23:38:00+01:00".
std::optional<WallTime> parse_rfc3339(std::string_view text);

// Retry-After, seconds or a date; `now` is what the server takes for now. Never negative.
std::optional<Duration> parse_retry_after(std::string_view text, WallTime now);

// The target of the link with rel="next", RFC 8288.
std::optional<std::string> parse_next_link(std::string_view text);

}  // namespace berth::image
