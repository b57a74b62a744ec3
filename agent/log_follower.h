// LogFollower: reads the log files of a task's containers while they grow.
//
// The shim writes one file per container in Docker's json-file format, one JSON object a line:
//   {"log":"text\n","stream":"stdout","time":"2026-11-22T20:56:41.123456789Z"}
// A record whose text has no newline at its end is a piece of a longer line.
#pragma once

#include "base/result.h"
#include "sys/inotify.h"
#include "sys/loop.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::agent {

struct LogRecord {
  std::string text;
  std::string stream;  // "stdout" or "stderr"
  std::string time;    // RFC 3339
};

// One line of a json-file log. kCorrupt when it is none.
Result<LogRecord> parse_log_record(std::string_view line);

class LogFollower {
 public:
  using Sink = std::function<void(const std::string& container, const LogRecord& record)>;

  // Follows `directory`/<container>.log for each of `containers`, from their beginning; files that
  // do not exist yet are picked up when they appear. Records go to `sink` on the loop's thread.
  static Result<std::unique_ptr<LogFollower>> start(sys::Loop& loop, const std::string& directory,
                                                    const std::vector<std::string>& containers,
                                                    Sink sink);
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;
  ~LogFollower();

  // Reads every file to its end, now. After the writer has finished, nothing is missing.
  void drain();

 private:
  struct File {
    sys::Fd fd;           // empty until the file exists
    std::string pending;  // bytes after the last newline
  };

  LogFollower(sys::Loop& loop, std::string directory, Sink sink, sys::DirectoryWatch watch);
  void read_more(const std::string& container, File& file);

  sys::Loop& loop_;
  std::string directory_;
  Sink sink_;
  sys::DirectoryWatch watch_;
  std::map<std::string, File> files_;
};

}  // namespace berth::agent
