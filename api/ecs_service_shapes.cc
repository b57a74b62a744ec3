#include "api/ecs_service_shapes.h"

#include "api/ecs_deployment_configuration.h"
#include "api/ecs_launch.h"
#include "api/ecs_task_set_shapes.h"
#include "scheduler/traffic_shift.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ecs {
namespace {

using scheduler::Deployment;
using scheduler::RevisionSpec;
using scheduler::Service;
using scheduler::ServiceDeployment;
using scheduler::ServiceRevision;

constexpr double kPermillePerPercent = 10.0;
constexpr int kWholePermille = 1000;

void put_service_time(Json& json, const char* key, const std::optional<WallTime>& time) {
  if (time) json[key] = epoch_of(*time);
}

// Tasks that one revision of a service is to have, has, and is starting.
struct RevisionCounts {
  int desired = 0;
  int pending = 0;
  int running = 0;
};

// The deployment under way, when it goes through stages.
const ServiceDeployment* find_shifting(const Ecs& ecs, const Service& service) {
  const auto* current = ecs.core.services().find_deployment(service.current_service_deployment);
  bool shifts = current != nullptr && current->stage &&
                current->status == scheduler::ServiceDeploymentStatus::kInProgress;
  return shifts ? current : nullptr;
}

// A deployment that is being replaced, or has failed, keeps what it has and gets no more.
RevisionCounts revision_counts_of(const Ecs& ecs, const Service& service,
                                  const std::string& revision) {
  auto counts = ecs.core.services().counts_of(service.key, revision);
  int desired = counts.pending + counts.running;
  if (!service.deployments.empty()) {
    const Deployment& primary = service.deployments.front();
    bool grows =
        primary.revision == revision && primary.rollout_state != scheduler::RolloutState::kFailed;
    if (grows) desired = desired_tasks_of(service);
    if (const ServiceDeployment* shifting = find_shifting(ecs, service)) {
      auto sides = shift_counts_of(*shifting, desired_tasks_of(service));
      if (revision == shifting->target_revision) desired = sides.green;
      if (revision == service.completed_revision) desired = sides.blue;
    }
  }
  return {desired, counts.pending, counts.running};
}

Json deployment_json(const Ecs& ecs, const Service& service, const Deployment& deployment,
                     bool is_primary) {
  RevisionCounts counts = revision_counts_of(ecs, service, deployment.revision);
  Json json = {{"id", deployment.id},
               {"status", is_primary ? "PRIMARY" : "ACTIVE"},
               {"desiredCount", counts.desired},
               {"pendingCount", counts.pending},
               {"runningCount", counts.running},
               {"failedTasks", deployment.failed_tasks},
               {"createdAt", epoch_of(deployment.created_at)},
               {"updatedAt", epoch_of(deployment.updated_at)},
               {"rolloutState", name_of(deployment.rollout_state)},
               {"rolloutStateReason", deployment.rollout_reason}};
  const ServiceRevision* revision = ecs.core.services().find_revision(deployment.revision);
  if (revision == nullptr) return json;  // cannot be: a deployment keeps its revision
  json["taskDefinition"] = definition_arn_of(ecs, revision->spec);
  put_launcher(json, revision->spec, service.configuration.providers,
               platform_number_of(revision->spec));
  put_stored(json, "networkConfiguration", revision->spec.network_configuration_json);
  put_stored(json, "serviceConnectConfiguration", revision->spec.service_connect_json);
  put_stored(json, "volumeConfigurations", revision->spec.request.volumes_json);
  return json;
}

Json events_json(const Ecs& ecs, const Service& service) {
  Json list = Json::array();
  for (const scheduler::ServiceEvent& event : ecs.core.services().events_of(service.key)) {
    if (event.message.empty()) continue;  // ours alone
    list.push_back(
        {{"id", event.id}, {"createdAt", epoch_of(event.created_at)}, {"message", event.message}});
  }
  return list;
}

Json revision_counts_json(const Ecs& ecs, const scheduler::ServiceKey& key,
                          const std::string& revision) {
  Json json = {{"arn", service_revision_arn(ecs, key, revision)}};
  const Service* service = ecs.core.services().find(key);
  if (service == nullptr) return json;
  RevisionCounts counts = revision_counts_of(ecs, *service, revision);
  json["requestedTaskCount"] = counts.desired;
  json["runningTaskCount"] = counts.running;
  json["pendingTaskCount"] = counts.pending;
  return json;
}

// What the PRIMARY has, at the level of the service; of one that is gone, what it had last.
void put_primary(const Ecs& ecs, const Service& service, Json& json) {
  Json deployments = Json::array();
  Json revisions = Json::array();
  for (const Deployment& deployment : service.deployments) {
    deployments.push_back(
        deployment_json(ecs, service, deployment, &deployment == &service.deployments.front()));
    revisions.push_back(revision_counts_json(ecs, service.key, deployment.revision));
  }
  json["deployments"] = std::move(deployments);
  json["currentServiceRevisions"] = std::move(revisions);
  if (service.configuration.controller == scheduler::DeploymentController::kExternal) {
    json["taskSets"] = task_sets_json(ecs, service, Tags::kWithout);
  }
  if (!service.current_service_deployment.empty()) {
    json["currentServiceDeployment"] =
        service_deployment_arn(ecs, service.key, service.current_service_deployment);
  }
  const ServiceRevision* revision = current_revision_of(ecs, service);
  if (revision == nullptr) return;
  json["taskDefinition"] = definition_arn_of(ecs, revision->spec);
  put_launcher(json, revision->spec, service.configuration.providers,
               revision->spec.request.platform_version);
  put_stored(json, "networkConfiguration", revision->spec.network_configuration_json);
}

Json hooks_json(const ServiceDeployment& deployment, Waits waits) {
  Json list = Json::array();
  for (const scheduler::HookRun& run : deployment.hooks) {
    if (run.hook >= deployment.configuration.hooks.size()) continue;
    const scheduler::LifecycleHook& hook = deployment.configuration.hooks[run.hook];
    Json json = {
        {"hookId", run.id}, {"targetType", name_of(hook.target)}, {"status", name_of(run.status)}};
    if (waits == Waits::kWith) json["lifecycleStage"] = name_of(run.stage);
    if (!hook.target_arn.empty()) json["targetArn"] = hook.target_arn;
    if (run.expires_at) {
      json["expiresAt"] = epoch_of(*run.expires_at);
      json["timeoutAction"] = name_of(hook.timeout_action);
    }
    list.push_back(std::move(json));
  }
  return list;
}

// Alarms are watched until one is raised or the deployment is over.
const char* alarms_status_of(const ServiceDeployment& deployment) {
  if (!deployment.triggered_alarms.empty()) return name_of(scheduler::BreakerStatus::kTriggered);
  if (!deployment.are_alarms_watched) return name_of(scheduler::BreakerStatus::kDisabled);
  return name_of(is_over(deployment.status) ? scheduler::BreakerStatus::kMonitoringComplete
                                            : scheduler::BreakerStatus::kMonitoring);
}

struct TrafficShares {
  int production = 0;  // thousandths
  int test = 0;
};

void put_traffic(Json& json, const ServiceDeployment& deployment, TrafficShares shares) {
  if (!deployment.stage) return;
  json["requestedTestTrafficWeight"] = shares.test / kPermillePerPercent;
  json["requestedProductionTrafficWeight"] = shares.production / kPermillePerPercent;
}

// What the target has not, the one has that was complete before it: of several sources the last
// one in the list, the others were on their way.
TrafficShares source_shares_of(const ServiceDeployment& deployment, const std::string& revision) {
  if (revision != deployment.source_revisions.back()) return {};
  return {.production = kWholePermille - deployment.production_permille, .test = 0};
}

}  // namespace

