// Tasks that are there: describe, list, stop.
#include "api/ecs_page.h"
#include "api/ecs_service_lookup.h"
#include "api/ecs_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::DesiredStatus;
using scheduler::Task;

constexpr size_t kTaskBatchMax = 100;
constexpr size_t kStopReasonMax = 1024;

// What ListTasks is asked for; "" for any.
struct TaskFilter {
  std::string family{};
  std::string started_by{};
  std::string launch_type{};
  std::string service{};
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
  bool has_others = !filter.family.empty() || !service.empty() || !instance.empty() ||
                    !filter.launch_type.empty();
  if (!filter.started_by.empty() && has_others) {
    ask.invalid("cannot specify startedBy with other arguments");
  }
  if (!filter.family.empty() && !is_name(filter.family)) {
    ask.invalid("family must match ^[a-zA-Z0-9\\-_]+$");
  }
  if (!service.empty() && cluster != nullptr) {
    filter.service = service_name_of(ecs, ask, service, cluster->name);
    bool is_there = ecs.core.services().find({cluster->name, filter.service}) != nullptr;
    if (!is_there) ask.refuse("ServiceNotFoundException", "Service not found.");
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
         (filter.service.empty() || request.service == filter.service) &&
         (!filter.on_node || request.launch_type != "FARGATE");
}

}  // namespace

Json describe_tasks(Ecs& ecs, Ask& ask) {
  Tags tags = ask.includes("TAGS", {"TAGS"}) ? Tags::kWith : Tags::kWithout;
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  TaskBatch batch = read_task_batch(ecs, ask, cluster, kTaskBatchMax);
  if (batch.texts.empty()) ask.invalid("Tasks cannot be empty.");
  if (ask.refused()) return {};
  Json tasks = Json::array();
  std::vector<Failure> failures;
  for (size_t i = 0; i < batch.ids.size(); ++i) {
    if (const Task* task = find_task(ecs, batch.ids[i], cluster->name)) {
      tasks.push_back(task_json(ecs, *task, tags));
    } else {
      failures.push_back(missing_task(ecs, batch.texts[i], cluster->name));
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
  bool is_to_be_killed = ask.flag("x-berth-kill");
  if (reason.size() > kStopReasonMax) {
    ask.invalid(fmt::format("reason can have at most {} characters.", kStopReasonMax));
  }
  std::string id = cluster == nullptr ? "" : task_id_of(ecs, ask, text, cluster->name);
  const Task* task = cluster == nullptr ? nullptr : find_task(ecs, id, cluster->name);
  if (task == nullptr) ask.invalid("The referenced task was not found.");
  if (ask.refused()) return {};
  if (!is_stopped(*task)) {
    if (is_to_be_killed) {
      ecs.core.submit(scheduler::KillRequested{.task_id = id, .reason = reason});
    } else {
      ecs.core.submit(scheduler::StopRequested{.task_id = id, .reason = reason});
    }
    ask.check(ecs.step());
  }
  if (ask.refused()) return {};
  return {{"task", task_json(ecs, *ecs.core.find_task(id), Tags::kWith)}};
}

}  // namespace berth::api::ecs
