// CreateService, UpdateService, DeleteService: what a service is to be, told to the scheduler in
// one step. What has to be done about it is the scheduler's to decide.
#include "api/ecs_deployment_configuration.h"
#include "api/ecs_launch.h"
#include "api/ecs_service_ask.h"
#include "api/ecs_service_controller.h"
#include "api/ecs_service_dependencies.h"
#include "api/ecs_service_shapes.h"
#include "api/ecs_tags.h"
#include "api/ecs_volumes.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::DeploymentController;
using scheduler::SchedulingStrategy;
using scheduler::Service;
using scheduler::ServiceStatus;

constexpr size_t kServiceTokenMax = 36;
constexpr const char* kServiceRole =
    "arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";

Json service_answer(const Ecs& ecs, const scheduler::ServiceKey& key) {
  const Service* service = ecs.core.services().find(key);
  return {{"service", service_json(ecs, *service, Tags::kWith)}};
}

// ---- create ----

void read_scheduling(Ask& ask, ServiceDraft& draft) {
  bool is_daemon = ask.word("schedulingStrategy", {"REPLICA", "DAEMON"}) == "DAEMON";
  auto scheduling = is_daemon ? SchedulingStrategy::kDaemon : SchedulingStrategy::kReplica;
  draft.configuration.scheduling = scheduling;
  draft.configuration.deployment = default_deployment(scheduling);
  draft.configuration.az_rebalancing = !is_daemon;
  bool is_external = draft.configuration.controller == DeploymentController::kExternal;
  if (!is_daemon && !is_external && !ask.has("desiredCount")) {
    ask.invalid("desiredCount can not be null for the scheduling strategy REPLICA.");
  }
}

void read_service_launcher(Ask& ask, const scheduler::Cluster& cluster, ServiceDraft& draft) {
  Launcher launcher = read_launcher(ask, cluster);
  if (launcher.launch_type == "FARGATE" &&
      draft.configuration.scheduling == SchedulingStrategy::kDaemon) {
    ask.invalid("The daemon scheduling strategy is not supported with FARGATE.");
  }
  draft.configuration.providers = shares_of(launcher.strategy);
  scheduler::TaskRequest& request = draft.revision.request;
  request.cluster = cluster.name;
  request.launch_type = launcher.launch_type;
  request.platform_version = read_platform(ask, launcher.launch_type);
  bool is_latest = launcher.launch_type == "FARGATE" && request.platform_version.empty();
  if (is_latest) request.platform_version = kLatestPlatform;
}

ServiceDraft read_new_service(const Ecs& ecs, Ask& ask) {
  ServiceDraft draft;
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  draft.key.name = ask.required_text("serviceName");
  if (!is_name(draft.key.name)) {
    ask.invalid(fmt::format("ServiceName must match {}, but was {}", kNamePattern,
                            printable(draft.key.name, kNameShown)));
  }
  if (cluster == nullptr) return draft;
  draft.key.cluster = cluster->name;
  draft.configuration.controller = read_controller(ask);
  bool is_external = draft.configuration.controller == DeploymentController::kExternal;
  refuse_data_planes(ask);
  if (!ask.text("role").empty()) {
    ask.invalid("role: it is for a load balancer, and the service has none.");
  }
  read_scheduling(ask, draft);
  if (!is_external) read_service_launcher(ask, *cluster, draft);
  read_service_configuration(ask, draft);
  read_dependencies(ecs, ask, draft);
  draft.configuration.tags = read_tags(ask, "tags");
  draft.configuration.role_arn = fmt::format(kServiceRole, ecs.settings.account);
  if (is_external) {
    refuse_set_members(ask);
    refuse_volumes(ask);
    check_external(ask, draft.configuration);
    return draft;
  }
  read_service_definition(ecs, ask, draft);
  read_service_network(ecs, ask, draft);
  read_volumes(ask, draft.revision.request, VolumesOf::kService);
  read_pre_stop(ask, draft);
  return draft;
}

