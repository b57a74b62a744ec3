#include "scheduler/model.h"

#include <algorithm>

namespace berth::scheduler {

Container* Task::find_container(const std::string& name) {
  auto found = std::find_if(containers.begin(), containers.end(),
                            [&name](const Container& each) { return each.name == name; });
  return found == containers.end() ? nullptr : &*found;
}

const Container* Task::find_container(const std::string& name) const {
  return const_cast<Task*>(this)->find_container(name);
}

HealthStatus health_status_of(const Task& task) {
  size_t checked = 0;
  size_t healthy = 0;
  for (const ContainerDefinition& definition : task.definition.container_definitions) {
    const Container* container = task.find_container(definition.name);
    if (container == nullptr || !container->essential || !definition.health_check) continue;
    if (container->health.status == HealthStatus::kUnhealthy) return HealthStatus::kUnhealthy;
    ++checked;
    if (container->health.status == HealthStatus::kHealthy) ++healthy;
  }
  return checked > 0 && healthy == checked ? HealthStatus::kHealthy : HealthStatus::kUnknown;
}

}  // namespace berth::scheduler
