// The events of a task on disk, a line of JSON each, so that others than the process that looks
// after it can tell why it is as it is: <root>/tasks/<task-id>/events.jsonl, with stopped detached
// tasks for as long as they are kept.
#pragma once

#include "base/result.h"
#include "scheduler/story.h"
#include "sys/fd.h"

#include <string>
#include <vector>

namespace berth::agent {

constexpr uint64_t kEventLogMax = 16 * 1024 * 1024;

class EventLog {
 public:
  // Made with its directory at the first line. `limit`: bytes.
  explicit EventLog(std::string path, uint64_t limit = kEventLogMax)
      : path_(std::move(path)), limit_(limit) {}

  // One that another process has begun; kNotFound when there is none.
  static Result<EventLog> resume(const std::string& path);

  // One write(2) for each line: a reader sees whole lines, but for the last one after a power cut.
  // Of a log that has grown to its limit only the end of the task is still written.
  Status append(const scheduler::Change& change);

  // Oldest first; no file is no event. What is no line of ours is passed over.
  static Result<std::vector<scheduler::StoryLine>> read(const std::string& path);

 private:
  std::string path_;
  uint64_t limit_;
  sys::Fd file_;
  bool is_decided_ = false;
  uint64_t size_ = 0;
};

}  // namespace berth::agent
