// LogTail: reads one log from its first line, through rotations, while it grows.
//
// Rotated files have numbers that count up (runtime/log_file.h), so a reader knows which one comes
// next whatever was rotated, compressed or removed while it was reading. Nothing is read twice, and
// lines are missed only when whole files were removed before they were read: that is told.
#pragma once

#include "base/result.h"
#include "logs/log_record.h"
#include "sys/fd.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace berth::agent {

using logs::LogRecord;
using logs::parse_log_record;

class LogTail {
 public:
  using Sink = std::function<void(const LogRecord& record)>;

  // `base` is the name of the current file in `directory`, which is held on to: it may be moved.
  // Neither file need exist yet.
  static Result<LogTail> open(const std::string& directory, const std::string& base, Sink sink);

  // Reads to the end of what is there now.
  void read_more();

 private:
  LogTail(sys::Fd directory, std::string base, Sink sink)
      : directory_(std::move(directory)), base_(std::move(base)), sink_(std::move(sink)) {}

  // The number of the oldest rotated file that is not read yet.
  std::optional<uint64_t> next_rotated() const;
  void read_rotated(uint64_t number);
  bool open_current();
  bool is_current() const;
  void read_open_file();
  void take(std::string_view bytes);
  void take_line(std::string_view line);
  void end_file();

  sys::Fd directory_;
  std::string base_;
  Sink sink_;
  sys::Fd fd_;           // of the current file, as it was when it was opened
  uint64_t next_ = 1;    // the number that the file in hand has, or will get when it is rotated
  std::string pending_;  // bytes after the last newline
};

}  // namespace berth::agent
