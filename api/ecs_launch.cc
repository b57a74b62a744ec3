#include "api/ecs_launch.h"

#include "api/ecs_lookup.h"
#include "api/ecs_node.h"
#include "api/ecs_placement.h"
#include "api/ecs_shapes.h"
#include "api/ecs_volumes.h"
#include "aws/hash.h"
#include "base/text.h"
#include "netns/vpc.h"
#include "scheduler/definition_source.h"
#include "scheduler/task_definition_parse.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace berth::api::ecs {
namespace {

using scheduler::TaskDefinition;
using scheduler::TaskRequest;

constexpr size_t kSubnetsMax = 16;
constexpr size_t kSecurityGroupsMax = 5;
constexpr size_t kConstraintsMax = 10;
constexpr size_t kStrategiesMax = 5;
constexpr size_t kStrategiesReadMax = 100;
constexpr size_t kProviderItemsMax = 20;

bool contains(const std::vector<std::string>& all, const std::string& id) {
  return std::find(all.begin(), all.end(), id) != all.end();
}

void check_subnets(const Ecs& ecs, Ask& ask, const std::vector<std::string>& subnets) {
  for (const std::string& subnet : subnets) {
    if (ecs.settings.subnets.contains(subnet)) continue;
    std::string shown = printable(subnet, kNameShown);
    ask.invalid(
        fmt::format("Error retrieving subnet information for [{0}]: The subnet ID '{0}' does not "
                    "exist (ErrorCode: InvalidSubnetID.NotFound)",
                    shown));
  }
}

void check_security_groups(const Ecs& ecs, Ask& ask, const std::vector<std::string>& groups) {
  for (const std::string& group : groups) {
    bool is_known =
        group == netns::kDefaultGroupId || contains(ecs.settings.security_groups, group);
    if (is_known || (ecs.settings.has_made_group && ecs.settings.has_made_group(group))) continue;
    std::string shown = printable(group, kNameShown);
    ask.invalid(
        fmt::format("Error retrieving security group information for [{0}]: The security group "
                    "'{0}' does not exist (ErrorCode: InvalidGroup.NotFound)",
                    shown));
  }
}

void read_strategies(Ask& ask, const std::string& launch_type) {
  std::vector<json::Node> strategies = ask.objects("placementStrategy", kStrategiesReadMax);
  if (strategies.size() > kStrategiesMax) {
    ask.invalid(fmt::format("Maximum number of strategies is {}.", kStrategiesMax));
  }
  if (!strategies.empty() && launch_type == "FARGATE") {
    ask.invalid("Placement strategies are not supported with FARGATE launch type.");
  }
  for (const json::Node& node : strategies) {
    ask.required_text(node, "type");
    std::string type = ask.word(node, "type", {"random", "spread", "binpack"});
    std::string field = ask.text(node, "field");
    std::string lower = to_lower(field);
    if (type == "binpack" && lower != "cpu" && lower != "memory") {
      ask.invalid(fmt::format("binpack field '{}' is invalid.", printable(field, kNameShown)));
    }
    if (type == "random" && !field.empty()) {
      ask.invalid("random field should not be specified.");
    }
  }
}

// What came with 1.4.0. There is one platform here, but a definition that runs on none of Amazon's
// older ones is not to look as though it did.
void check_platform(Ask& ask, const TaskRequest& request, const TaskDefinition& definition) {
  const std::string& version = request.platform_version;
  if (version.empty() || version == kLatestPlatform || version == kPlatformVersion) return;
  bool has_files = std::ranges::any_of(definition.volumes,
                                       [](const auto& volume) { return volume.efs.has_value(); });
  if (!has_files && !definition.ephemeral_storage_gib) return;
  ask.refuse("PlatformTaskDefinitionIncompatibilityException",
             "One or more of the requested capabilities are not supported.");
}

void check_network(Ask& ask, bool has_network, const TaskDefinition& definition) {
  bool is_awsvpc = definition.network_mode == scheduler::NetworkMode::kAwsvpc;
  if (is_awsvpc && !has_network) {
    ask.invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  if (!is_awsvpc && has_network) {
    ask.invalid(
        "Network Configuration is not valid for the given networkMode of this task "
        "definition.");
  }
}

}  // namespace

const scheduler::Revision* find_active_revision(const Ecs& ecs, Ask& ask, const std::string& text) {
  RevisionName name = revision_name_of(ecs, ask, text);
  if (!is_name(name.family)) ask.client_error("Family contains invalid characters.");
  if (ask.refused()) return nullptr;
  const scheduler::Revision* revision = find_revision(ecs, name);
  if (revision == nullptr) {
    ask.client_error("TaskDefinition not found.");
  } else if (revision->status != scheduler::RevisionStatus::kActive) {
    ask.client_error("TaskDefinition is inactive");
  }
  return revision;
}

Launcher read_launcher(Ask& ask, const scheduler::Cluster& cluster) {
  Launcher launcher;
  std::string type = ask.word("launchType", {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"});
  if (!type.empty() && !ask.objects("capacityProviderStrategy", kProviderItemsMax).empty()) {
    ask.invalid(
        "Specifying both a launch type and capacity provider strategy is not supported. "
        "Remove one and try again.");
  }
  if (type == "MANAGED_INSTANCES") {
    ask.refuse("UnsupportedFeatureException",
               "launchType MANAGED_INSTANCES: berth starts no "
               "instances; use EC2, FARGATE or EXTERNAL.");
  }
  Strategy strategy = read_strategy(ask, "capacityProviderStrategy", cluster.capacity_providers);
  if (type.empty() && strategy.empty()) strategy = parse_strategy(cluster.default_strategy_json);
  launcher.launch_type = !type.empty() ? type : strategy.empty() ? "EC2" : "FARGATE";
  if (type.empty()) launcher.strategy = std::move(strategy);
  return launcher;
}

std::string read_platform(Ask& ask, const std::string& launch_type) {
  std::string version = ask.text("platformVersion");
  bool is_fargate = launch_type == "FARGATE";
  if (!is_fargate && !version.empty()) {
    ask.invalid(fmt::format("The platform version must be null when specifying an {} launch type.",
                            launch_type));
  }
  if (!is_fargate) return "";
  constexpr auto kVersions =
      std::to_array<std::string_view>({"", "LATEST", "1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"});
  if (std::find(kVersions.begin(), kVersions.end(), version) == kVersions.end()) {
    ask.refuse("PlatformUnknownException", "The specified platform does not exist.");
  }
  return version;
}

bool read_network(const Ecs& ecs, Ask& ask, TaskRequest& request) {
  auto network = ask.object("networkConfiguration");
  auto vpc = network ? ask.object(*network, "awsvpcConfiguration") : std::nullopt;
  if (!vpc) return false;
  std::vector<std::string> subnets = ask.texts(*vpc, "subnets", kSubnetsMax);
  if (subnets.empty()) ask.invalid("subnets can not be empty.");
  check_subnets(ecs, ask, subnets);
  if (!subnets.empty()) request.subnet = subnets.front();
  request.security_groups = ask.texts(*vpc, "securityGroups", kSecurityGroupsMax);
  check_security_groups(ecs, ask, request.security_groups);
  // Tasks share the host's way out, whatever is said.
  bool is_public = ask.word(*vpc, "assignPublicIp", {"ENABLED", "DISABLED"}) == "ENABLED";
  if (is_public && request.launch_type != "FARGATE") {
    ask.invalid("Assign public IP is not supported for this launch type.");
  }
  return true;
}

Placement read_placement(Ask& ask, const std::string& launch_type) {
  Placement placement;
  read_strategies(ask, launch_type);
  std::vector<json::Node> constraints = ask.objects("placementConstraints", kConstraintsMax);
  if (!constraints.empty() && launch_type == "FARGATE") {
    ask.invalid("Placement constraints are not supported with FARGATE launch type.");
  }
  for (const json::Node& node : constraints) {
    ask.required_text(node, "type");
    std::string type = ask.word(node, "type", {"distinctInstance", "memberOf"});
    std::string expression = ask.text(node, "expression");
    if (type == "distinctInstance") {
      placement.distinct_instance = true;
      if (!expression.empty()) {
        ask.invalid("distinctInstance expression should not be specified.");
      }
      continue;
    }
    auto query = Query::parse(expression);
    if (!query) {
      ask.invalid(fmt::format("{}.expression: {}", node.path(), query.error().text));
      return placement;
    }
    placement.queries.push_back(std::move(*query));
  }
  return placement;
}

std::vector<Query> stored_queries(const std::string& constraints_json) {
  std::vector<Query> queries;
  for (const Json& each : stored_json(constraints_json)) {
    auto query = Query::parse(each.value("expression", ""));
    if (query && each.value("type", "") == "memberOf") queries.push_back(std::move(*query));
  }
  return queries;
}

std::string unsuited(const Ecs& ecs, const scheduler::Cluster& cluster, const TaskRequest& request,
                     const std::vector<Query>& queries) {
  if (request.launch_type == "FARGATE") return "";
  if (cluster.node.draining) return "INACTIVE";
  auto needs = scheduler::placement_needs_of(request.definition_json, request.overrides_json);
  if (!needs) return needs.error().text;  // cannot be: a definition was made of the same texts
  // To know the facts is to look at every task; most requests ask for none of them.
  if (!queries.empty() || !needs->member_of.empty()) {
    QueryFacts facts = query_facts(ecs, cluster);
    for (const Query& query : queries) {
      if (!query.matches(facts)) return kNotAMember;
    }
    if (unmet_expression(*needs, facts) != nullptr) return kNotAMember;
  }
  return needs->gpus > 0 ? kNoGpus : "";  // this host gives none to tasks
}

TaskDefinition resolve_definition(const Ecs& ecs, Ask& ask, const TaskRequest& request,
                                  bool has_network) {
  if (ask.refused()) return {};
  auto document = json::Document::parse(request.definition_json, {.name = "task definition"});
  ask.check(document ? Status() : Status(tl::unexpected<Error>(document.error())));
  if (ask.refused()) return {};
  auto parsed = scheduler::parse_task_definition(document->root(), ecs.settings.architecture,
                                                 scheduler::launch_type_of(request.launch_type));
  if (!parsed.findings.empty()) {
    ask.invalid(fmt::format("Task definition does not support launch_type {}. {} ({})",
                            request.launch_type, parsed.findings[0].message,
                            parsed.findings[0].path));
  }
  auto definition = scheduler::make_definition(
      {request.definition_json, request.overrides_json, request.launch_type, request.volumes_json},
      std::move(parsed));
  if (!definition) {
    ask.invalid(definition.error().text);
    return {};
  }
  scheduler::Findings findings =
      scheduler::check_task_definition(*definition, ecs.settings.architecture);
  for (scheduler::Finding& finding : findings) finding.exception = "InvalidParameterException";
  ask.refuse_findings(findings);
  check_platform(ask, request, *definition);
  check_network(ask, has_network, *definition);
  check_volumes(ask, request, *definition);
  return std::move(*definition);
}

std::string read_client_token(Ask& ask, size_t max) {
  std::string token = ask.text("clientToken");
  bool is_printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.size() > max || !is_printable) {
    ask.invalid(fmt::format("clientToken must be at most {} printable ASCII characters.", max));
  }
  return token;
}

std::string request_digest_of(const Ask& ask) {
  Json body = Json::parse(ask.root().dump());
  return aws::sha256_hex(nlohmann::json(body).dump());
}

}  // namespace berth::api::ecs
