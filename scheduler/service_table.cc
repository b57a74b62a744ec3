#include "scheduler/service_table.h"

namespace berth::scheduler {
namespace {

template <class Value>
const Value* find_in(const std::map<std::string, Value>& values, const std::string& id) {
  auto found = values.find(id);
  return found == values.end() ? nullptr : &found->second;
}

template <class Value>
std::vector<const Value*> newest_first(
    const std::map<std::string, Value>& values,
    const std::map<ServiceKey, std::vector<std::string>>& ids_by_service, const ServiceKey& key) {
  std::vector<const Value*> found;
  auto ids = ids_by_service.find(key);
  if (ids == ids_by_service.end()) return found;
  for (auto id = ids->second.rbegin(); id != ids->second.rend(); ++id) {
    if (const Value* value = find_in(values, *id)) found.push_back(value);
  }
  return found;
}

}  // namespace

const Service* Services::find(const ServiceKey& key) const {
  auto found = services_.find(key);
  return found == services_.end() ? nullptr : &found->second;
}

const ServiceRevision* Services::find_revision(const std::string& id) const {
  return find_in(revisions_, id);
}

const ServiceDeployment* Services::find_deployment(const std::string& id) const {
  return find_in(deployments_, id);
}

std::vector<const ServiceDeployment*> Services::deployments_of(const ServiceKey& key) const {
  return newest_first(deployments_, deployment_ids_, key);
}

std::vector<const ServiceRevision*> Services::revisions_of(const ServiceKey& key) const {
  return newest_first(revisions_, revision_ids_, key);
}

std::vector<ServiceEvent> Services::events_of(const ServiceKey& key) const {
  auto found = events_.find(key);
  if (found == events_.end()) return {};
  return {found->second.rbegin(), found->second.rend()};
}

const std::map<std::string, ServiceTask>& Services::tasks_of(const ServiceKey& key) const {
  static const std::map<std::string, ServiceTask> kNone;
  auto found = tasks_.find(key);
  return found == tasks_.end() ? kNone : found->second;
}

TaskCounts Services::counts_of(const ServiceKey& key, const std::string& revision) const {
  TaskCounts counts;
  for (const auto& [id, task] : tasks_of(key)) {
    if (!revision.empty() && task.revision != revision) continue;
    if (task.phase == TaskPhase::kPending) ++counts.pending;
    if (task.phase == TaskPhase::kRunning) ++counts.running;
  }
  return counts;
}

}  // namespace berth::scheduler
