// LogFollower: reads the logs of a task's containers while they grow.
#pragma once

#include "agent/log_tail.h"
#include "base/result.h"
#include "sys/inotify.h"
#include "sys/loop.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace berth::agent {

// Where the log of a container is: the path of the current file. One whose task has gone may have
// left streams in several log groups (tools/kept_logs.h).
using LogPaths = std::multimap<std::string, std::string>;

class LogFollower {
 public:
  using Sink = std::function<void(const std::string& container, const LogRecord& record)>;

  // Follows the logs from their beginning. Their directories exist; files that do not are picked up
  // when they appear. Records go to `sink` on the loop's thread.
  static Result<std::unique_ptr<LogFollower>> start(sys::Loop& loop, const LogPaths& logs,
                                                    const Sink& sink);
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;
  ~LogFollower();

  // Reads every log to its end, now. After the writer has finished, nothing is missing.
  void drain();

 private:
  struct Tail {
    std::string base;
    LogTail tail;
  };
  struct Directory {
    sys::DirectoryWatch watch;
    std::vector<Tail> tails;
  };

  explicit LogFollower(sys::Loop& loop) : loop_(loop) {}
  Status follow(const std::string& container, const std::string& path, const Sink& sink);
  Status watch(const std::string& directory);
  static void look_at(Directory& directory);

  sys::Loop& loop_;
  std::map<std::string, Directory> directories_;  // by path; their places stay
};

}  // namespace berth::agent
