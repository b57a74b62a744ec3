#include "scheduler/store.h"

#include <algorithm>

namespace berth::scheduler {

Status MemoryStore::commit(const std::vector<Change>& changes, const std::vector<Record>& records) {
  for (const Change& change : changes) {
    tasks_.insert_or_assign(change.task.id, change.task);
    history_[change.task.id].push_back(change);
  }
  return records_.write(records);
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

std::vector<const Task*> MemoryStore::living_tasks() const {
  std::vector<const Task*> living;
  for (const auto& [id, task] : tasks_) {
    if (task.last_status() != TaskStatus::kStopped) living.push_back(&task);
  }
  return living;
}

Result<std::vector<StoryLine>> MemoryStore::story(const std::string& task_id, size_t skip) const {
  std::vector<StoryLine> lines;
  bool is_decided = false;
  for (const Change& change : history(task_id, 0)) {
    lines.push_back(story_line_of(change, is_decided));
    is_decided = is_decided || !lines.back().decision.empty();
  }
  lines.erase(lines.begin(),
              lines.begin() + static_cast<std::ptrdiff_t>(std::min(skip, lines.size())));
  return lines;
}

Status MemoryStore::forget_stopped(WallTime then) {
  std::erase_if(tasks_, [&](const auto& entry) {
    const Task& task = entry.second;
    bool is_over =
        task.last_status() == TaskStatus::kStopped && task.stopped_at && *task.stopped_at < then;
    if (is_over) history_.erase(entry.first);
    return is_over;
  });
  return {};
}

std::vector<Change> MemoryStore::history(const std::string& task_id, size_t skip) const {
  auto found = history_.find(task_id);
  if (found == history_.end() || found->second.size() <= skip) return {};
  return {found->second.begin() + static_cast<std::ptrdiff_t>(skip), found->second.end()};
}

}  // namespace berth::scheduler
