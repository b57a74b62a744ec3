// LogStore: log groups and log streams as CloudWatch Logs has them, in files that whoever serves
// its API can read while tasks write to them.
//
//   <root>/log-groups/<region>/<group>/
//     group.json                 {"version", "name", "creationTime", "retentionInDays"?, "tags"?}
//     streams/<stream>/
//       stream.json              {"version", "name", "creationTime"}
//       events.log events.log.N  events, one a line (logs/log_record.h), rotated but not
//       compressed,
//                                the oldest first in the order of N: what a task prints
//       put.log put.log.N        the same of PutLogEvents, in the order in which they were put
//
// Names are percent-encoded; one that is too long for a file's name ends in a hash of the whole.
// group.json and stream.json are there, synced, before anything is written to the stream. Each of
// the two files has one writer: the log process of the task, and who serves the API. Events of a
// task are appended in the order in which they came to an end; one of several lines has the time of
// its first, and those that are put have any time, so readers order by time (event_reader.h). A
// power cut may cost the last lines that a task has printed, never what was put. The number of the
// file and the place in it name an event for ever.
#pragma once

#include "base/env.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::logs {

// What CloudWatch Logs takes for retentionInDays.
bool is_log_retention(int64_t days);
// CloudWatch Logs' rules for names; the error's text says them.
Status check_log_group_name(std::string_view name);
Status check_log_stream_name(std::string_view name);

struct LogGroup {
  std::string name;
  int64_t creation_time_ms = 0;
  std::optional<int64_t> retention_days;  // nothing: for ever
  std::map<std::string, std::string> tags{};
};

struct LogStreamInfo {
  std::string name;
  int64_t creation_time_ms = 0;
  uint64_t stored_bytes = 0;
};

struct PutEvent {
  int64_t timestamp_ms = 0;
  std::string message;
};

// Events that are older than this are no more; nothing when the group keeps all.
std::optional<int64_t> oldest_kept_ms(const LogGroup& group, WallTime now);

class LogStore {
 public:
  LogStore(const std::string& root, const std::string& region);

  // kExists: "The specified log group already exists".
  Status create_group(const std::string& group, WallTime now) const;
  Status create_group(const LogGroup& group) const;
  // kNotFound: "The specified log group does not exist.", as in all that follows.
  Result<LogGroup> find_group(const std::string& group) const;
  // By name.
  Result<std::vector<LogGroup>> list_groups(const std::string& prefix) const;
  Status set_retention(const std::string& group, std::optional<int64_t> days) const;
  // What is known of a group that is there, anew.
  Status update_group(const LogGroup& group) const;
  // With all that is in it.
  Status delete_group(const std::string& group) const;

  // One that is there is success.
  Status create_stream(const std::string& group, const std::string& stream, WallTime now) const;
  // kNotFound: "The specified log stream does not exist."
  Status find_stream(const std::string& group, const std::string& stream) const;
  Result<std::vector<LogStreamInfo>> list_streams(const std::string& group,
                                                  const std::string& prefix) const;
  // With all that is in it.
  Status delete_stream(const std::string& group, const std::string& stream) const;
  // Where the events of a task are appended to.
  std::string events_path(const std::string& group, const std::string& stream) const;
  // Durable when it returns.
  Status put_events(const std::string& group, const std::string& stream,
                    const std::vector<PutEvent>& events, WallTime now) const;

  // Of a stream: where its files are, and what stands for it in the ids of its events.
  std::string stream_directory(const std::string& group, const std::string& stream) const;

  // Gives back the room of events that are older than their group's retention, a file at a time.
  Status expire(WallTime now) const;

 private:
  std::string group_directory(const std::string& group) const;
  std::string streams_directory(const std::string& group) const;

  std::string directory_;  // of the region
};

// expire() for every region there is.
Status expire_log_groups(const std::string& root, WallTime now);

}  // namespace berth::logs
