// What a container prints, as lines: a line longer than the limit comes in pieces, all but the last
// without "\n". A character is never split, and the streams never mix within a line.
#pragma once

#include "base/env.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

constexpr size_t kLogLineMax = 16 * 1024;  // of a piece, as Docker's
constexpr size_t kLogLineMin = 16;         // several characters

enum class LogStream : uint8_t { kStdout, kStderr };
const char* name_of(LogStream stream);

struct LogEntry {
  LogStream stream = LogStream::kStdout;
  std::string text;  // a line with its "\n", or a piece of one
  WallTime time;     // of the read that ended it
};

class LineSplitter {
 public:
  // At least kLogLineMin.
  explicit LineSplitter(size_t piece_max) : piece_max_(piece_max) {}

  // Takes what was read from a stream and gives the lines that are whole now.
  std::vector<LogEntry> take(LogStream stream, std::string_view bytes, WallTime now);
  // What is left of an unfinished line.
  std::optional<LogEntry> finish(LogStream stream, WallTime now);

 private:
  size_t piece_of(std::string_view text) const;

  size_t piece_max_;
  std::array<std::string, 2> pending_;  // by LogStream
};

}  // namespace berth::runtime
