// Task sets: the deployments of services whose controller is EXTERNAL. Whoever controls them makes
// sets, scales them, says which one is PRIMARY and removes them; each has its share of the
// service's desired count.
#include "api/ecs_launch.h"
#include "api/ecs_service_ask.h"
#include "api/ecs_tags.h"
#include "api/ecs_task_set_shapes.h"
#include "api/ecs_volumes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace berth::api::ecs {
namespace {

using scheduler::Service;
using scheduler::ServiceStatus;
using scheduler::TaskSet;

constexpr size_t kTaskSetTokenMax = 36;
constexpr size_t kTaskSetBatchMax = 100;
constexpr size_t kExternalIdMax = 255;
constexpr double kPercentWhole = 100.0;
constexpr double kPpmOfPercent = 10'000.0;
constexpr int kWholePpm = 1'000'000;

// The service whose task sets are asked for. Null: refused.
const Service* find_external(const Ecs& ecs, Ask& ask) {
  ask.required_text("cluster");
  const Service* service = ask.refused() ? nullptr : find_service(ecs, ask);
  if (service == nullptr) return nullptr;
  if (service->configuration.controller != scheduler::DeploymentController::kExternal) {
    ask.invalid(
        "Amazon ECS only supports task set management on services configured to use external "
        "deployment controllers.");
    return nullptr;
  }
  if (service->status == ServiceStatus::kActive) return service;
  ask.refuse("ServiceNotActiveException", "Service was not ACTIVE.");
  return nullptr;
}

// The one under `key`. Null: refused.
const TaskSet* find_asked_set(const Ecs& ecs, Ask& ask, const Service& service, const char* key) {
  std::string text = ask.required_text(key);
  std::string id = ask.refused() ? "" : task_set_id_of(ecs, ask, text, service.key);
  if (ask.refused()) return nullptr;
  const TaskSet* set = find_task_set(service, id);
  if (set == nullptr) ask.refuse("TaskSetNotFoundException", "TaskSet not found.");
  return set;
}

// One that is not on its way out.
const TaskSet* find_changeable_set(const Ecs& ecs, Ask& ask, const Service& service,
                                   const char* key) {
  const TaskSet* set = find_asked_set(ecs, ask, service, key);
  if (set == nullptr || set->status != scheduler::TaskSetStatus::kDraining) return set;
  ask.invalid(fmt::format("{}: the task set is DRAINING.", key));
  return nullptr;
}

// Millionths of the desired count; nothing when `scale` is absent.
std::optional<int> read_scale(Ask& ask) {
  auto scale = ask.object("scale");
  if (!scale) return std::nullopt;
  ask.word(*scale, "unit", {"PERCENT"});
  auto percent = ask.real(*scale, "value");
  if (!percent) {
    ask.invalid("scale.value can not be null.");
    return std::nullopt;
  }
  if (!(*percent >= 0 && *percent <= kPercentWhole)) {
    ask.invalid("scale.value must be between 0 and 100.");
    return std::nullopt;
  }
  return static_cast<int>(std::lround(*percent * kPpmOfPercent));
}

void read_set_launcher(Ask& ask, const scheduler::Cluster& cluster, ServiceDraft& draft) {
  Launcher launcher = read_launcher(ask, cluster);
  draft.configuration.providers = shares_of(launcher.strategy);
  scheduler::TaskRequest& request = draft.revision.request;
  request.cluster = cluster.name;
  request.launch_type = launcher.launch_type;
  request.platform_version = read_platform(ask, launcher.launch_type);
  bool is_latest = launcher.launch_type == "FARGATE" && request.platform_version.empty();
  if (is_latest) request.platform_version = kLatestPlatform;
}

ServiceDraft read_set_draft(const Ecs& ecs, Ask& ask, const Service& service) {
  ServiceDraft draft;
  draft.key = service.key;
  refuse_data_planes(ask);
  refuse_volumes(ask);
  read_set_launcher(ask, *ecs.catalog.find_cluster(service.key.cluster), draft);
  read_service_definition(ecs, ask, draft);
  read_service_network(ecs, ask, draft);
  draft.configuration.tags = read_tags(ask, "tags");
  if (!ask.refused()) resolve_service_definition(ecs, ask, draft);
  return draft;
}

void check_set_room(Ask& ask, const Service& service) {
  if (service.task_sets.size() < scheduler::kTaskSetsMax) return;
  ask.invalid(
      fmt::format("{} deployments exist on the service. Unable to create new TaskSet since this "
                  "exceeds the maximum limit.",
                  service.task_sets.size()));
}

Json task_set_answer(const Ecs& ecs, const scheduler::ServiceKey& key, const std::string& id) {
  const Service* service = ecs.core.services().find(key);
  const TaskSet* set = service == nullptr ? nullptr : find_task_set(*service, id);
  if (set == nullptr) return Json::object();
  return {{"taskSet", task_set_json(ecs, *service, *set, Tags::kWith)}};
}

// One that has gone in this very step is shown as it was told to go.
Json deleted_set_answer(const Ecs& ecs, const Service& service, TaskSet set) {
  set.status = scheduler::TaskSetStatus::kDraining;
  return {{"taskSet", task_set_json(ecs, service, set, Tags::kWith)}};
}

std::string read_external_id(Ask& ask) {
  std::string id = ask.text("externalId");
  if (id.size() > kExternalIdMax) {
    ask.invalid(fmt::format("externalId must have at most {} characters.", kExternalIdMax));
  }
  return id;
}

}  // namespace

