// SessionTranscript: what a session of ExecuteCommand shows, as events of a log stream that is
// named after the session: an event a line, whatever the terminal drew. A longer line than the
// limit becomes several events, of whole characters each.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "logs/log_store.h"
#include "runtime/log_lines.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::tools {

constexpr size_t kTranscriptLineMax = 32 * 1024;  // bytes of one event

// Where it goes. `root`: of the instance.
struct SessionLog {
  std::string root;
  std::string region;
  std::string group;
  bool operator==(const SessionLog&) const = default;
};

class SessionTranscript {
 public:
  // Makes the stream. kNotFound without its group. `clock` is borrowed.
  static Result<SessionTranscript> begin(const SessionLog& log, std::string stream, Clock& clock);

  // Written at once when there is much, otherwise with the next flush().
  Status add(std::string_view bytes);
  // The lines that are whole; durable when it returns.
  Status flush();
  // And what is left of the last one.
  Status finish();

 private:
  SessionTranscript(const SessionLog& log, std::string stream, Clock& clock)
      : store_(log.root, log.region),
        group_(log.group),
        stream_(std::move(stream)),
        clock_(clock),
        lines_(kTranscriptLineMax) {}
  void take(const runtime::LogEntry& entry);

  logs::LogStore store_;
  std::string group_;
  std::string stream_;
  Clock& clock_;
  runtime::LineSplitter lines_;  // with the line that has not ended
  std::vector<logs::PutEvent> events_;
  size_t bytes_ = 0;  // of the events
};

}  // namespace berth::tools