Json service_json(const Ecs& ecs, const Service& service, Tags tags) {
  const scheduler::ServiceConfiguration& configuration = service.configuration;
  auto counts = ecs.core.services().counts_of(service.key, "");
  Json json = {
      {"serviceArn", service_arn(ecs, service.key)},
      {"serviceName", service.key.name},
      {"clusterArn", cluster_arn(ecs, service.key.cluster)},
      {"loadBalancers", Json::array()},
      {"serviceRegistries", Json::array()},
      {"status", name_of(service.status)},
      {"desiredCount", desired_tasks_of(service)},
      {"runningCount", counts.running},
      {"pendingCount", counts.pending},
      {"deploymentConfiguration", deployment_configuration_json(configuration.deployment)},
      {"roleArn", configuration.role_arn},
      {"events", events_json(ecs, service)},
      {"createdAt", epoch_of(service.created_at)},
      {"placementConstraints", stored_json(configuration.placement_constraints_json)},
      {"placementStrategy", stored_json(configuration.placement_strategy_json)},
      {"healthCheckGracePeriodSeconds", configuration.health_check_grace_seconds},
      {"schedulingStrategy", name_of(configuration.scheduling)},
      {"deploymentController", {{"type", name_of(configuration.controller)}}},
      {"createdBy", service.created_by},
      {"enableECSManagedTags", configuration.enable_managed_tags},
      {"propagateTags", name_of(configuration.propagate_tags)},
      {"enableExecuteCommand", configuration.enable_execute_command},
      {"availabilityZoneRebalancing", configuration.az_rebalancing ? "ENABLED" : "DISABLED"},
      {"tags", tags == Tags::kWith ? tags_json(configuration.tags) : Json::array()}};
  put_primary(ecs, service, json);
  return json;
}