// Who has the token or the name already; null for nobody, then the service may be made.
const Service* find_repeated(const Ecs& ecs, Ask& ask, const scheduler::ServiceKey& key,
                             const std::string& token, const std::string& digest) {
  for (const Service* each : services_of(ecs, key.cluster)) {
    if (each->status == ServiceStatus::kInactive) continue;
    bool has_token = !token.empty() && each->client_token == token;
    if (has_token && each->request_digest == digest) return each;
    if (has_token || each->key == key) {
      ask.invalid(each->status == ServiceStatus::kDraining
                      ? "Unable to Start a service that is still Draining."
                      : "Creation of service was not idempotent.");
      return nullptr;
    }
  }
  return nullptr;
}

void check_room(const Ecs& ecs, Ask& ask, const scheduler::ServiceKey& key) {
  size_t active = 0;
  for (const Service* each : services_of(ecs, key.cluster)) {
    if (each->status != ServiceStatus::kInactive) ++active;
  }
  if (active < scheduler::kServicesMax) return;
  ask.client_error(
      fmt::format("The cluster has {} services, and can have no more.", scheduler::kServicesMax));
}

// ---- update ----

// Members that are about what runs: with one of them another revision may come.
constexpr std::initializer_list<const char*> kRevisionMembers = {
    "taskDefinition",       "networkConfiguration",
    "platformVersion",      "serviceConnectConfiguration",
    "volumeConfigurations", kPreStop};

// A strategy instead of a launch type runs its tasks on Fargate: other tasks than before.
void read_changed_strategy(Ask& ask, const scheduler::Cluster& cluster, ServiceDraft& draft) {
  if (!ask.has("capacityProviderStrategy")) return;
  Strategy strategy = read_strategy(ask, "capacityProviderStrategy", cluster.capacity_providers);
  if (strategy.empty()) strategy = parse_strategy(cluster.default_strategy_json);
  if (strategy.empty()) {
    ask.invalid(
        "capacityProviderStrategy is empty, and the cluster has no default strategy; name a "
        "capacity provider.");
    return;
  }
  draft.configuration.providers = shares_of(strategy);
  if (draft.revision.request.launch_type == "FARGATE") return;
  if (!ask.flag("forceNewDeployment")) {
    ask.invalid(
        fmt::format("The service has the launch type {}: set forceNewDeployment to move it "
                    "to a capacity provider strategy.",
                    draft.revision.request.launch_type));
  }
  draft.revision.request.launch_type = "FARGATE";
  draft.revision.request.platform_version = kLatestPlatform;
}

// What a service is, to be changed.
ServiceDraft draft_of(const Ecs& ecs, const Service& service) {
  ServiceDraft draft;
  draft.key = service.key;
  draft.configuration = service.configuration;
  if (service.deployments.empty()) return draft;  // its task sets say what runs
  const scheduler::ServiceRevision* revision =
      ecs.core.services().find_revision(service.deployments.front().revision);
  draft.revision = revision->spec;
  return draft;
}

// Null: refused.
const Service* find_changeable(const Ecs& ecs, Ask& ask) {
  const Service* service = find_service(ecs, ask);
  if (service == nullptr) return nullptr;
  if (service->status == ServiceStatus::kActive) return service;
  ask.refuse("ServiceNotActiveException", "Service was not ACTIVE.");
  return nullptr;
}

