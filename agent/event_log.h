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
  // Made with its directory at the first append(). `limit`: bytes.
  explicit EventLog(std::string path, uint64_t limit = kEventLogMax)
      : path_(std::move(path)), limit_(limit) {}

  // One that another process has begun, or was about to. `story`: all that happened to the task;
  // what follows the last line of the file waits for write(), because that process may have died
  // before it did.
  static Result<EventLog> resume(const std::string& path,
                                 const std::vector<scheduler::StoryLine>& story);

  // Makes the file and its directory, from any thread, so that append() need not: a file system may
  // take a millisecond for each.
  static Status prepare(const std::string& path);

  // One write(2), with what was put off: a reader sees whole lines, but for the last one after a
  // power cut. Of a log that has grown to its limit only the end of the task is still written.
  Status append(const scheduler::Change& change);
  // Waits for the next append(); nothing is done now.
  void put_off(const scheduler::Change& change);
  // All that waits. What cannot be written waits on, to the byte, and goes first the next time:
  // what was written of a line is followed by the rest of it, or, if this process dies before, by
  // what resume() puts there. What waits counts towards the limit.
  Status write();

  // Oldest first; no file is no event. What is no line of ours is passed over.
  static Result<std::vector<scheduler::StoryLine>> read(const std::string& path);

 private:
  void put_off(const scheduler::StoryLine& line);
  Status open();

  std::string path_;
  uint64_t limit_;
  sys::Fd file_;
  std::string waiting_{};  // lines that are not written yet, the first perhaps in part
  bool is_decided_ = false;
  uint64_t size_ = 0;
};

}  // namespace berth::agent
