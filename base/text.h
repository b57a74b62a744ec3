// Small pure functions over text.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

// Splits at every `separator`; empty pieces are kept; "" gives one empty piece.
std::vector<std::string> split(std::string_view text, char separator);

// Pieces joined with `separator` between.
std::string join(const std::vector<std::string>& pieces, std::string_view separator);

// Without white space (space, tab, CR, LF) at both ends.
std::string_view trim(std::string_view text);

// ASCII only, on purpose: protocol words are ASCII.
std::string to_lower(std::string_view text);

// A whole decimal number without sign, white space or leading '+'; nothing else. Nothing on
// overflow.
std::optional<uint64_t> parse_u64(std::string_view text);

// A whole decimal number with an optional '-'.
std::optional<int64_t> parse_i64(std::string_view text);

// Lower-case hexadecimal of the bytes.
std::string to_hex(std::string_view bytes);

// "12.3 MiB": for people.
std::string format_bytes(uint64_t bytes);

// The text as it may be shown on a terminal or in one log line: control characters and invalid
// UTF-8 become \xNN; at most `max` bytes, then "...".
std::string printable(std::string_view text, size_t max);

}  // namespace berth
