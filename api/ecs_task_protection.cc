// Tasks that their service is not to stop when it scales in or deploys.
#include "api/ecs_service_lookup.h"
#include "api/ecs_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace berth::api::ecs {
namespace {

using scheduler::Service;
using scheduler::Task;

constexpr size_t kGetProtectionMax = 100;
constexpr size_t kUpdateProtectionMax = 10;
constexpr int64_t kProtectMinutesMax = 2880;
constexpr int64_t kProtectMinutes = 120;  // where nothing is said

bool is_protected(const Task& task, WallTime now) {
  return task.protected_until && *task.protected_until > now && !is_stopped(task);
}

Json protection_json(const Ecs& ecs, const Task& task, WallTime now) {
  bool is_on = is_protected(task, now);
  Json json = {{"taskArn", task_arn(ecs, task)}, {"protectionEnabled", is_on}};
  if (is_on) json["expirationDate"] = epoch_of(*task.protected_until);
  return json;
}

bool is_of_older_deployment(const Service& service, const Task& task) {
  return !service.deployments.empty() &&
         task.request.service_revision != service.deployments.front().revision;
}

// Whether tasks that are protected already keep a deployment of the service from going on: AWS
// takes no further ones in then.
bool is_held_up(const Ecs& ecs, const Service& service, WallTime now) {
  if (service.deployments.size() < 2) return false;
  const auto& tasks = ecs.core.services().tasks_of(service.key);
  return std::any_of(tasks.begin(), tasks.end(), [&](const auto& entry) {
    const Task* task = ecs.core.find_task(entry.first);
    return is_protected(*task, now) && is_of_older_deployment(service, *task);
  });
}

struct Protected {
  std::vector<std::string> ids{};  // of tasks that can be protected
  std::vector<Failure> failures{};
};

Protected sort_out(const Ecs& ecs, const TaskBatch& batch, const std::string& cluster) {
  Protected found;
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    const Task* task = find_task(ecs, batch.ids[i], cluster);
    if (task == nullptr) {
      found.failures.push_back(missing_task(ecs, batch.texts[i], cluster));
    } else if (is_stopped(*task) || service_of(ecs, *task) == nullptr) {
      found.failures.push_back({task_arn(ecs, *task), "TASK_NOT_VALID"});
    } else {
      found.ids.push_back(task->id);
    }
  }
  return found;
}

Json protection_answer(const Ecs& ecs, const Ask& ask, const Protected& found) {
  Json list = Json::array();
  for (const std::string& id : found.ids) {
    list.push_back(protection_json(ecs, *ecs.core.find_task(id), ask.at()));
  }
  return {{"protectedTasks", std::move(list)}, {"failures", failures_json(found.failures)}};
}

}  // namespace

Json get_task_protection(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  TaskBatch batch = read_task_batch(ecs, ask, cluster, kGetProtectionMax);
  if (ask.refused()) return {};
  return protection_answer(ecs, ask, sort_out(ecs, batch, cluster->name));
}

Json update_task_protection(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  TaskBatch batch = read_task_batch(ecs, ask, cluster, kUpdateProtectionMax);
  if (batch.texts.empty()) ask.invalid("Tasks cannot be empty.");
  auto enabled = ask.find_flag("protectionEnabled");
  if (!enabled) ask.invalid("protectionEnabled can not be null.");
  auto minutes = ask.number("expiresInMinutes", {1, kProtectMinutesMax});
  if (ask.refused()) return {};
  std::optional<WallTime> until;
  if (*enabled) until = ask.at() + std::chrono::minutes(minutes.value_or(kProtectMinutes));
  Protected found = sort_out(ecs, batch, cluster->name);
  std::vector<std::string> held;
  for (const std::string& id : found.ids) {
    const Task& task = *ecs.core.find_task(id);
    const Service& service = *service_of(ecs, task);
    bool is_new = *enabled && !is_protected(task, ask.at());
    if (is_new && is_of_older_deployment(service, task) && is_held_up(ecs, service, ask.at())) {
      found.failures.push_back({task_arn(ecs, task), "DEPLOYMENT_BLOCKED"});
      held.push_back(id);
      continue;
    }
    ecs.core.submit(scheduler::ProtectionChanged{id, until});
  }
  std::erase_if(found.ids, [&](const std::string& id) {
    return std::find(held.begin(), held.end(), id) != held.end();
  });
  if (!found.ids.empty()) ask.check(ecs.step());
  return ask.refused() ? Json() : protection_answer(ecs, ask, found);
}

}  // namespace berth::api::ecs
