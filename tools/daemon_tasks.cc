#include "tools/daemon_tasks.h"

#include "base/env.h"
#include "tools/daemon_client.h"
#include "tools/event_feed.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace berth::tools {
namespace {

using TasksJson = nlohmann::ordered_json;

constexpr size_t kTasksDescribedAtOnce = 100;  // of DescribeTasks
constexpr std::string_view kServiceGroup = "service:";
constexpr const char* kStoppedStatus = "STOPPED";

std::string last_part(const std::string& arn) {
  return arn.substr(arn.rfind('/') + 1);
}

// All pages of a list of names.
Result<std::vector<std::string>> list_names(const agent::Config& config,
                                            const std::string& operation, TasksJson request,
                                            const char* member) {
  std::vector<std::string> names;
  for (;;) {
    TasksJson page = TRY(ask_ecs(config, operation, request));
    for (const TasksJson& name : page[member]) names.push_back(name.get<std::string>());
    std::string token = page.value("nextToken", "");
    if (token.empty()) return names;
    request["nextToken"] = token;
  }
}

std::string time_of(const TasksJson& task, const char* member) {
  auto seconds = std::chrono::duration<double>(task.value(member, 0.0));
  return format_rfc3339(WallTime(std::chrono::duration_cast<Duration>(seconds)));
}

DaemonTask daemon_task_of(const TasksJson& json) {
  DaemonTask task;
  task.arn = json.value("taskArn", "");
  task.id = last_part(task.arn);
  task.cluster = last_part(json.value("clusterArn", ""));
  task.group = json.value("group", "");
  if (task.group.starts_with(kServiceGroup)) task.service = task.group.substr(kServiceGroup.size());
  std::string definition = last_part(json.value("taskDefinitionArn", ""));
  task.family = definition.substr(0, definition.rfind(':'));
  task.started_by = json.value("startedBy", "");
  task.last_status = json.value("lastStatus", "");
  task.desired_status = json.value("desiredStatus", "");
  task.created_at = time_of(json, "createdAt");
  task.stopped_reason = json.value("stoppedReason", "");
  for (const TasksJson& each : json.value("containers", TasksJson::array())) {
    task.containers.push_back({.name = each.value("name", ""),
                               .image = each.value("image", ""),
                               .image_digest = each.value("imageDigest", "")});
    std::string stream = last_part(each.value("containerArn", ""));
    std::erase(stream, '-');
    task.streams[stream] = task.containers.back().name;
  }
  return task;
}

Status describe_tasks(const agent::Config& config, const std::string& cluster,
                      const std::vector<std::string>& arns,
                      std::map<std::string, DaemonTask>& tasks) {
  for (size_t first = 0; first < arns.size(); first += kTasksDescribedAtOnce) {
    auto begin = arns.begin() + static_cast<std::ptrdiff_t>(first);
    auto end = arns.begin() +
               static_cast<std::ptrdiff_t>(std::min(first + kTasksDescribedAtOnce, arns.size()));
    TasksJson request = {{"cluster", cluster}, {"tasks", std::vector<std::string>(begin, end)}};
    TasksJson described = TRY(ask_ecs(config, "DescribeTasks", request));
    for (const TasksJson& json : described["tasks"]) {
      DaemonTask task = daemon_task_of(json);
      tasks.emplace(task.id, std::move(task));
    }
  }
  return {};
}

agent::ListedTask listed_task_of(const DaemonTask& task) {
  agent::ListedTask listed;
  listed.info.id = task.id;
  listed.info.family = task.family;
  listed.info.created_at = task.created_at;
  bool is_over = task.last_status == kStoppedStatus;
  listed.state = is_over ? agent::TaskState::kStopped : agent::TaskState::kPending;
  for (const agent::ContainerInfo& info : task.containers) {
    agent::ListedContainer container;
    container.info = info;
    if (is_over) container.state = agent::ContainerState::kStopped;
    listed.containers.push_back(std::move(container));
  }
  return listed;
}

}  // namespace

