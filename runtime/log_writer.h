// LogWriter: a container's output as Docker's json-file log, one JSON object a line:
//   {"log":"text\n","stream":"stdout","time":"2026-11-22T20:56:41.123456789Z"}
// A line longer than kLogLineMax is written in pieces, all but the last without "\n", as Docker
// does. Bytes that are not UTF-8 become U+FFFD.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "sys/fd.h"

#include <array>
#include <string>
#include <string_view>

namespace berth::runtime {

constexpr size_t kLogLineMax = 16 * 1024;

enum class LogStream { kStdout, kStderr };

class LogWriter {
 public:
  // Appends to `path`, making it if needed.
  static Result<LogWriter> open(const std::string& path);

  // Takes what was read from a stream; whole lines go to the file at once.
  Status write(LogStream stream, std::string_view bytes, WallTime now);
  // Writes what is left of an unfinished line.
  Status finish(LogStream stream, WallTime now);

 private:
  explicit LogWriter(sys::Fd fd) : fd_(std::move(fd)) {}

  sys::Fd fd_;
  std::array<std::string, 2> pending_;  // by LogStream
};

}  // namespace berth::runtime
