#include "api/ecs_service_ask.h"

#include "api/ecs_deployment_configuration.h"
#include "api/ecs_launch.h"
#include "api/ecs_lookup.h"
#include "api/ecs_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <array>
#include <limits>

namespace berth::api::ecs {
namespace {

using scheduler::PropagateTags;
using scheduler::SchedulingStrategy;
using scheduler::ServiceConfiguration;

constexpr size_t kRefusedItemsMax = 100;

struct AbsentPlane {
  const char* key;
  const char* why;
};
constexpr auto kAbsentPlanes = std::to_array<AbsentPlane>({
    {"loadBalancers", "berth has no load balancers yet; leave it out, or give an empty list."},
    {"serviceRegistries",
     "berth has no Cloud Map; tasks of this host find each other by the names of docs/dns.md."},
    {"vpcLatticeConfigurations", "berth has no VPC Lattice."},
});

bool is_daemon(const ServiceDraft& draft) {
  return draft.configuration.scheduling == SchedulingStrategy::kDaemon;
}

PropagateTags propagate_of(const std::string& word) {
  if (word == name_of(PropagateTags::kTaskDefinition)) return PropagateTags::kTaskDefinition;
  if (word == name_of(PropagateTags::kService)) return PropagateTags::kService;
  return PropagateTags::kNone;
}

void read_desired_count(Ask& ask, ServiceDraft& draft) {
  if (is_daemon(draft)) {
    if (ask.has("desiredCount")) {
      ask.invalid(
          "The daemon scheduling strategy does not support a desired count for services. Remove "
          "the desired count value and try again");
    }
    return;
  }
  auto desired = ask.number("desiredCount", {0, std::numeric_limits<int>::max()});
  if (desired && *desired > scheduler::kDesiredCountMax) {
    ask.invalid(
        fmt::format("Desired count exceeds limit. It is {} here.", scheduler::kDesiredCountMax));
    return;
  }
  if (desired) draft.configuration.desired_count = static_cast<int>(*desired);
}

// Kept with the members that AWS has, so that what comes back compares.
std::string placement_text(Ask& ask, std::string_view key, const char* second) {
  Json list = Json::array();
  for (const json::Node& node : ask.objects(key, kRefusedItemsMax)) {
    Json item = {{"type", ask.text(node, "type")}};
    std::string value = ask.text(node, second);
    if (!value.empty()) item[second] = value;
    list.push_back(std::move(item));
  }
  return list.empty() ? "" : list.dump();
}

void read_service_placement(Ask& ask, ServiceDraft& draft) {
  ServiceConfiguration& configuration = draft.configuration;
  Placement placement = read_placement(ask, draft.revision.request.launch_type);
  if (ask.has("placementConstraints")) {
    configuration.distinct_instance = placement.distinct_instance;
    configuration.placement_constraints_json =
        placement_text(ask, "placementConstraints", "expression");
  }
  if (!ask.has("placementStrategy")) return;
  configuration.placement_strategy_json = placement_text(ask, "placementStrategy", "field");
  if (is_daemon(draft) && !configuration.placement_strategy_json.empty()) {
    ask.invalid(
        "The daemon scheduling strategy does not support placement strategies. Remove the "
        "placement strategy and try again");
  }
}

void read_rebalancing(Ask& ask, ServiceDraft& draft) {
  std::string word = ask.word("availabilityZoneRebalancing", {"ENABLED", "DISABLED"});
  if (word.empty()) return;
  draft.configuration.az_rebalancing = word == "ENABLED";
  if (is_daemon(draft) && draft.configuration.az_rebalancing) {
    ask.invalid(
        "The service couldn't be created because Availability Zone Rebalancing does not support "
        "DAEMON as scheduling strategy. Update scheduling strategy and try again.");
  }
}

void read_flag(Ask& ask, std::string_view key, bool& flag) {
  if (auto said = ask.find_flag(key)) flag = *said;
}

// As it is shown: with what AWS adds.
std::string network_text(const Ask& ask, const scheduler::TaskRequest& request) {
  Json network = Json::parse(ask.root().find("networkConfiguration")->dump());
  const Json& vpc = network["awsvpcConfiguration"];
  Json shown = {{"subnets", vpc["subnets"]},
                {"securityGroups", request.security_groups},
                {"assignPublicIp", vpc.value("assignPublicIp", "DISABLED")}};
  return Json({{"awsvpcConfiguration", std::move(shown)}}).dump();
}

void read_service_connect(Ask& ask, ServiceDraft& draft) {
  auto node = ask.object("serviceConnectConfiguration");
  if (!node) return;
  auto enabled = ask.find_flag(*node, "enabled");
  if (!enabled) ask.invalid("serviceConnectConfiguration.enabled can not be null.");
  if (enabled.value_or(false)) {
    ask.refuse("UnsupportedFeatureException",
               "serviceConnectConfiguration.enabled: berth has no Service Connect yet; tasks of "
               "this host find each other by the names of docs/dns.md.");
  }
  draft.revision.service_connect_json = Json({{"enabled", false}}).dump();
}

}  // namespace

void refuse_data_planes(Ask& ask) {
  for (const AbsentPlane& plane : kAbsentPlanes) {
    if (ask.objects(plane.key, kRefusedItemsMax).empty()) continue;
    ask.refuse("UnsupportedFeatureException", fmt::format("{}: {}", plane.key, plane.why));
  }
}

void read_service_configuration(Ask& ask, ServiceDraft& draft) {
  ServiceConfiguration& configuration = draft.configuration;
  read_desired_count(ask, draft);
  read_deployment(ask, configuration.scheduling, configuration.deployment);
  auto grace = ask.number("healthCheckGracePeriodSeconds", {0, std::numeric_limits<int>::max()});
  if (grace) configuration.health_check_grace_seconds = static_cast<int>(*grace);
  read_service_placement(ask, draft);
  read_rebalancing(ask, draft);
  read_flag(ask, "enableExecuteCommand", configuration.enable_execute_command);
  read_flag(ask, "enableECSManagedTags", configuration.enable_managed_tags);
  std::string from = ask.word("propagateTags", {"TASK_DEFINITION", "SERVICE", "NONE"});
  if (!from.empty()) configuration.propagate_tags = propagate_of(from);
}

void read_service_definition(const Ecs& ecs, Ask& ask, ServiceDraft& draft) {
  if (ask.refused()) return;
  const scheduler::Revision* revision =
      find_active_revision(ecs, ask, ask.required_text("taskDefinition"));
  if (revision == nullptr) return;
  draft.revision.request.definition_json = revision->definition_json;
  draft.revision.request.revision = revision->number;
  draft.configuration.definition_tags = revision->tags;
}

void read_service_network(const Ecs& ecs, Ask& ask, ServiceDraft& draft) {
  scheduler::TaskRequest& request = draft.revision.request;
  if (ask.has("networkConfiguration")) {
    bool is_there = read_network(ecs, ask, request);
    if (ask.refused()) return;
    draft.revision.network_configuration_json = is_there ? network_text(ask, request) : "";
  }
  read_service_connect(ask, draft);
}

void resolve_service_definition(const Ecs& ecs, Ask& ask, ServiceDraft& draft) {
  draft.revision.definition = resolve_definition(
      ecs, ask, draft.revision.request, !draft.revision.network_configuration_json.empty());
}

std::vector<scheduler::ProviderShare> shares_of(const Strategy& strategy) {
  std::vector<scheduler::ProviderShare> shares;
  for (const StrategyItem& item : strategy) {
    shares.push_back({.provider = item.provider,
                      .base = static_cast<int>(item.base),
                      .weight = static_cast<int>(item.weight)});
  }
  return shares;
}

}  // namespace berth::api::ecs
