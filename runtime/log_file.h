// LogFile: a file that lines are appended to, and that is rotated.
//
//   web.log        the current one
//   web.log.8      the one before it; the numbers count up, so that a name means the same lines for
//                  ever and rotation is one rename(2)
//   web.log.7.gz   older ones, compressed when that is asked for
//
// A line is never split over two files. One that a full disk or a death cut in its middle is ended,
// at the latest, where the next one begins: readers skip it.
#pragma once

#include "base/result.h"
#include "runtime/log_plan.h"
#include "sys/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::runtime {

struct RotatedLog {
  uint64_t number = 0;
  bool compressed = false;
};
// Of the file `name` beside the current file `base` ("web.log"); nothing when it is none.
std::optional<RotatedLog> parse_rotated_log(std::string_view name, std::string_view base);
std::string name_of_rotated(const std::string& base, RotatedLog rotated);

class LogFile {
 public:
  // Appends to what is there, making it if needed.
  static Result<LogFile> open(const LogFilePlan& plan);

  // Takes whole lines.
  void put(std::string_view lines) { pending_ += lines; }
  // Writes what was put, and rotates where it must. On error what was not written is kept.
  Status flush();
  // Forgets what was put and could not be written; the rest of a line that is half written stays.
  void drop();

 private:
  explicit LogFile(LogFilePlan plan) : plan_(std::move(plan)) {}

  Status open_current();
  size_t fitting() const;
  void note_written(size_t size);
  Status rotate();
  // Compresses and removes what is over.
  void tidy() const;
  Status tidy_one(const RotatedLog& rotated, uint64_t oldest_kept) const;

  LogFilePlan plan_;
  sys::Fd fd_;  // empty after a rotation that failed half-way
  uint64_t size_ = 0;
  uint64_t newest_ = 0;  // number of the last rotated file, 0 when there was none
  std::string pending_;
  size_t begun_ = 0;  // bytes of pending_ that end the line at the end of the file
};

}  // namespace berth::runtime