void read_changes(const Ecs& ecs, Ask& ask, const Service& service, ServiceDraft& draft) {
  read_changed_controller(ask, service.configuration.controller);
  refuse_data_planes(ask);
  read_dependencies(ecs, ask, draft);
  read_hold(ask, draft);
  if (service.configuration.controller == DeploymentController::kExternal) {
    refuse_changed_set_members(ask);
    refuse_volumes(ask);
    read_service_configuration(ask, draft);
    check_external(ask, draft.configuration);
    return;
  }
  read_changed_strategy(ask, *ecs.catalog.find_cluster(service.key.cluster), draft);
  if (ask.has("platformVersion")) {
    draft.revision.request.platform_version =
        read_platform(ask, draft.revision.request.launch_type);
  }
  read_service_configuration(ask, draft);
  read_pre_stop(ask, draft);
  if (ask.has("taskDefinition")) read_service_definition(ecs, ask, draft);
  read_service_network(ecs, ask, draft);
  read_volumes(ask, draft.revision.request, VolumesOf::kService);
}

}  // namespace

Json create_service(Ecs& ecs, Ask& ask) {
  std::string token = read_client_token(ask, kServiceTokenMax);
  std::string digest = request_digest_of(ask);
  ServiceDraft draft = read_new_service(ecs, ask);
  if (ask.refused()) return {};
  const Service* repeated = find_repeated(ecs, ask, draft.key, token, digest);
  if (ask.refused()) return {};
  if (repeated != nullptr) return service_answer(ecs, repeated->key);
  bool is_external = draft.configuration.controller == DeploymentController::kExternal;
  if (!is_external) {
    resolve_service_definition(ecs, ask, draft);
    check_pre_stop(ask, draft);
  }
  check_room(ecs, ask, draft.key);
  if (ask.refused()) return {};
  scheduler::ServiceCreated created;
  created.service = draft.key;
  created.configuration = std::move(draft.configuration);
  if (!is_external) created.revision = std::move(draft.revision);
  created.client_token = token;
  created.request_digest = digest;
  created.created_by = ask.call().caller.arn;
  ecs.core.submit(std::move(created));
  ask.check(ecs.step());
  return ask.refused() ? Json() : service_answer(ecs, draft.key);
}

// Which members start a deployment is AWS's list; one that says what is so already starts none.
Json update_service(Ecs& ecs, Ask& ask) {
  const Service* service = find_changeable(ecs, ask);
  if (service == nullptr) return {};
  ServiceDraft draft = draft_of(ecs, *service);
  const scheduler::RevisionSpec before = draft.revision;
  read_changes(ecs, ask, *service, draft);
  bool is_forced = ask.flag("forceNewDeployment");
  if (ask.refused()) return {};
  bool is_asked = std::any_of(kRevisionMembers.begin(), kRevisionMembers.end(),
                              [&](const char* key) { return ask.has(key); });
  if (is_asked || is_forced) {
    resolve_service_definition(ecs, ask, draft);
    check_pre_stop(ask, draft);
  }
  if (ask.refused()) return {};
  scheduler::ServiceUpdated updated;
  updated.service = draft.key;
  updated.configuration = std::move(draft.configuration);
  if (is_forced || draft.revision != before) updated.revision = std::move(draft.revision);
  ecs.core.submit(std::move(updated));
  ask.check(ecs.step());
  return ask.refused() ? Json() : service_answer(ecs, draft.key);
}

Json delete_service(Ecs& ecs, Ask& ask) {
  bool is_forced = ask.flag("force");
  const Service* service = find_service(ecs, ask);
  if (service == nullptr) return {};
  scheduler::ServiceKey key = service->key;
  const scheduler::ServiceConfiguration& configuration = service->configuration;
  bool is_scaled =
      configuration.scheduling == SchedulingStrategy::kReplica && configuration.desired_count > 0;
  bool is_active = service->status == ServiceStatus::kActive;
  if (is_active && is_scaled && !is_forced) {
    ask.invalid("The service cannot be stopped while it is scaled above 0.");
  }
  if (ask.refused()) return {};
  if (is_active) {
    ecs.core.submit(scheduler::ServiceDeleted{key});
    ask.check(ecs.step());
  }
  return ask.refused() ? Json() : service_answer(ecs, key);
}

}  // namespace berth::api::ecs
