// SessionTranscript: what a session of ExecuteCommand shows, as events of a log stream that is
// named after the session: an event a line, whatever the terminal drew.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "logs/log_store.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::tools {

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
        clock_(clock) {}
  void take_line(std::string_view line);

  logs::LogStore store_;
  std::string group_;
  std::string stream_;
  Clock& clock_;
  std::string line_;  // that has not ended
  std::vector<logs::PutEvent> events_;
  size_t bytes_ = 0;  // of the events
};

}  // namespace berth::tools
