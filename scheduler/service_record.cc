// Names are those of DescribeServices where it has them. Times are nanoseconds since 1970. What is
// empty is left out.
#include "scheduler/service_record.h"

#include "base/json.h"
#include "scheduler/definition_source.h"
#include "scheduler/record_values.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <utility>

namespace berth::scheduler {
namespace {

using ServiceJson = nlohmann::ordered_json;

constexpr auto kSchedulings =
    std::to_array({SchedulingStrategy::kReplica, SchedulingStrategy::kDaemon});
constexpr auto kControllers =
    std::to_array({DeploymentController::kEcs, DeploymentController::kExternal});
constexpr auto kStrategies =
    std::to_array({DeploymentStrategy::kRolling, DeploymentStrategy::kBlueGreen,
                   DeploymentStrategy::kLinear, DeploymentStrategy::kCanary});
constexpr auto kServiceStatuses =
    std::to_array({ServiceStatus::kActive, ServiceStatus::kDraining, ServiceStatus::kInactive});
constexpr auto kPropagations =
    std::to_array({PropagateTags::kNone, PropagateTags::kTaskDefinition, PropagateTags::kService});
constexpr auto kThresholds = std::to_array(
    {ThresholdType::kCount, ThresholdType::kBoundedPercent, ThresholdType::kUnboundedPercent});
constexpr auto kStages = std::to_array(
    {LifecycleStage::kReconcileService, LifecycleStage::kPreScaleUp, LifecycleStage::kScaleUp,
     LifecycleStage::kPostScaleUp, LifecycleStage::kTestTrafficShift,
     LifecycleStage::kPostTestTrafficShift, LifecycleStage::kPreProductionTrafficShift,
     LifecycleStage::kProductionTrafficShift, LifecycleStage::kPostProductionTrafficShift,
     LifecycleStage::kBakeTime, LifecycleStage::kCleanUp});
constexpr auto kHookTargets = std::to_array({HookTarget::kPause, HookTarget::kLambda});
constexpr auto kTimeoutActions =
    std::to_array({HookTimeoutAction::kRollback, HookTimeoutAction::kContinue});
constexpr auto kRollouts =
    std::to_array({RolloutState::kInProgress, RolloutState::kCompleted, RolloutState::kFailed});
constexpr auto kStabilities =
    std::to_array({StabilityStatus::kStabilizing, StabilityStatus::kSteadyState});
constexpr auto kSetStatuses =
    std::to_array({TaskSetStatus::kPrimary, TaskSetStatus::kActive, TaskSetStatus::kDraining});
constexpr auto kProgressStatuses = std::to_array(
    {ServiceDeploymentStatus::kPending, ServiceDeploymentStatus::kInProgress,
     ServiceDeploymentStatus::kSuccessful, ServiceDeploymentStatus::kStopRequested,
     ServiceDeploymentStatus::kStopped, ServiceDeploymentStatus::kRollbackRequested,
     ServiceDeploymentStatus::kRollbackInProgress, ServiceDeploymentStatus::kRollbackSuccessful,
     ServiceDeploymentStatus::kRollbackFailed});
constexpr auto kBreakerStatuses =
    std::to_array({BreakerStatus::kDisabled, BreakerStatus::kMonitoring,
                   BreakerStatus::kMonitoringComplete, BreakerStatus::kTriggered});
constexpr auto kHookStatuses =
    std::to_array({HookStatus::kInProgress, HookStatus::kAwaitingAction, HookStatus::kSucceeded,
                   HookStatus::kFailed, HookStatus::kTimedOut});

// ---- writing ----

// An object whose empty members are left out.
class ServiceWriter {
 public:
  ServiceWriter& text(const char* key, const std::string& value) {
    if (!value.empty()) json_[key] = value;
    return *this;
  }
  ServiceWriter& flag(const char* key, bool value) {
    if (value) json_[key] = true;
    return *this;
  }
  ServiceWriter& number(const char* key, int64_t value) {
    json_[key] = value;
    return *this;
  }
  ServiceWriter& time(const char* key, const std::optional<WallTime>& value) {
    if (value) json_[key] = value->time_since_epoch().count();
    return *this;
  }
  template <class Enum>
  ServiceWriter& word(const char* key, Enum value) {
    json_[key] = name_of(value);
    return *this;
  }
  ServiceWriter& list(const char* key, ServiceJson value) {
    if (!value.empty()) json_[key] = std::move(value);
    return *this;
  }
  ServiceJson take() { return std::move(json_); }

