#include "scheduler/store.h"

namespace berth::scheduler {

Status MemoryStore::commit(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    tasks_.insert_or_assign(change.task.id, change.task);
    history_[change.task.id].push_back(change);
  }
  return {};
}

const Task* MemoryStore::find_task(const std::string& task_id) const {
  auto found = tasks_.find(task_id);
  return found == tasks_.end() ? nullptr : &found->second;
}

std::vector<std::string> MemoryStore::task_ids() const {
  std::vector<std::string> ids;
  for (const auto& [id, task] : tasks_) ids.push_back(id);
  return ids;
}

std::vector<Change> MemoryStore::history(const std::string& task_id, size_t skip) const {
  auto found = history_.find(task_id);
  if (found == history_.end() || found->second.size() <= skip) return {};
  return {found->second.begin() + static_cast<std::ptrdiff_t>(skip), found->second.end()};
}

}  // namespace berth::scheduler
