// RunTask and StartTask: from a request to tasks that the scheduler has accepted.
//
//   read        what is asked: Launch, without looking at anything else
//   resolve     the definition that runs, for the launch type; what RunTask's rules say of it
//   repeat      the same client token again: the tasks of the first time
//   place       while there is room on this host; what is not placed is a failure, not a refusal
//   submit      one step, one transaction, for all of them
#include "api/ecs_launch.h"
#include "api/ecs_node.h"
#include "api/ecs_shapes.h"
#include "api/ecs_tags.h"
#include "api/ecs_volumes.h"
#include "base/ids.h"
#include "scheduler/overrides.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::Revision;
using scheduler::Task;
using scheduler::TaskDefinition;
using scheduler::TaskRequest;

constexpr int64_t kCountMax = 10;
constexpr size_t kInstancesMax = 10;
constexpr size_t kStartedByMax = 128;
constexpr size_t kStartTaskStartedByMax = 36;
constexpr size_t kGroupMax = 255;
constexpr size_t kTokenMax = 64;
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
  Placement placement{};
  std::vector<std::string> failed_instances{};  // of StartTask: there are none of these
};

// ---- read ----

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
  launch.revision = find_active_revision(ecs, ask, ask.required_text("taskDefinition"));
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
  read_overrides(ask, launch);
  request.tags = read_task_tags(ask, launch);
}

// The launch type is known.
void read_launch_volumes(Ask& ask, Launch& launch) {
  read_volumes(ask, launch.request, VolumesOf::kTask);
  if (ask.refused() || launch.revision == nullptr) return;
  add_definition_tags(launch.request, *launch.revision);
}

void read_launch_type(Ask& ask, Launch& launch) {
  if (launch.cluster == nullptr) return;
  Launcher launcher = read_launcher(ask, *launch.cluster);
  launch.request.launch_type = launcher.launch_type;
  launch.providers = providers_of(launcher.strategy, launch.count);
  std::string version = read_platform(ask, launcher.launch_type);
  if (launcher.launch_type != "FARGATE") return;
  launch.request.platform_version =
      version.empty() || version == kLatestPlatform ? kPlatformVersion : version;
}

void read_token(Ask& ask, Launch& launch) {
  launch.request.client_token = read_client_token(ask, kTokenMax);
  if (!launch.request.client_token.empty()) launch.request.request_digest = request_digest_of(ask);
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

// Nothing is said of its health yet, not even UNKNOWN.
Json new_task_json(const Ecs& ecs, const Task& task) {
  Json json = task_json(ecs, task, Tags::kWith);
  json.erase("healthStatus");
  for (Json& container : json["containers"]) container.erase("healthStatus");
  return json;
}

Json tasks_answer(const Ecs& ecs, const std::vector<const Task*>& tasks,
                  const std::vector<Failure>& failures) {
  Json list = Json::array();
  for (const Task* task : tasks) list.push_back(new_task_json(ecs, *task));
  return {{"tasks", std::move(list)}, {"failures", failures_json(failures)}};
}

// ---- place, submit ----

// Whether a task of the group is on the node.
bool has_group(const Ecs& ecs, const Launch& launch) {
  std::vector<const Task*> tasks = ecs.core.living_tasks();
  return std::any_of(tasks.begin(), tasks.end(), [&](const Task* task) {
    return task->group == launch.request.group && task->request.cluster == launch.cluster->name;
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
  Holding all = held(ecs);
  Holding wanted = holding_of(definition);
  std::vector<std::string> ids;
  std::string why_not = unsuited(ecs, *launch.cluster, launch.request, launch.placement.queries);
  bool is_taken = launch.placement.distinct_instance && has_group(ecs, launch);
  for (size_t i = 0; i < launch.count; ++i) {
    std::string shortage = why_not;
    if (shortage.empty() && launch.placement.distinct_instance && is_taken) {
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
  TaskDefinition definition = resolve_definition(ecs, ask, launch.request, launch.has_network);
  if (ask.refused()) return {};
  return place(ecs, ask, launch, definition);
}

}  // namespace

Json run_task(Ecs& ecs, Ask& ask) {
  Launch launch;
  launch.count = static_cast<size_t>(ask.number("count", {1, kCountMax}).value_or(1));
  read_common(ecs, ask, launch, kStartedByMax);
  read_launch_type(ask, launch);
  launch.has_network = read_network(ecs, ask, launch.request);
  read_launch_volumes(ask, launch);
  launch.placement = read_placement(ask, launch.request.launch_type);
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
  launch.has_network = read_network(ecs, ask, launch.request);
  read_launch_volumes(ask, launch);
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
