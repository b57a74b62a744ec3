// RunTask and StartTask: from a request to tasks that the scheduler has accepted.
//
//   read        what is asked: Launch, without looking at anything else
//   resolve     the definition that runs, for the launch type; what RunTask's rules say of it
//   repeat      the same client token again: the tasks of the first time
//   place       while there is room on this host; what is not placed is a failure, not a refusal
//   submit      one step, one transaction, for all of them
#include "api/ecs_node.h"
#include "api/ecs_placement.h"
#include "api/ecs_shapes.h"
#include "api/ecs_strategy.h"
#include "api/ecs_tags.h"
#include "aws/hash.h"
#include "base/ids.h"
#include "base/text.h"
#include "scheduler/definition_source.h"
#include "scheduler/overrides.h"
#include "scheduler/task_definition_parse.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace berth::api::ecs {
namespace {

using scheduler::Revision;
using scheduler::RevisionStatus;
using scheduler::Task;
using scheduler::TaskDefinition;
using scheduler::TaskRequest;

constexpr int64_t kCountMax = 10;
constexpr size_t kInstancesMax = 10;
constexpr size_t kStartedByMax = 128;
constexpr size_t kStartTaskStartedByMax = 36;
constexpr size_t kGroupMax = 255;
constexpr size_t kTokenMax = 64;
constexpr size_t kSubnetsMax = 16;
constexpr size_t kSecurityGroupsMax = 5;
constexpr size_t kConstraintsMax = 10;
constexpr size_t kStrategiesMax = 5;
constexpr Duration kTokenKept = std::chrono::hours(24);
constexpr const char* kNoFargateRoom =
    "Capacity is unavailable at this time. Please try again later or in a different availability "
    "zone";

// What is asked for, as far as the request alone tells.
struct Launch {
  const scheduler::Cluster* cluster = nullptr;
  const Revision* revision = nullptr;
  TaskRequest request{};
  std::vector<std::string> providers{};  // of each task; empty without a strategy
  size_t count = 1;
  bool has_network = false;
  bool distinct_instance = false;
  std::vector<Query> queries{};                 // that the instance must match
  std::vector<std::string> failed_instances{};  // of StartTask: there are none of these
};

// ---- read ----

const Revision* read_revision(const Ecs& ecs, Ask& ask) {
  RevisionName name = revision_name_of(ecs, ask, ask.required_text("taskDefinition"));
  if (ask.refused()) return nullptr;
  const Revision* revision = find_revision(ecs, name);
  if (revision == nullptr) {
    ask.client_error("TaskDefinition not found.");
  } else if (revision->status != RevisionStatus::kActive) {
    ask.client_error("TaskDefinition is inactive");
  }
  return revision;
}

// Ids of AWS's form that the configuration does not know are taken and restrict nothing, so that
// what was written for AWS runs; a name of the configuration's own that is not there is a mistake.
void check_security_groups(const Ecs& ecs, Ask& ask, const std::vector<std::string>& groups) {
  const std::vector<std::string>& known = ecs.settings.security_groups;
  for (const std::string& group : groups) {
    bool is_known = std::find(known.begin(), known.end(), group) != known.end();
    if (is_known || group.starts_with("sg-")) continue;
    ask.invalid(
        fmt::format("The security group '{}' does not exist: it is no id (sg-...), and "
                    "securityGroups of berth's configuration has no such name.",
                    printable(group, kNameShown)));
  }
}

void read_network(const Ecs& ecs, Ask& ask, Launch& launch) {
  auto network = ask.object("networkConfiguration");
  auto vpc = network ? ask.object(*network, "awsvpcConfiguration") : std::nullopt;
  launch.has_network = vpc.has_value();
  if (!vpc) return;
  std::vector<std::string> subnets = ask.texts(*vpc, "subnets", kSubnetsMax);
  if (subnets.empty()) ask.invalid("subnets can not be empty.");
  if (!subnets.empty()) launch.request.subnet = subnets.front();
  launch.request.security_groups = ask.texts(*vpc, "securityGroups", kSecurityGroupsMax);
  check_security_groups(ecs, ask, launch.request.security_groups);
  // Tasks share the host's way out, whatever is said.
  ask.word(*vpc, "assignPublicIp", {"ENABLED", "DISABLED"});
}

// One host: strategies have nothing to choose.
void read_placement(Ask& ask, Launch& launch) {
  for (const json::Node& node : ask.objects("placementStrategy", kStrategiesMax)) {
    ask.word(node, "type", {"random", "spread", "binpack"});
    ask.text(node, "field");
  }
  std::vector<json::Node> constraints = ask.objects("placementConstraints", kConstraintsMax);
  if (!constraints.empty() && launch.request.launch_type == "FARGATE") {
    ask.invalid("Placement constraints are not supported with FARGATE launch type.");
  }
  for (const json::Node& node : constraints) {
    ask.required_text(node, "type");
    std::string type = ask.word(node, "type", {"distinctInstance", "memberOf"});
    std::string expression = ask.text(node, "expression");
    if (type == "distinctInstance") {
      launch.distinct_instance = true;
      if (!expression.empty()) ask.invalid("distinctInstance takes no expression.");
      continue;
    }
    auto query = Query::parse(expression);
    if (!query) {
      ask.invalid(fmt::format("{}.expression: {}", node.path(), query.error().text));
      return;
    }
    launch.queries.push_back(std::move(*query));
  }
}

std::vector<scheduler::KeyValue> read_task_tags(Ask& ask, const Launch& launch) {
  std::vector<scheduler::KeyValue> tags = read_tags(ask, "tags");
  std::string from = ask.word("propagateTags", {"TASK_DEFINITION", "SERVICE", "NONE"});
  if (from == "SERVICE") ask.invalid("propagateTags SERVICE is for tasks of a service.");
  auto add_absent = [&](const scheduler::KeyValue& tag) {
    bool there = std::any_of(tags.begin(), tags.end(),
                             [&](const auto& each) { return each.name == tag.name; });
    if (!there) tags.push_back(tag);
  };
  if (from == "TASK_DEFINITION" && launch.revision != nullptr) {
    for (const scheduler::KeyValue& tag : launch.revision->tags) add_absent(tag);
  }
  if (ask.flag("enableECSManagedTags") && launch.cluster != nullptr) {
    tags.push_back({"aws:ecs:clusterName", launch.cluster->name});
  }
  return tags;
}

void read_overrides(Ask& ask, Launch& launch) {
  auto node = ask.object("overrides");
  if (!node || node->dump() == "{}") return;
  ask.refuse_findings(scheduler::parse_overrides(*node).findings);
  launch.request.overrides_json = node->dump();
  if (launch.request.overrides_json.size() > scheduler::kOverridesMax) {
    ask.invalid(fmt::format("overrides can have at most {} characters, not {}.",
                            scheduler::kOverridesMax, launch.request.overrides_json.size()));
  }
}

void read_common(const Ecs& ecs, Ask& ask, Launch& launch, size_t started_by_max) {
  launch.cluster = find_cluster(ecs, ask);
  launch.revision = read_revision(ecs, ask);
  TaskRequest& request = launch.request;
  if (launch.cluster != nullptr) request.cluster = launch.cluster->name;
  if (launch.revision != nullptr) {
    request.definition_json = launch.revision->definition_json;
    request.revision = launch.revision->number;
    request.group = "family:" + launch.revision->family;
  }
  std::string group = ask.text("group");
  if (group.size() > kGroupMax) ask.invalid("group is too long.");
  if (!group.empty()) request.group = group;
  request.started_by = ask.text("startedBy");
  if (request.started_by.size() > started_by_max) {
    ask.invalid(fmt::format("startedBy can have at most {} characters.", started_by_max));
  }
  request.enable_execute_command = ask.flag("enableExecuteCommand");
  read_network(ecs, ask, launch);
  read_overrides(ask, launch);
  request.tags = read_task_tags(ask, launch);
  if (!ask.objects("volumeConfigurations", 1).empty()) {
    ask.refuse("UnsupportedFeatureException",
               "volumeConfigurations: berth has no EBS volumes; use a volume of the task "
               "definition.");
  }
}

// launchType, or capacityProviderStrategy, or the cluster's strategy, or EC2.
void read_launch_type(Ask& ask, Launch& launch) {
  std::string type = ask.word("launchType", {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"});
  if (launch.cluster == nullptr) return;
  if (!type.empty() && !ask.objects("capacityProviderStrategy", 20).empty()) {
    ask.invalid(
        "Specifying both a launch type and capacity provider strategy is not supported. "
        "Remove one and try again.");
  }
  if (type == "MANAGED_INSTANCES") {
    ask.refuse("UnsupportedFeatureException",
               "launchType MANAGED_INSTANCES: berth starts no "
               "instances; use EC2, FARGATE or EXTERNAL.");
  }
  Strategy strategy =
      read_strategy(ask, "capacityProviderStrategy", launch.cluster->capacity_providers);
  if (type.empty() && strategy.empty()) {
    strategy = parse_strategy(launch.cluster->default_strategy_json);
  }
  if (type.empty()) launch.providers = providers_of(strategy, launch.count);
  launch.request.launch_type = !type.empty() ? type : strategy.empty() ? "EC2" : "FARGATE";
}

void read_platform(Ask& ask, Launch& launch) {
  std::string version = ask.text("platformVersion");
  bool is_fargate = launch.request.launch_type == "FARGATE";
  if (!is_fargate && !version.empty()) {
    ask.invalid(fmt::format("The platform version must be null when specifying an {} launch type.",
                            launch.request.launch_type));
  }
  if (!is_fargate) return;
  constexpr auto kVersions =
      std::to_array<std::string_view>({"", "LATEST", "1.4.0", "1.3.0", "1.2.0", "1.1.0", "1.0.0"});
  if (std::find(kVersions.begin(), kVersions.end(), version) == kVersions.end()) {
    ask.refuse("PlatformUnknownException", "The specified platform does not exist.");
  }
  launch.request.platform_version =
      version.empty() || version == "LATEST" ? kPlatformVersion : version;
}

void read_token(Ask& ask, Launch& launch) {
  std::string token = ask.text("clientToken");
  bool is_printable =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.size() > kTokenMax || !is_printable) {
    ask.invalid(
        fmt::format("clientToken must be at most {} printable ASCII characters.", kTokenMax));
  }
  if (token.empty()) return;
  Json body = Json::parse(ask.root().dump());
  // Members in any order are the same request.
  launch.request.client_token = token;
  launch.request.request_digest = aws::sha256_hex(nlohmann::json(body).dump());
}

// ---- resolve ----

void check_network(Ask& ask, const Launch& launch, const TaskDefinition& definition) {
  bool is_awsvpc = definition.network_mode == scheduler::NetworkMode::kAwsvpc;
  if (is_awsvpc && !launch.has_network) {
    ask.invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  }
  if (!is_awsvpc && launch.has_network) {
    ask.invalid(
        "Network Configuration is not valid for the given networkMode of this task "
        "definition.");
  }
}

// The definition that runs; of no use when the ask is refused.
TaskDefinition resolve(const Ecs& ecs, Ask& ask, const Launch& launch) {
  if (ask.refused()) return {};
  const TaskRequest& request = launch.request;
  auto document = json::Document::parse(request.definition_json, {.name = "task definition"});
  ask.check(document ? Status() : Status(tl::unexpected<Error>(document.error())));
  if (ask.refused()) return {};
  auto parsed = scheduler::parse_task_definition(document->root(), ecs.settings.architecture,
                                                 scheduler::launch_type_of(request.launch_type));
  if (!parsed.findings.empty()) {
    ask.invalid(fmt::format("Task definition does not support launch_type {}.: {} ({})",
                            request.launch_type, parsed.findings[0].message,
                            parsed.findings[0].path));
  }
  auto definition = scheduler::make_definition(
      {request.definition_json, request.overrides_json, request.launch_type},
      ecs.settings.architecture);
  if (!definition) {
    ask.invalid(definition.error().text);
    return {};
  }
  scheduler::Findings findings =
      scheduler::check_task_definition(*definition, ecs.settings.architecture);
  for (scheduler::Finding& finding : findings) finding.exception = "InvalidParameterException";
  ask.refuse_findings(findings);
  check_network(ask, launch, *definition);
  return std::move(*definition);
}

// ---- repeat ----

// The tasks of a request with this token; nothing: there was none.
std::vector<const Task*> find_repeated(const Ecs& ecs, Ask& ask, const Launch& launch) {
  std::vector<const Task*> repeated;
  const TaskRequest& request = launch.request;
  if (request.client_token.empty()) return repeated;
  Refusal conflict;
  conflict.code = "ConflictException";
  conflict.message = "The clientToken was used for a request with other parameters.";
  for (const Task* task : tasks_of(ecs, request.cluster)) {
    if (task->request.client_token != request.client_token) continue;
    if (task->created_at + kTokenKept < ask.at()) continue;
    repeated.push_back(task);
    if (task->request.request_digest != request.request_digest) {
      conflict.resource_ids.push_back(task_arn(ecs, *task));
    }
  }
  if (!conflict.resource_ids.empty()) ask.refuse(std::move(conflict));
  return repeated;
}

Json tasks_answer(const Ecs& ecs, const std::vector<const Task*>& tasks,
                  const std::vector<Failure>& failures) {
  Json list = Json::array();
  for (const Task* task : tasks) list.push_back(task_json(ecs, *task, Tags::kWith));
  return {{"tasks", std::move(list)}, {"failures", failures_json(failures)}};
}

// ---- place, submit ----

// Why the node is no place for one more task whatever room it has; "" when it is one.
std::string unsuited(const Ecs& ecs, const Launch& launch, const scheduler::PlacementNeeds& needs) {
  if (launch.request.launch_type == "FARGATE") return "";
  if (launch.cluster->node.draining) return "INACTIVE";
  QueryFacts facts = query_facts(ecs, *launch.cluster);
  for (const Query& query : launch.queries) {
    if (!query.matches(facts)) return kNotAMember;
  }
  if (unmet_expression(needs, facts) != nullptr) return kNotAMember;
  return needs.gpus > 0 ? kNoGpus : "";  // this host gives none to tasks
}

// Whether a task of the group is on the node.
bool has_group(const Ecs& ecs, const Launch& launch) {
  std::vector<const Task*> tasks = tasks_of(ecs, launch.cluster->name);
  return std::any_of(tasks.begin(), tasks.end(), [&](const Task* task) {
    return task->group == launch.request.group && !is_stopped(*task);
  });
}

// "" when one more fits.
Failure failure_of(const Ecs& ecs, const Launch& launch, const std::string& shortage) {
  std::string detail = shortage + " on this host";
  if (launch.request.launch_type == "FARGATE") return {"", kNoFargateRoom, detail};
  return {container_instance_arn(ecs, launch.cluster->name), shortage, ""};
}

Json place(Ecs& ecs, Ask& ask, const Launch& launch, const TaskDefinition& definition) {
  std::vector<Failure> failures;
  for (const std::string& text : launch.failed_instances) {
    failures.push_back({missing_arn(ecs, text, "container-instance/")});
  }
  auto needs =
      scheduler::placement_needs_of(launch.request.definition_json, launch.request.overrides_json);
  ask.check(needs ? Status() : Status(tl::unexpected<Error>(needs.error())));
  if (ask.refused()) return {};
  Holding all = held(ecs);
  Holding wanted = holding_of(definition);
  std::vector<std::string> ids;
  std::string why_not = unsuited(ecs, launch, *needs);
  bool is_taken = launch.distinct_instance && has_group(ecs, launch);
  for (size_t i = 0; i < launch.count; ++i) {
    std::string shortage = why_not;
    if (shortage.empty() && launch.distinct_instance && is_taken) {
      shortage = "DistinctInstance placement constraint unsatisfied.";
    }
    if (shortage.empty()) shortage = shortage_of(ecs, all, wanted);
    if (!shortage.empty()) {
      failures.push_back(failure_of(ecs, launch, shortage));
      continue;
    }
    add(all, wanted);
    is_taken = true;
    scheduler::RunTaskRequested event;
    event.task_id = make_task_id(ecs.env.rng);
    event.definition = definition;
    event.request = launch.request;
    if (!launch.providers.empty()) event.request.capacity_provider = launch.providers[i];
    ids.push_back(event.task_id);
    ecs.core.submit(std::move(event));
  }
  if (!ids.empty()) ask.check(ecs.step());
  if (ask.refused()) return {};
  std::sort(ids.begin(), ids.end());  // the order in which a repeated request finds them
  std::vector<const Task*> tasks;
  tasks.reserve(ids.size());
  for (const std::string& id : ids) tasks.push_back(ecs.core.find_task(id));
  return tasks_answer(ecs, tasks, failures);
}

Json run(Ecs& ecs, Ask& ask, const Launch& launch) {
  if (ask.refused()) return {};
  std::vector<const Task*> repeated = find_repeated(ecs, ask, launch);
  if (ask.refused()) return {};
  if (!repeated.empty()) return tasks_answer(ecs, repeated, {});
  TaskDefinition definition = resolve(ecs, ask, launch);
  if (ask.refused()) return {};
  return place(ecs, ask, launch, definition);
}

}  // namespace

Json run_task(Ecs& ecs, Ask& ask) {
  Launch launch;
  launch.count = static_cast<size_t>(ask.number("count", {1, kCountMax}).value_or(1));
  read_common(ecs, ask, launch, kStartedByMax);
  read_launch_type(ask, launch);
  read_platform(ask, launch);
  read_placement(ask, launch);
  read_token(ask, launch);
  return run(ecs, ask, launch);
}

// On instances that are named: a task on each.
Json start_task(Ecs& ecs, Ask& ask) {
  Launch launch;
  std::vector<std::string> instances = ask.texts("containerInstances", kInstancesMax);
  if (instances.empty()) ask.invalid("Container instances cannot be empty.");
  read_common(ecs, ask, launch, kStartTaskStartedByMax);
  launch.request.launch_type = "EC2";
  launch.count = 0;
  for (const std::string& text : instances) {
    if (ask.refused()) return {};
    if (is_this_node(ecs, ask, text, launch.cluster->name)) {
      launch.count = 1;
    } else {
      launch.failed_instances.push_back(text);
    }
  }
  return run(ecs, ask, launch);
}

}  // namespace berth::api::ecs
