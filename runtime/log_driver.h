// LogDriver: who takes lines to where they shall go. Runs in the log process (log_pump.h), where it
// may wait.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/log_lines.h"
#include "runtime/log_plan.h"

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

namespace berth::runtime {

class LogDriver {
 public:
  LogDriver() = default;
  LogDriver(const LogDriver&) = delete;
  LogDriver& operator=(const LogDriver&) = delete;
  virtual ~LogDriver() = default;

  // Delivers them, in order; returns when they are delivered or, told by the error, lost.
  virtual Status write(std::vector<LogEntry> entries) = 0;
  // When it wants to be called although nothing is printed.
  virtual std::optional<WallTime> due() const { return std::nullopt; }
  virtual Status tick(WallTime /*now*/) { return {}; }
  // Delivers what it still holds: the last call.
  virtual Status finish() { return {}; }
};

// Tells whoever waits that the container has ended, so that waiting for ever is no choice any more.
class LogEnd {
 public:
  // Readable, or hung up, once it is so. Borrowed.
  explicit LogEnd(int fd) : fd_(fd) {}
  bool has_come() const { return comes_within(std::chrono::milliseconds(0)); }
  int fd() const { return fd_; }
  // Waits for so long at most.
  bool comes_within(std::chrono::milliseconds patience) const;

 private:
  int fd_;
};

// The driver of the plan, and before it the buffer of one that does not block. An error is why the
// container cannot start.
Result<std::unique_ptr<LogDriver>> make_log_driver(const LogPlan& plan, LogEnd end, Env env);

}  // namespace berth::runtime
