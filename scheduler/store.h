// Where the scheduler's state lives. One transaction per step; every change carries the event that
// caused it, so that one can walk back from any state to its root.
#pragma once

#include "base/result.h"
#include "scheduler/messages.h"
#include "scheduler/model.h"

#include <map>
#include <string>
#include <vector>

namespace berth::scheduler {

struct Change {
  Event cause;
  WallTime at{};
  Task task;  // after the change
  bool operator==(const Change&) const = default;
};

class Store {
 public:
  virtual ~Store() = default;
  // All or nothing; on an error nothing is stored and the same changes may be tried again.
  virtual Status commit(const std::vector<Change>& changes) = 0;
  // Null when there is none. Valid until the next commit.
  virtual const Task* find_task(const std::string& task_id) const = 0;
  virtual std::vector<std::string> task_ids() const = 0;
  // Oldest first, without the first `skip`.
  virtual std::vector<Change> history(const std::string& task_id, size_t skip) const = 0;
};

// Lives as long as its process: `berth run` and tests.
class MemoryStore final : public Store {
 public:
  Status commit(const std::vector<Change>& changes) override;
  const Task* find_task(const std::string& task_id) const override;
  std::vector<std::string> task_ids() const override;
  std::vector<Change> history(const std::string& task_id, size_t skip) const override;

 private:
  std::map<std::string, Task> tasks_;
  std::map<std::string, std::vector<Change>> history_;
};

}  // namespace berth::scheduler
