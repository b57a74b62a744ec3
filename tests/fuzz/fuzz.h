// What the fuzz targets share: what can be said of every error.
#pragma once

#include "base/check.h"
#include "base/result.h"
#include "base/text.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace berth::fuzz {

constexpr size_t kLineMax = 8192;  // of one line, with every path and excerpt cut

// What a terminal can show as one line, whatever bytes it is about.
inline void check_line(std::string_view line) {
  CHECK(!line.empty());
  CHECK(line.size() <= kLineMax);
  for (char c : line) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

inline void check_error(const Error& error) {
  check_line(error.text);
}

// Of a task definition: all that is wrong, one line each.
inline void check_findings(const Error& error) {
  for (const std::string& line : split(error.text, '\n')) check_line(line);
}

// True when there is a value; else the error is checked.
template <class T>
bool check_result(const Result<T>& result) {
  if (!result) check_error(result.error());
  return result.has_value();
}

}  // namespace berth::fuzz