 private:
  ServiceJson json_ = ServiceJson::object();
};

ServiceJson shown(const ProviderShare& share) {
  return ServiceWriter()
      .text("provider", share.provider)
      .number("base", share.base)
      .number("weight", share.weight)
      .take();
}

ServiceJson shown(LifecycleStage stage) {
  return name_of(stage);
}

ServiceJson shown(const LifecycleHook& hook);
ServiceJson shown(const Deployment& deployment);
ServiceJson shown(const TaskSet& set);
ServiceJson shown(const HookRun& run);

template <class Item>
ServiceJson shown_list(const std::vector<Item>& items) {
  ServiceJson list = ServiceJson::array();
  for (const Item& item : items) list.push_back(shown(item));
  return list;
}

ServiceJson shown(const LifecycleHook& hook) {
  ServiceWriter writer;
  writer.word("target", hook.target)
      .text("targetArn", hook.target_arn)
      .text("roleArn", hook.role_arn)
      .text("details", hook.details_json)
      .list("stages", shown_list(hook.stages))
      .word("timeoutAction", hook.timeout_action);
  if (hook.timeout_minutes) writer.number("timeoutMinutes", *hook.timeout_minutes);
  return writer.take();
}

ServiceJson shown(const DeploymentConfiguration& rules) {
  const CircuitBreaker& breaker = rules.circuit_breaker;
  return ServiceWriter()
      .word("strategy", rules.strategy)
      .number("minimumHealthyPercent", rules.minimum_healthy_percent)
      .number("maximumPercent", rules.maximum_percent)
      .flag("breaker", breaker.enable)
      .flag("breakerRollback", breaker.rollback)
      .flag("breakerKeepsCounting", !breaker.reset_on_healthy_task)
      .word("breakerThreshold", breaker.threshold_type)
      .number("breakerValue", breaker.threshold_value)
      .list("alarms", rules.alarms.names)
      .flag("alarmsWatched", rules.alarms.enable)
      .flag("alarmsRollback", rules.alarms.rollback)
      .number("bakeMinutes", rules.bake_minutes)
      .number("linearStep", rules.linear.step_permille)
      .number("linearBakeMinutes", rules.linear.step_bake_minutes)
      .number("canary", rules.canary.canary_permille)
      .number("canaryBakeMinutes", rules.canary.canary_bake_minutes)
      .list("hooks", shown_list(rules.hooks))
      .take();
}

ServiceJson shown(const ServiceConfiguration& configuration) {
  return ServiceWriter()
      .word("schedulingStrategy", configuration.scheduling)
      .word("deploymentController", configuration.controller)
      .number("desiredCount", configuration.desired_count)
      .list("deployment", shown(configuration.deployment))
      .number("healthCheckGraceSeconds", configuration.health_check_grace_seconds)
      .list("providers", shown_list(configuration.providers))
      .flag("distinctInstance", configuration.distinct_instance)
      .text("placementConstraints", configuration.placement_constraints_json)
      .text("placementStrategy", configuration.placement_strategy_json)
      .flag("azRebalancing", configuration.az_rebalancing)
      .flag("enableExecuteCommand", configuration.enable_execute_command)
      .flag("enableManagedTags", configuration.enable_managed_tags)
      .word("propagateTags", configuration.propagate_tags)
      .list("tags", pairs_json(configuration.tags))
      .list("definitionTags", pairs_json(configuration.definition_tags))
      .text("roleArn", configuration.role_arn)
      .list("dependsOn", configuration.depends_on)
      .flag("isHeld", configuration.is_held)
      .take();
}

void write(ServiceWriter& writer, const Backoff& backoff) {
  writer.number("backoffFailures", backoff.failures)
      .number("crashes", backoff.crashes)
      .time("backoffSince", backoff.since)
      .time("backoffUntil", backoff.until);
}

ServiceJson shown(const Deployment& deployment) {
  ServiceWriter writer;
  writer.text("id", deployment.id)
      .text("revision", deployment.revision)
      .text("serviceDeployment", deployment.service_deployment)
      .time("createdAt", deployment.created_at)
      .time("updatedAt", deployment.updated_at)
      .number("failedTasks", deployment.failed_tasks)
      .time("lastFailureAt", deployment.last_failure_at)
      .word("rolloutState", deployment.rollout_state)
      .text("rolloutReason", deployment.rollout_reason)
      .flag("isRollback", deployment.is_rollback)
      .flag("isBlockedTold", deployment.is_blocked_told);
  write(writer, deployment.backoff);
  return writer.take();
}

ServiceJson shown(const TaskSet& set) {
  ServiceWriter writer;
  writer.text("id", set.id)
      .text("revision", set.revision)
      .text("externalId", set.external_id)
      .text("clientToken", set.client_token)
      .word("status", set.status)
      .number("scale", set.scale_ppm)
      .word("stability", set.stability)
      .time("stabilityAt", set.stability_at)
      .time("createdAt", set.created_at)
      .time("updatedAt", set.updated_at)
      .list("providers", shown_list(set.providers))
      .list("tags", pairs_json(set.tags));
  write(writer, set.backoff);
  return writer.take();
}

ServiceJson shown(const HookRun& run) {
  return ServiceWriter()
      .text("id", run.id)
      .number("hook", static_cast<int64_t>(run.hook))
      .word("stage", run.stage)
      .number("round", run.round)
      .word("status", run.status)
      .time("askedAt", run.asked_at)
      .time("expiresAt", run.expires_at)
      .take();
}

ServiceJson shown(const TaskRequest& request) {
  return ServiceWriter()
      .text("definition", request.definition_json)
      .number("number", request.revision)
      .text("launchType", request.launch_type)
      .text("platformVersion", request.platform_version)
      .text("subnet", request.subnet)
      .list("securityGroups", request.security_groups)
      .list("preStop", request.pre_stop)
      .take();
}

// ---- reading ----

template <class Enum, size_t N>
Result<Enum> word_at(const json::Node& node, const char* key, const std::array<Enum, N>& values) {
  std::string word = TRY(node.string_at(key));
  for (Enum value : values) {
    if (word == name_of(value)) return value;
  }
  return fail(Errc::kCorrupt, "{}.{}: unknown word '{}'", node.path(), key, word);
}

Result<std::string> text_at(const json::Node& node, const char* key) {
  return TRY(node.find_string(key)).value_or("");
}
Result<bool> flag_at(const json::Node& node, const char* key) {
  return TRY(node.find_bool(key)).value_or(false);
}

template <class Item>
Result<std::vector<Item>> items_at(const json::Node& node, const char* key,
                                   Result<Item> (*read)(const json::Node&)) {
  std::vector<Item> items;
  for (const json::Node& each : TRY(node.find_array(key))) items.push_back(TRY(read(each)));
  return items;
}

Result<ServiceKey> service_key_of(const json::Node& node) {
  ServiceKey key;
  key.cluster = TRY(node.string_at("cluster"));
  key.name = TRY(node.string_at("service"));
  return key;
}

Result<ProviderShare> read_share(const json::Node& node) {
  ProviderShare share;
  share.provider = TRY(text_at(node, "provider"));
  share.base = TRY(int_at(node, "base"));
  share.weight = TRY(int_at(node, "weight"));
  return share;
}

Result<LifecycleHook> read_hook(const json::Node& node) {
  LifecycleHook hook;
  hook.target = TRY(word_at(node, "target", kHookTargets));
  hook.target_arn = TRY(text_at(node, "targetArn"));
  hook.role_arn = TRY(text_at(node, "roleArn"));
  hook.details_json = TRY(text_at(node, "details"));
  for (const std::string& word : TRY(node.find_strings("stages"))) {
    for (LifecycleStage stage : kStages) {
      if (word == name_of(stage)) hook.stages.push_back(stage);
    }
  }
  hook.timeout_action = TRY(word_at(node, "timeoutAction", kTimeoutActions));
  if (node.find("timeoutMinutes")) hook.timeout_minutes = TRY(int_at(node, "timeoutMinutes"));
  return hook;
}

Result<DeploymentConfiguration> read_rules(const json::Node& node) {
  DeploymentConfiguration rules;
  rules.strategy = TRY(word_at(node, "strategy", kStrategies));
  rules.minimum_healthy_percent = TRY(int_at(node, "minimumHealthyPercent"));
  rules.maximum_percent = TRY(int_at(node, "maximumPercent"));
  rules.circuit_breaker.enable = TRY(flag_at(node, "breaker"));
  rules.circuit_breaker.rollback = TRY(flag_at(node, "breakerRollback"));
  rules.circuit_breaker.reset_on_healthy_task = !TRY(flag_at(node, "breakerKeepsCounting"));
  rules.circuit_breaker.threshold_type = TRY(word_at(node, "breakerThreshold", kThresholds));
  rules.circuit_breaker.threshold_value = TRY(int_at(node, "breakerValue"));
  rules.alarms.names = TRY(node.find_strings("alarms"));
  rules.alarms.enable = TRY(flag_at(node, "alarmsWatched"));
  rules.alarms.rollback = TRY(flag_at(node, "alarmsRollback"));
  rules.bake_minutes = TRY(int_at(node, "bakeMinutes"));
  rules.linear.step_permille = TRY(int_at(node, "linearStep"));
  rules.linear.step_bake_minutes = TRY(int_at(node, "linearBakeMinutes"));
  rules.canary.canary_permille = TRY(int_at(node, "canary"));
  rules.canary.canary_bake_minutes = TRY(int_at(node, "canaryBakeMinutes"));
  rules.hooks = TRY(items_at(node, "hooks", read_hook));
  return rules;
}

Result<ServiceConfiguration> read_configuration(const json::Node& node) {
  ServiceConfiguration configuration;
  configuration.scheduling = TRY(word_at(node, "schedulingStrategy", kSchedulings));
  configuration.controller = TRY(word_at(node, "deploymentController", kControllers));
  configuration.desired_count = TRY(int_at(node, "desiredCount"));
  configuration.deployment = TRY(read_rules(TRY(node.at("deployment"))));
  configuration.health_check_grace_seconds = TRY(int_at(node, "healthCheckGraceSeconds"));
  configuration.providers = TRY(items_at(node, "providers", read_share));
  configuration.distinct_instance = TRY(flag_at(node, "distinctInstance"));
  configuration.placement_constraints_json = TRY(text_at(node, "placementConstraints"));
  configuration.placement_strategy_json = TRY(text_at(node, "placementStrategy"));
  configuration.az_rebalancing = TRY(flag_at(node, "azRebalancing"));
  configuration.enable_execute_command = TRY(flag_at(node, "enableExecuteCommand"));
  configuration.enable_managed_tags = TRY(flag_at(node, "enableManagedTags"));
  configuration.propagate_tags = TRY(word_at(node, "propagateTags", kPropagations));
  configuration.tags = TRY(read_pairs(node, "tags"));
  configuration.definition_tags = TRY(read_pairs(node, "definitionTags"));
  configuration.role_arn = TRY(text_at(node, "roleArn"));
  configuration.depends_on = TRY(node.find_strings("dependsOn"));
  configuration.is_held = TRY(flag_at(node, "isHeld"));
  return configuration;
}

Result<Backoff> read_backoff(const json::Node& node) {
  Backoff backoff;
  backoff.failures = TRY(int_at(node, "backoffFailures"));
  backoff.crashes = TRY(int_at(node, "crashes"));
  backoff.since = TRY(find_time(node, "backoffSince"));
  backoff.until = TRY(find_time(node, "backoffUntil"));
  return backoff;
}

Result<Deployment> read_deployment(const json::Node& node) {
  Deployment deployment;
  deployment.id = TRY(node.string_at("id"));
  deployment.revision = TRY(node.string_at("revision"));
  deployment.service_deployment = TRY(text_at(node, "serviceDeployment"));
  deployment.created_at = TRY(wall_time_at(node, "createdAt"));
  deployment.updated_at = TRY(wall_time_at(node, "updatedAt"));
  deployment.failed_tasks = TRY(int_at(node, "failedTasks"));
  deployment.last_failure_at = TRY(find_time(node, "lastFailureAt"));
  deployment.rollout_state = TRY(word_at(node, "rolloutState", kRollouts));
  deployment.rollout_reason = TRY(text_at(node, "rolloutReason"));
  deployment.is_rollback = TRY(flag_at(node, "isRollback"));
  deployment.is_blocked_told = TRY(flag_at(node, "isBlockedTold"));
  deployment.backoff = TRY(read_backoff(node));
  return deployment;
}

Result<TaskSet> read_task_set(const json::Node& node) {
  TaskSet set;
  set.id = TRY(node.string_at("id"));
  set.revision = TRY(node.string_at("revision"));
  set.external_id = TRY(text_at(node, "externalId"));
  set.client_token = TRY(text_at(node, "clientToken"));
  set.status = TRY(word_at(node, "status", kSetStatuses));
  set.scale_ppm = TRY(int_at(node, "scale"));
  set.stability = TRY(word_at(node, "stability", kStabilities));
  set.stability_at = TRY(wall_time_at(node, "stabilityAt"));
  set.created_at = TRY(wall_time_at(node, "createdAt"));
  set.updated_at = TRY(wall_time_at(node, "updatedAt"));
  set.providers = TRY(items_at(node, "providers", read_share));
  set.tags = TRY(read_pairs(node, "tags"));
  set.backoff = TRY(read_backoff(node));
  return set;
}

Result<Service> read_service(const json::Node& root) {
  Service service;
  service.key = TRY(service_key_of(root));
  service.configuration = TRY(read_configuration(TRY(root.at("configuration"))));
  service.client_token = TRY(text_at(root, "clientToken"));
  service.request_digest = TRY(text_at(root, "requestDigest"));
  service.created_by = TRY(text_at(root, "createdBy"));
  service.created_at = TRY(wall_time_at(root, "createdAt"));
  service.status = TRY(word_at(root, "status", kServiceStatuses));
  service.inactive_at = TRY(find_time(root, "inactiveAt"));
  service.deployments = TRY(items_at(root, "deployments", read_deployment));
  service.task_sets = TRY(items_at(root, "taskSets", read_task_set));
  service.completed_revision = TRY(text_at(root, "completedRevision"));
  service.completed_deployment = TRY(text_at(root, "completedDeployment"));
  service.current_service_deployment = TRY(text_at(root, "currentServiceDeployment"));
  service.is_steady = TRY(flag_at(root, "isSteady"));
  service.steady_told_at = TRY(find_time(root, "steadyToldAt"));
  service.placement_told = TRY(text_at(root, "placementTold"));
  service.is_scale_in_told = TRY(flag_at(root, "isScaleInTold"));
  service.events_so_far = TRY(root.i64_at("eventsSoFar"));
  return service;
}

Result<ServiceRevision> read_service_revision(const json::Node& root, CpuArchitecture host) {
  ServiceRevision revision;
  revision.id = TRY(root.string_at("id"));
  revision.service = TRY(service_key_of(root));
  revision.created_at = TRY(wall_time_at(root, "createdAt"));
  for (const KeyValue& digest : TRY(read_pairs(root, "imageDigests"))) {
    revision.image_digests.emplace(digest.name, digest.value);
  }
  RevisionSpec& spec = revision.spec;
  json::Node request = TRY(root.at("request"));
  spec.request.cluster = revision.service.cluster;
  spec.request.definition_json = TRY(request.string_at("definition"));
  spec.request.revision = TRY(request.i64_at("number"));
  spec.request.launch_type = TRY(text_at(request, "launchType"));
  spec.request.platform_version = TRY(text_at(request, "platformVersion"));
  spec.request.subnet = TRY(text_at(request, "subnet"));
  spec.request.security_groups = TRY(request.find_strings("securityGroups"));
  spec.request.pre_stop = TRY(read_commands(request, "preStop"));
  spec.request.volumes_json = TRY(text_at(root, "volumeConfigurations"));
  spec.definition = TRY(make_definition(
      {spec.request.definition_json, "", spec.request.launch_type, spec.request.volumes_json},
      host));
  spec.network_configuration_json = TRY(text_at(root, "networkConfiguration"));
  spec.load_balancers_json = TRY(text_at(root, "loadBalancers"));
  spec.service_registries_json = TRY(text_at(root, "serviceRegistries"));
  spec.service_connect_json = TRY(text_at(root, "serviceConnect"));
  return revision;
}

Result<HookRun> read_hook_run(const json::Node& node) {
  HookRun run;
  run.id = TRY(node.string_at("id"));
  run.hook = static_cast<size_t>(TRY(int_at(node, "hook")));
  run.stage = TRY(word_at(node, "stage", kStages));
  run.round = TRY(int_at(node, "round"));
  run.status = TRY(word_at(node, "status", kHookStatuses));
  run.asked_at = TRY(wall_time_at(node, "askedAt"));
  run.expires_at = TRY(find_time(node, "expiresAt"));
  return run;
}

Result<ServiceDeployment> read_progress(const json::Node& root) {
  ServiceDeployment progress;
  progress.id = TRY(root.string_at("id"));
  progress.service = TRY(service_key_of(root));
  progress.status = TRY(word_at(root, "status", kProgressStatuses));
  progress.status_reason = TRY(text_at(root, "statusReason"));
  progress.source_revisions = TRY(root.find_strings("sourceRevisions"));
  progress.target_revision = TRY(text_at(root, "targetRevision"));
  progress.configuration = TRY(read_rules(TRY(root.at("configuration"))));
  progress.created_at = TRY(wall_time_at(root, "createdAt"));
  progress.updated_at = TRY(wall_time_at(root, "updatedAt"));
  progress.started_at = TRY(find_time(root, "startedAt"));
  progress.finished_at = TRY(find_time(root, "finishedAt"));
  progress.stopped_at = TRY(find_time(root, "stoppedAt"));
  progress.breaker = TRY(word_at(root, "breaker", kBreakerStatuses));
  progress.breaker_failures = TRY(int_at(root, "breakerFailures"));
  progress.breaker_threshold = TRY(int_at(root, "breakerThreshold"));
  progress.triggered_alarms = TRY(root.find_strings("triggeredAlarms"));
  progress.are_alarms_watched = TRY(flag_at(root, "areAlarmsWatched"));
  if (auto rollback = root.find("rollback")) {
    progress.rollback.emplace();
    progress.rollback->reason = TRY(text_at(*rollback, "reason"));
    progress.rollback->started_at = TRY(wall_time_at(*rollback, "startedAt"));
    progress.rollback->revision = TRY(text_at(*rollback, "revision"));
  }
  if (root.find("stage")) progress.stage = TRY(word_at(root, "stage", kStages));
  progress.stage_at = TRY(wall_time_at(root, "stageAt"));
  progress.hooks = TRY(items_at(root, "hookRuns", read_hook_run));
  progress.production_permille = TRY(int_at(root, "production"));
  progress.test_permille = TRY(int_at(root, "test"));
  progress.steps = TRY(int_at(root, "steps"));
  progress.bake_until = TRY(find_time(root, "bakeUntil"));
  return progress;
}

Result<KeptServiceEvent> read_service_event(const json::Node& root) {
  KeptServiceEvent kept;
  kept.service = TRY(service_key_of(root));
  kept.event.id = TRY(root.string_at("id"));
  kept.event.number = TRY(root.i64_at("number"));
  kept.event.created_at = TRY(wall_time_at(root, "createdAt"));
  kept.event.message = TRY(text_at(root, "message"));
  kept.event.name = TRY(text_at(root, "name"));
  kept.event.cause = TRY(text_at(root, "cause"));
  return kept;
}

}  // namespace

std::string service_record_key(const ServiceKey& service) {
  return service.cluster + " " + service.name;
}

std::string event_record_key(const ServiceKey& service, int64_t number) {
  return fmt::format("{} {} {:010}", service.cluster, service.name, number);
}

Record service_record_of(const Service& service) {
  ServiceJson json = ServiceWriter()
                         .text("cluster", service.key.cluster)
                         .text("service", service.key.name)
                         .list("configuration", shown(service.configuration))
                         .text("clientToken", service.client_token)
                         .text("requestDigest", service.request_digest)
                         .text("createdBy", service.created_by)
                         .time("createdAt", service.created_at)
                         .word("status", service.status)
                         .time("inactiveAt", service.inactive_at)
                         .list("deployments", shown_list(service.deployments))
                         .list("taskSets", shown_list(service.task_sets))
                         .text("completedRevision", service.completed_revision)
                         .text("completedDeployment", service.completed_deployment)
                         .text("currentServiceDeployment", service.current_service_deployment)
                         .flag("isSteady", service.is_steady)
                         .time("steadyToldAt", service.steady_told_at)
                         .text("placementTold", service.placement_told)
                         .flag("isScaleInTold", service.is_scale_in_told)
                         .number("eventsSoFar", service.events_so_far)
                         .take();
  return {kServiceKind, service_record_key(service.key), record_text(json)};
}

Record service_record_of(const ServiceRevision& revision) {
  const RevisionSpec& spec = revision.spec;
  std::vector<KeyValue> digests;
  for (const auto& [container, digest] : revision.image_digests) {
    digests.push_back({container, digest});
  }
  ServiceJson json = ServiceWriter()
                         .text("id", revision.id)
                         .text("cluster", revision.service.cluster)
                         .text("service", revision.service.name)
                         .time("createdAt", revision.created_at)
                         .list("imageDigests", pairs_json(digests))
                         .list("request", shown(spec.request))
                         .text("networkConfiguration", spec.network_configuration_json)
                         .text("loadBalancers", spec.load_balancers_json)
                         .text("serviceRegistries", spec.service_registries_json)
                         .text("serviceConnect", spec.service_connect_json)
                         .text("volumeConfigurations", spec.request.volumes_json)
                         .take();
  return {kServiceRevisionKind, revision.id, record_text(json)};
}

Record service_record_of(const ServiceDeployment& deployment) {
  ServiceWriter writer;
  writer.text("id", deployment.id)
      .text("cluster", deployment.service.cluster)
      .text("service", deployment.service.name)
      .word("status", deployment.status)
      .text("statusReason", deployment.status_reason)
      .list("sourceRevisions", deployment.source_revisions)
      .text("targetRevision", deployment.target_revision)
      .list("configuration", shown(deployment.configuration))
      .time("createdAt", deployment.created_at)
      .time("updatedAt", deployment.updated_at)
      .time("startedAt", deployment.started_at)
      .time("finishedAt", deployment.finished_at)
      .time("stoppedAt", deployment.stopped_at)
      .word("breaker", deployment.breaker)
      .number("breakerFailures", deployment.breaker_failures)
      .number("breakerThreshold", deployment.breaker_threshold)
      .list("triggeredAlarms", deployment.triggered_alarms)
      .flag("areAlarmsWatched", deployment.are_alarms_watched)
      .time("stageAt", deployment.stage_at)
      .list("hookRuns", shown_list(deployment.hooks))
      .number("production", deployment.production_permille)
      .number("test", deployment.test_permille)
      .number("steps", deployment.steps)
      .time("bakeUntil", deployment.bake_until);
  if (deployment.stage) writer.word("stage", *deployment.stage);
  if (deployment.rollback) {
    writer.list("rollback", ServiceWriter()
                                .text("reason", deployment.rollback->reason)
                                .time("startedAt", deployment.rollback->started_at)
                                .text("revision", deployment.rollback->revision)
                                .take());
  }
  return {kServiceDeploymentKind, deployment.id, record_text(writer.take())};
}

Record service_record_of(const ServiceKey& service, const ServiceEvent& event) {
  ServiceJson json = ServiceWriter()
                         .text("cluster", service.cluster)
                         .text("service", service.name)
                         .text("id", event.id)
                         .number("number", event.number)
                         .time("createdAt", event.created_at)
                         .text("message", event.message)
                         .text("name", event.name)
                         .text("cause", event.cause)
                         .take();
  return {kServiceEventKind, event_record_key(service, event.number), record_text(json)};
}

Result<Service> parse_service_record(const Record& record) {
  return read_record(record, read_service);
}
Result<ServiceRevision> parse_service_revision_record(const Record& record, CpuArchitecture host) {
  return read_record(record,
                     [host](const json::Node& root) { return read_service_revision(root, host); });
}
Result<ServiceDeployment> parse_service_deployment_record(const Record& record) {
  return read_record(record, read_progress);
}
Result<KeptServiceEvent> parse_service_event_record(const Record& record) {
  return read_record(record, read_service_event);
}

}  // namespace berth::scheduler
