// What the fuzz targets share. A target is one file with LLVMFuzzerTestOneInput, which is called
// once for each input: by libFuzzer in the preset `fuzz`, by replay.cc elsewhere. It must not crash
// and must keep the promises of the header that it is about; CHECK says so.
#pragma once

#include "base/check.h"
#include "base/result.h"
#include "base/text.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace berth::fuzz {

constexpr size_t kLineMax = 8192;  // of one line, with every path and excerpt cut

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

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
