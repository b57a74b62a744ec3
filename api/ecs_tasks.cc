// Tasks that are there: describe, list, stop, protect.
#include "api/ecs_page.h"
#include "api/ecs_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::DesiredStatus;
using scheduler::Task;

constexpr size_t kTaskBatchMax = 100;
constexpr size_t kProtectBatchMax = 10;
constexpr size_t kStopReasonMax = 1024;
constexpr int64_t kProtectMinutesMax = 2880;

// What ListTasks is asked for; "" for any.
struct TaskFilter {
  std::string family{};
  std::string started_by{};
  std::string launch_type{};
  DesiredStatus desired_status = DesiredStatus::kRunning;
  bool on_node = false;  // by containerInstance
  bool nothing = false;  // what was asked for cannot be
};

TaskFilter read_filter(const Ecs& ecs, Ask& ask, const scheduler::Cluster* cluster) {
  TaskFilter filter;
  filter.family = ask.text("family");
  filter.started_by = ask.text("startedBy");
  filter.launch_type = ask.word("launchType", {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"});
  // Nothing ever has PENDING as desired status.
  std::string desired = ask.word("desiredStatus", {"RUNNING", "PENDING", "STOPPED"});
  if (desired == "STOPPED") filter.desired_status = DesiredStatus::kStopped;
  filter.nothing = desired == "PENDING";
  std::string instance = ask.text("containerInstance");
  std::string service = ask.text("serviceName");
  bool has_others = !filter.family.empty() || !service.empty() || !instance.empty();
  if (!filter.started_by.empty() && has_others) {
    ask.invalid("startedBy must be the only filter.");
  }
  if (!service.empty() && cluster != nullptr) {
    ask.refuse("ServiceNotFoundException", "Service not found.");
  }
  if (!instance.empty() && cluster != nullptr) {
    filter.on_node = true;
    if (!is_this_node(ecs, ask, instance, cluster->name)) filter.nothing = true;
  }
  return filter;
}

bool matches(const Task& task, const TaskFilter& filter) {
  const scheduler::TaskRequest& request = task.request;
  return !filter.nothing && task.desired_status == filter.desired_status &&
         (filter.family.empty() || task.definition.family == filter.family) &&
         (filter.started_by.empty() || request.started_by == filter.started_by) &&
         (filter.launch_type.empty() || request.launch_type == filter.launch_type) &&
         (!filter.on_node || request.launch_type != "FARGATE");
}

// The ids of a batch that names tasks under `tasks`.
std::vector<std::string> read_task_ids(const Ecs& ecs, Ask& ask, const scheduler::Cluster* cluster,
                                       size_t max, std::vector<std::string>& texts) {
  texts = ask.texts("tasks", max);
  std::vector<std::string> ids;
  if (cluster == nullptr) return ids;
  for (const std::string& text : texts) {
    ids.push_back(task_id_of(ecs, ask, text, cluster->name));
  }
  return ids;
}

Failure missing_task(const Ecs& ecs, const std::string& text, const std::string& cluster) {
  return {missing_arn(ecs, text, fmt::format("task/{}/", cluster))};
}

}  // namespace

Json describe_tasks(Ecs& ecs, Ask& ask) {
  Tags tags = ask.includes("TAGS", {"TAGS"}) ? Tags::kWith : Tags::kWithout;
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  std::vector<std::string> texts;
  std::vector<std::string> ids = read_task_ids(ecs, ask, cluster, kTaskBatchMax, texts);
  if (texts.empty()) ask.invalid("Tasks cannot be empty.");
  if (ask.refused()) return {};
  Json tasks = Json::array();
  std::vector<Failure> failures;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (const Task* task = find_task(ecs, ids[i], cluster->name)) {
      tasks.push_back(task_json(ecs, *task, tags));
    } else {
      failures.push_back(missing_task(ecs, texts[i], cluster->name));
    }
  }
  return {{"tasks", std::move(tasks)}, {"failures", failures_json(failures)}};
}

Json list_tasks(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  TaskFilter filter = read_filter(ecs, ask, cluster);
  if (ask.refused()) return {};
  std::vector<std::string> arns;
  for (const Task* task : tasks_of(ecs, cluster->name)) {
    if (matches(*task, filter)) arns.push_back(task_arn(ecs, *task));
  }
  return render_page("taskArns", page_of(ask, arns, kTaskBatchMax));
}

Json stop_task(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  std::string text = ask.required_text("task");
  std::string reason = ask.text("reason");
  if (reason.size() > kStopReasonMax) {
    ask.invalid(fmt::format("reason can have at most {} characters.", kStopReasonMax));
  }
  std::string id = cluster == nullptr ? "" : task_id_of(ecs, ask, text, cluster->name);
  const Task* task = cluster == nullptr ? nullptr : find_task(ecs, id, cluster->name);
  if (task == nullptr) ask.invalid("The referenced task was not found.");
  if (ask.refused()) return {};
  if (!is_stopped(*task)) {
    ecs.core.submit(scheduler::StopRequested{.task_id = id, .reason = reason});
    ask.check(ecs.step());
  }
  if (ask.refused()) return {};
  return {{"task", task_json(ecs, *ecs.core.find_task(id), Tags::kWith)}};
}

Json get_task_protection(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  std::vector<std::string> texts;
  size_t max = ask.call().operation == "GetTaskProtection" ? kTaskBatchMax : kProtectBatchMax;
  std::vector<std::string> ids = read_task_ids(ecs, ask, cluster, max, texts);
  if (ask.refused()) return {};
  std::vector<Failure> failures;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (const Task* task = find_task(ecs, ids[i], cluster->name)) {
      failures.push_back({task_arn(ecs, *task), "TASK_NOT_VALID"});  // of no service
    } else {
      failures.push_back(missing_task(ecs, texts[i], cluster->name));
    }
  }
  return {{"protectedTasks", Json::array()}, {"failures", failures_json(failures)}};
}

Json update_task_protection(Ecs& ecs, Ask& ask) {
  if (ask.texts("tasks", kProtectBatchMax).empty()) ask.invalid("Tasks cannot be empty.");
  if (!ask.find_flag("protectionEnabled")) ask.invalid("protectionEnabled can not be null.");
  ask.number("expiresInMinutes", {1, kProtectMinutesMax});
  return get_task_protection(ecs, ask);
}

}  // namespace berth::api::ecs
