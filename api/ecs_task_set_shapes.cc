#include "api/ecs_task_set_shapes.h"

#include "api/ecs_launch.h"
#include "scheduler/task_set_decision.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ecs {
namespace {

using scheduler::RevisionSpec;
using scheduler::Service;
using scheduler::TaskSet;

constexpr const char* kPlatformFamily = "Linux";
constexpr double kPpmPerPercent = 10'000.0;

Json providers_json(const std::vector<scheduler::ProviderShare>& providers) {
  Json list = Json::array();
  for (const scheduler::ProviderShare& share : providers) {
    list.push_back(
        {{"capacityProvider", share.provider}, {"weight", share.weight}, {"base", share.base}});
  }
  return list;
}

}  // namespace

std::string task_set_arn(const Ecs& ecs, const scheduler::ServiceKey& key, const std::string& id) {
  return arn_of(ecs, fmt::format("task-set/{}/{}/{}", key.cluster, key.name, id));
}

void put_stored(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = stored_json(text);
}

void put_launcher(Json& json, const RevisionSpec& spec,
                  const std::vector<scheduler::ProviderShare>& providers,
                  const std::string& platform) {
  if (providers.empty()) {
    json["launchType"] = spec.request.launch_type;
  } else {
    json["capacityProviderStrategy"] = providers_json(providers);
  }
  if (spec.request.launch_type != "FARGATE") return;
  json["platformVersion"] = platform;
  json["platformFamily"] = kPlatformFamily;
}

std::string platform_number_of(const RevisionSpec& spec) {
  const std::string& version = spec.request.platform_version;
  return version == kLatestPlatform ? kPlatformVersion : version;
}

std::string definition_arn_of(const Ecs& ecs, const RevisionSpec& spec) {
  return revision_arn(ecs, spec.definition.family, spec.request.revision);
}

Json task_set_json(const Ecs& ecs, const Service& service, const TaskSet& set, Tags tags) {
  auto counts = ecs.core.services().counts_of(service.key, set.revision);
  Json json = {{"id", set.id},
               {"taskSetArn", task_set_arn(ecs, service.key, set.id)},
               {"serviceArn", service_arn(ecs, service.key)},
               {"clusterArn", cluster_arn(ecs, service.key.cluster)},
               {"status", name_of(set.status)},
               {"computedDesiredCount", task_set_count_of(service, set)},
               {"pendingCount", counts.pending},
               {"runningCount", counts.running},
               {"createdAt", epoch_of(set.created_at)},
               {"updatedAt", epoch_of(set.updated_at)},
               {"loadBalancers", Json::array()},
               {"serviceRegistries", Json::array()},
               {"scale", {{"value", set.scale_ppm / kPpmPerPercent}, {"unit", "PERCENT"}}},
               {"stabilityStatus", name_of(set.stability)},
               {"stabilityStatusAt", epoch_of(set.stability_at)},
               {"tags", tags == Tags::kWith ? tags_json(set.tags) : Json::array()}};
  if (!set.external_id.empty()) json["externalId"] = set.external_id;
  const auto* revision = ecs.core.services().find_revision(set.revision);
  if (revision == nullptr) return json;  // cannot be: a task set keeps its revision
  json["taskDefinition"] = definition_arn_of(ecs, revision->spec);
  put_launcher(json, revision->spec, set.providers, platform_number_of(revision->spec));
  put_stored(json, "networkConfiguration", revision->spec.network_configuration_json);
  return json;
}

Json task_sets_json(const Ecs& ecs, const Service& service, Tags tags) {
  Json list = Json::array();
  for (const TaskSet& set : service.task_sets) {
    Json json = task_set_json(ecs, service, set, tags);
    if (set.status == scheduler::TaskSetStatus::kPrimary) {
      list.insert(list.begin(), std::move(json));
    } else {
      list.push_back(std::move(json));
    }
  }
  return list;
}

}  // namespace berth::api::ecs
