// Where the scheduler's state lives. One transaction per step; every change carries the event that
// caused it, so that one can walk back from any state to its root.
#pragma once

#include "base/result.h"
#include "scheduler/change.h"
#include "scheduler/model.h"
#include "scheduler/record_store.h"
#include "scheduler/story.h"

#include <map>
#include <string>
#include <vector>

namespace berth::scheduler {

// ECS shows a stopped task for an hour.
constexpr Duration kStoppedTaskKept = std::chrono::hours(1);

class Store : public RecordStore {
 public:
  // All or nothing, the records of services that decided the changes with them; on an error nothing
  // is stored and the same may be tried again.
  virtual Status commit(const std::vector<Change>& changes, const std::vector<Record>& records) = 0;
  // Null when there is none. Valid until the next commit.
  virtual const Task* find_task(const std::string& task_id) const = 0;
  // In text order.
  virtual std::vector<std::string> task_ids() const = 0;
  // Those that have not stopped, in text order of their ids, however many have. Valid until the
  // next commit.
  virtual std::vector<const Task*> living_tasks() const = 0;
  // What happened to a task, oldest first, without the first `skip` changes.
  virtual Result<std::vector<StoryLine>> story(const std::string& task_id, size_t skip) const = 0;
  // Forgets the tasks that stopped before `then`, and their stories.
  virtual Status forget_stopped(WallTime then) = 0;
};

// Lives as long as its process: `berth run` and tests.
class MemoryStore final : public Store {
 public:
  Status commit(const std::vector<Change>& changes, const std::vector<Record>& records) override;
  const Task* find_task(const std::string& task_id) const override;
  std::vector<std::string> task_ids() const override;
  std::vector<const Task*> living_tasks() const override;
  Result<std::vector<StoryLine>> story(const std::string& task_id, size_t skip) const override;
  Status forget_stopped(WallTime then) override;
  Status write(const std::vector<Record>& records) override { return records_.write(records); }
  Result<std::vector<Record>> read(const std::string& kind) const override {
    return records_.read(kind);
  }
  // Oldest first, without the first `skip`.
  std::vector<Change> history(const std::string& task_id, size_t skip) const;

 private:
  std::map<std::string, Task> tasks_;
  std::map<std::string, std::vector<Change>> history_;
  MemoryRecords records_;
};

}  // namespace berth::scheduler
