// SqliteStore: what the daemon remembers, in one SQLite database (WAL). A step of the scheduler is
// one transaction, and so is each change of the catalog. What a user asked for is synced to the
// disk before it is answered; what the agent observed is not, because a power cut ends the tasks it
// is about: a death of the process alone loses neither.
//
//   user_version                           1; a database of a later version is refused
//   tasks(id, body)                        task_record.h
//   stories(task_id, number, ...)          StoryLine, by columns
//   records(kind, key, body)               record_store.h
//
// Tasks are held in memory as well: reading asks no database.
#pragma once

#include "base/result.h"
#include "scheduler/store.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace berth::scheduler {

class SqliteStore final : public Store {
 public:
  // Makes the database when there is none; its directory is there, and closed to others than root,
  // because definitions may hold secrets. No second process opens it meanwhile. Errors:
  // kUnsupported for one of a later version, kCorrupt for one that is damaged, kUnavailable when
  // another process has it.
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, CpuArchitecture host);
  ~SqliteStore() override;

  Status commit(const std::vector<Change>& changes, const std::vector<Record>& records) override;
  const Task* find_task(const std::string& task_id) const override;
  std::vector<std::string> task_ids() const override;
  std::vector<const Task*> living_tasks() const override;
  Result<std::vector<StoryLine>> story(const std::string& task_id, size_t skip) const override;
  Status forget_stopped(WallTime then) override;

  Status write(const std::vector<Record>& records) override;
  Result<std::vector<Record>> read(const std::string& kind) const override;

 private:
  class Database;
  struct Kept {
    Task task;
    size_t story_lines = 0;
    bool is_decided = false;  // its end
  };
  explicit SqliteStore(std::unique_ptr<Database> database);
  Status load(CpuArchitecture host);
  Status count_story(const std::string& task_id, Kept& kept);
  Status write_change(const Change& change, Kept& kept);
  Status write_records(const std::vector<Record>& records);

  std::unique_ptr<Database> database_;
  void keep(const std::string& id, Kept kept);

  std::map<std::string, Kept> tasks_;
  std::map<std::string, const Task*> living_;     // of those, what has not stopped
  std::multimap<WallTime, std::string> stopped_;  // when, and the task's id
};

}  // namespace berth::scheduler
