// LogStore: log groups and log streams as CloudWatch Logs has them, in files that whoever serves
// its API can read while tasks write to them.
//
//   <root>/log-groups/<region>/<group>/
//     group.json                 {"version", "name", "creationTime", "retentionInDays"?}
//     streams/<stream>/
//       stream.json              {"version", "name", "creationTime"}
//       events.log events.log.N  events, one a line (runtime/log_events.h), rotated but not
//                                compressed, the oldest first in the order of N
//
// Names are percent-encoded; one that is too long for a file's name ends in a hash of the whole.
// group.json and stream.json are there, synced, before anything is written to the stream. Events
// are appended in the order in which they came to an end; one of several lines has the time of its
// first, so readers order by time. A power cut may cost the last lines of a stream, never its other
// ones; the number of the file and the place in it name an event for ever.
#pragma once

#include "base/env.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::agent {

// What CloudWatch Logs takes for retentionInDays.
bool is_log_retention(int64_t days);
// CloudWatch Logs' rules for names; the error's text says them.
Status check_log_group_name(std::string_view name);
Status check_log_stream_name(std::string_view name);

struct LogGroup {
  std::string name;
  int64_t creation_time_ms = 0;
  std::optional<int64_t> retention_days;  // nothing: for ever
};

struct LogStreamInfo {
  std::string name;
  int64_t creation_time_ms = 0;
  uint64_t stored_bytes = 0;
};

struct StoredEvent {
  std::string id;  // unique within the group, and the same each time
  std::string stream;
  int64_t timestamp_ms = 0;  // which is that of its ingestion as well
  std::string message;       // without the newline at its end
};

struct EventQuery {
  std::string group;
  std::vector<std::string> streams;  // none: all
  std::optional<int64_t> start_ms;   // from here on
  std::optional<int64_t> end_ms;     // up to, and without
  size_t limit = 10000;
  std::string after;  // next_token of the page before, or ""
};

struct EventPage {
  std::vector<StoredEvent> events;  // in the order of time
  std::string next_token;           // "": that was all there is now
};

class LogStore {
 public:
  LogStore(const std::string& root, const std::string& region);

  // kExists: "The specified log group already exists".
  Status create_group(const std::string& group, WallTime now) const;
  // kNotFound: "The specified log group does not exist.", as in all that follows.
  Result<LogGroup> find_group(const std::string& group) const;
  // By name.
  Result<std::vector<LogGroup>> list_groups(const std::string& prefix) const;
  Status set_retention(const std::string& group, std::optional<int64_t> days) const;
  // With all that is in it.
  Status delete_group(const std::string& group) const;

  // One that is there is success.
  Status create_stream(const std::string& group, const std::string& stream, WallTime now) const;
  Result<std::vector<LogStreamInfo>> list_streams(const std::string& group,
                                                  const std::string& prefix) const;
  // Where the events of a stream are appended to.
  std::string events_path(const std::string& group, const std::string& stream) const;

  // Those that are older than the group's retention are not there any more.
  Result<EventPage> read_events(const EventQuery& query, WallTime now) const;

  // Removes files of which every event is older than its group's retention.
  Status expire(WallTime now) const;

 private:
  std::string group_directory(const std::string& group) const;
  std::string streams_directory(const std::string& group) const;
  std::string stream_directory(const std::string& group, const std::string& stream) const;
  Status write_group(const LogGroup& group) const;

  std::string directory_;  // of the region
};

// expire() for every region there is.
Status expire_log_groups(const std::string& root, WallTime now);

}  // namespace berth::agent