Json service_causes_json(const Ecs& ecs, const Service& service) {
  Json list = Json::array();
  for (const scheduler::ServiceEvent& event : ecs.core.services().events_of(service.key)) {
    list.push_back({{"id", event.id},
                    {"createdAt", epoch_of(event.created_at)},
                    {"message", event.message},
                    {"name", event.name},
                    {"cause", event.cause}});
  }
  return list;
}

Json service_deployment_row(const Ecs& ecs, const ServiceDeployment& deployment) {
  const scheduler::ServiceKey& key = deployment.service;
  Json json = {
      {"serviceDeploymentArn", service_deployment_arn(ecs, key, deployment.id)},
      {"serviceArn", service_arn(ecs, key)},
      {"clusterArn", cluster_arn(ecs, key.cluster)},
      {"createdAt", epoch_of(deployment.created_at)},
      {"targetServiceRevisionArn", service_revision_arn(ecs, key, deployment.target_revision)},
      {"status", name_of(deployment.status)}};
  put_service_time(json, "startedAt", deployment.started_at);
  put_service_time(json, "finishedAt", deployment.finished_at);
  if (!deployment.status_reason.empty()) json["statusReason"] = deployment.status_reason;
  return json;
}

Json service_deployment_json(const Ecs& ecs, const ServiceDeployment& deployment, Waits waits) {
  const scheduler::ServiceKey& key = deployment.service;
  Json json = service_deployment_row(ecs, deployment);
  json.erase("targetServiceRevisionArn");
  json["updatedAt"] = epoch_of(deployment.updated_at);
  put_service_time(json, "stoppedAt", deployment.stopped_at);
  Json sources = Json::array();
  for (const std::string& revision : deployment.source_revisions) {
    sources.push_back(revision_counts_json(ecs, key, revision));
    put_traffic(sources.back(), deployment, source_shares_of(deployment, revision));
  }
  json["sourceServiceRevisions"] = std::move(sources);
  Json target = revision_counts_json(ecs, key, deployment.target_revision);
  put_traffic(target, deployment,
              {.production = deployment.production_permille, .test = deployment.test_permille});
  json["targetServiceRevision"] = std::move(target);
  json["deploymentConfiguration"] = deployment_configuration_json(deployment.configuration);
  if (deployment.stage) {
    json["lifecycleStage"] = name_of(*deployment.stage);
    json["lifecycleHookDetails"] = hooks_json(deployment, waits);
  }
  bool is_under_way = !is_over(deployment.status);
  if (waits == Waits::kWith && is_under_way) {
    put_service_time(json, "bakesUntil", deployment.bake_until);
  }
  if (deployment.rollback) {
    json["rollback"] = {
        {"reason", deployment.rollback->reason},
        {"startedAt", epoch_of(deployment.rollback->started_at)},
        {"serviceRevisionArn", service_revision_arn(ecs, key, deployment.rollback->revision)}};
  }
  json["deploymentCircuitBreaker"] = {{"status", name_of(deployment.breaker)},
                                      {"failureCount", deployment.breaker_failures},
                                      {"threshold", deployment.breaker_threshold}};
  if (!deployment.configuration.alarms.names.empty()) {
    json["alarms"] = {{"status", alarms_status_of(deployment)},
                      {"alarmNames", deployment.configuration.alarms.names},
                      {"triggeredAlarmNames", deployment.triggered_alarms}};
  }
  return json;
}

Json service_revision_json(const Ecs& ecs, const ServiceRevision& revision) {
  const RevisionSpec& spec = revision.spec;
  Json images = Json::array();
  for (const scheduler::ContainerDefinition& container : spec.definition.container_definitions) {
    Json image = {{"containerName", container.name}, {"image", container.image}};
    auto digest = revision.image_digests.find(container.name);
    if (digest != revision.image_digests.end()) image["imageDigest"] = digest->second;
    images.push_back(std::move(image));
  }
  Json json = {{"serviceRevisionArn", service_revision_arn(ecs, revision.service, revision.id)},
               {"serviceArn", service_arn(ecs, revision.service)},
               {"clusterArn", cluster_arn(ecs, revision.service.cluster)},
               {"taskDefinition", definition_arn_of(ecs, spec)},
               {"containerImages", std::move(images)},
               {"guardDutyEnabled", false},
               {"createdAt", epoch_of(revision.created_at)}};
  put_launcher(json, spec, {}, platform_number_of(spec));
  put_stored(json, "networkConfiguration", spec.network_configuration_json);
  put_stored(json, "serviceConnectConfiguration", spec.service_connect_json);
  put_stored(json, "volumeConfigurations", spec.request.volumes_json);
  return json;
}

}  // namespace berth::api::ecs