Result<DaemonTasks> DaemonTasks::ask(const agent::Config& config) {
  DaemonTasks known;
  auto clusters = list_names(config, "ListClusters", TasksJson::object(), "clusterArns");
  bool is_absent = !clusters && (clusters.error().code == Errc::kUnavailable ||
                                 clusters.error().code == Errc::kDenied);
  if (is_absent) return known;
  if (!clusters) return tl::unexpected<Error>(std::move(clusters).error());
  for (const std::string& cluster : *clusters) {
    for (const char* desired : {"RUNNING", kStoppedStatus}) {
      TasksJson request = {{"cluster", cluster}, {"desiredStatus", desired}};
      auto arns = TRY(list_names(config, "ListTasks", std::move(request), "taskArns"));
      TRY(describe_tasks(config, cluster, arns, known.tasks_));
    }
  }
  return known;
}

const DaemonTask* DaemonTasks::find(const std::string& id) const {
  auto found = tasks_.find(id);
  return found == tasks_.end() ? nullptr : &found->second;
}

std::vector<agent::ListedTask> DaemonTasks::without_directory(
    const std::vector<agent::ListedTask>& listed, bool stopped) const {
  std::vector<agent::ListedTask> tasks;
  for (const auto& entry : tasks_) {
    const DaemonTask& task = entry.second;
    bool is_listed = std::ranges::any_of(
        listed, [&](const agent::ListedTask& each) { return each.info.id == task.id; });
    if (is_listed || (!stopped && task.last_status == kStoppedStatus)) continue;
    tasks.push_back(listed_task_of(task));
  }
  return tasks;
}

Status stop_daemon_task(const agent::Config& config, const DaemonTask& task,
                        const std::string& reason, StopManner manner) {
  TasksJson request = {{"cluster", task.cluster},
                       {"task", task.arn},
                       {"reason", reason},
                       {"x-berth-kill", manner == StopManner::kKill}};
  TRY(ask_ecs(config, "StopTask", request));
  return {};
}

Result<bool> is_over(const agent::Config& config, const DaemonTask& task) {
  std::map<std::string, DaemonTask> known;
  TRY(describe_tasks(config, task.cluster, {task.arn}, known));
  auto found = known.find(task.id);
  return found == known.end() || found->second.last_status == kStoppedStatus;
}

Result<std::vector<scheduler::StoryLine>> recent_story(const agent::Config& config,
                                                       const DaemonTask& task) {
  std::vector<scheduler::StoryLine> story;
  TasksJson page = TRY(get_from_daemon(config, EventFeed::kPath));
  for (const TasksJson& event : page["events"]) {
    if (event.value("task", "") != task.id) continue;
    story.push_back({.at = event.value("at", ""),
                     .event = event.value("event", ""),
                     .container = event.value("container", ""),
                     .text = event.value("text", ""),
                     .status = event.value("status", ""),
                     .decision = event.value("decision", "")});
  }
  return story;
}

Result<std::vector<agent::ListedTask>> list_all_tasks(const agent::Config& config,
                                                      const DaemonTasks& of_daemon, bool stopped) {
  std::vector<agent::ListedTask> tasks = TRY(agent::list_tasks(config, stopped));
  for (agent::ListedTask& task : of_daemon.without_directory(tasks, stopped)) {
    tasks.push_back(std::move(task));
  }
  std::ranges::stable_sort(tasks, {},
                           [](const agent::ListedTask& task) { return task.info.created_at; });
  return tasks;
}

Result<agent::ListedTask> choose_running_task(const agent::Config& config,
                                              const std::string& wanted, const std::string& what) {
  // berthd is asked only about others: it may be busy, or gone.
  std::vector<agent::ListedTask> here = TRY(agent::list_tasks(config, false));
  auto chosen = agent::choose_task(here, wanted);
  if (chosen) return **chosen;
  if (chosen.error().code != Errc::kNotFound) return tl::unexpected<Error>(chosen.error());
  DaemonTasks owned = TRY(DaemonTasks::ask(config));
  std::vector<agent::ListedTask> all = TRY(list_all_tasks(config, owned, true));
  const agent::ListedTask& task = *TRY(agent::choose_task(all, wanted));
  const DaemonTask* of_daemon = owned.find(task.info.id);
  std::string status = of_daemon == nullptr ? name_of(task.state) : of_daemon->last_status;
  std::string why = of_daemon == nullptr ? "" : of_daemon->stopped_reason;
  return fail(Errc::kUnavailable, "task {} is {}{}: {} needs one that runs", task.info.id, status,
              why.empty() ? "" : " (" + why + ")", what);
}

}  // namespace berth::tools