Json create_task_set(Ecs& ecs, Ask& ask) {
  std::string token = read_client_token(ask, kTaskSetTokenMax);
  const Service* service = find_external(ecs, ask);
  if (service == nullptr) return {};
  for (const TaskSet& set : service->task_sets) {
    if (!token.empty() && set.client_token == token)
      return task_set_answer(ecs, service->key, set.id);
  }
  scheduler::TaskSetCreated created;
  created.service = service->key;
  created.external_id = read_external_id(ask);
  created.client_token = token;
  created.scale_ppm = read_scale(ask).value_or(kWholePpm);
  ServiceDraft draft = read_set_draft(ecs, ask, *service);
  check_set_room(ask, *service);
  if (ask.refused()) return {};
  created.id = "ecs-svc/" + scheduler::make_service_number(ecs.env.rng);
  created.revision = std::move(draft.revision);
  created.providers = std::move(draft.configuration.providers);
  created.tags = std::move(draft.configuration.tags);
  std::string id = created.id;
  scheduler::ServiceKey key = created.service;
  ecs.core.submit(std::move(created));
  ask.check(ecs.step());
  return ask.refused() ? Json() : task_set_answer(ecs, key, id);
}

Json update_task_set(Ecs& ecs, Ask& ask) {
  auto scale = read_scale(ask);
  if (!ask.has("scale")) ask.invalid("scale can not be null.");
  const Service* service = find_external(ecs, ask);
  const TaskSet* set =
      service == nullptr ? nullptr : find_changeable_set(ecs, ask, *service, "taskSet");
  if (ask.refused()) return {};
  scheduler::TaskSetScaled scaled{service->key, set->id, *scale};
  ecs.core.submit(scaled);
  ask.check(ecs.step());
  return ask.refused() ? Json() : task_set_answer(ecs, scaled.service, scaled.task_set);
}

Json delete_task_set(Ecs& ecs, Ask& ask) {
  bool is_forced = ask.flag("force");
  const Service* service = find_external(ecs, ask);
  const TaskSet* found =
      service == nullptr ? nullptr : find_asked_set(ecs, ask, *service, "taskSet");
  if (ask.refused()) return {};
  TaskSet set = *found;
  bool is_draining = set.status == scheduler::TaskSetStatus::kDraining;
  if (set.scale_ppm > 0 && !is_forced && !is_draining) {
    ask.invalid("The task set cannot be deleted while it is scaled above 0; use force.");
    return {};
  }
  scheduler::ServiceKey key = service->key;
  if (!is_draining) {
    ecs.core.submit(scheduler::TaskSetDeleted{key, set.id});
    ask.check(ecs.step());
  }
  return ask.refused() ? Json()
                       : deleted_set_answer(ecs, *ecs.core.services().find(key), std::move(set));
}

Json describe_task_sets(Ecs& ecs, Ask& ask) {
  Tags tags = ask.includes("TAGS", {"TAGS"}) ? Tags::kWith : Tags::kWithout;
  const Service* service = find_external(ecs, ask);
  std::vector<std::string> texts = ask.texts("taskSets", kTaskSetBatchMax);
  if (ask.refused()) return {};
  Json list = Json::array();
  std::vector<Failure> failures;
  if (texts.empty()) list = task_sets_json(ecs, *service, tags);
  for (const std::string& text : texts) {
    std::string id = task_set_id_of(ecs, ask, text, service->key);
    if (ask.refused()) return {};
    if (const TaskSet* set = find_task_set(*service, id)) {
      list.push_back(task_set_json(ecs, *service, *set, tags));
    } else {
      failures.push_back({task_set_arn(ecs, service->key, id)});
    }
  }
  return {{"taskSets", std::move(list)}, {"failures", failures_json(failures)}};
}

Json update_service_primary_task_set(Ecs& ecs, Ask& ask) {
  const Service* service = find_external(ecs, ask);
  const TaskSet* set =
      service == nullptr ? nullptr : find_changeable_set(ecs, ask, *service, "primaryTaskSet");
  if (ask.refused()) return {};
  scheduler::PrimaryTaskSetChanged changed{service->key, set->id};
  ecs.core.submit(changed);
  ask.check(ecs.step());
  return ask.refused() ? Json() : task_set_answer(ecs, changed.service, changed.task_set);
}

}  // namespace berth::api::ecs
