// ExecuteCommand. What follows is not ECS's any more but Session Manager's: the client takes the
// session to a data channel (aws/data_channel.h).
#include "api/command_words.h"
#include "api/ecs_lookup.h"
#include "api/ecs_operations.h"
#include "api/ecs_shapes.h"
#include "api/exec_sessions.h"
#include "scheduler/log_configuration.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace berth::api::ecs {
namespace {

using scheduler::Container;
using scheduler::Task;

constexpr const char* kNotEnabled =
    "The execute command failed because execute command was not enabled when the task was run or "
    "the execute command agent isn’t running. Wait and try again or run a new task with execute "
    "command enabled and try again.";

const Container* find_container(Ask& ask, const Task& task) {
  std::string name = ask.text("container");
  if (name.empty() && task.containers.size() == 1) return &task.containers.front();
  if (name.empty()) {
    ask.invalid("container must be named, because the task has several.");
    return nullptr;
  }
  const Container* container = task.find_container(name);
  if (container == nullptr) {
    ask.invalid(fmt::format("The task has no container of the name {}.", name));
  }
  return container;
}

const Task* find_running_task(Ecs& ecs, Ask& ask, const scheduler::Cluster* cluster) {
  std::string text = ask.required_text("task");
  if (cluster == nullptr) return nullptr;
  const Task* task =
      find_task(ecs, task_id_of(ecs, ask, text, cluster->name, "task"), cluster->name);
  if (task == nullptr) {
    ask.invalid("The referenced task was not found.");
  } else if (!task->request.enable_execute_command) {
    ask.invalid(kNotEnabled);
  }
  return task;
}

// As the cluster's executeCommandConfiguration has it. DEFAULT, of clusters that say nothing as
// well, is where the container's own lines go.
std::optional<ExecLog> log_of(const Ecs& ecs, const scheduler::Cluster& cluster, const Task& task,
                              const Container& container) {
  Json configuration = stored_json(cluster.configuration_json);
  Json execute = configuration.is_object()
                     ? configuration.value("executeCommandConfiguration", Json::object())
                     : Json::object();
  std::string logging = execute.value("logging", "DEFAULT");
  if (logging == "NONE") return std::nullopt;
  if (logging == "OVERRIDE") {
    Json log = execute.value("logConfiguration", Json::object());
    ExecLog kept{.region = ecs.settings.region,
                 .group = log.value("cloudWatchLogGroupName", ""),
                 .bucket = log.value("s3BucketName", ""),
                 .key_prefix = log.value("s3KeyPrefix", ""),
                 .must_be_encrypted = log.value("s3EncryptionEnabled", false)};
    return kept.group.empty() && kept.bucket.empty() ? std::nullopt : std::optional(kept);
  }
  const auto* definition = task.definition.find_container(container.name);
  bool is_logged = definition != nullptr && definition->log_configuration &&
                   definition->log_configuration->driver == "awslogs";
  if (!is_logged) return std::nullopt;
  auto target = scheduler::awslogs_target_of(*definition->log_configuration);
  return ExecLog{.region = target.region, .group = target.group};
}

}  // namespace

Json execute_command(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  std::string command = ask.required_text("command");
  if (!ask.flag("interactive")) ask.invalid("Interactive is the only mode supported currently.");
  const Task* task = find_running_task(ecs, ask, cluster);
  const Container* container = task == nullptr ? nullptr : find_container(ask, *task);
  auto words = command_words(command);
  if (!words) ask.invalid(fmt::format("command: {}", words.error().text));
  if (ask.refused()) return {};
  bool runs = container->lifecycle.status() == scheduler::ContainerStatus::kRunning;
  if (!runs || ecs.sessions == nullptr) {
    ask.refuse("TargetNotConnectedException",
               fmt::format("The execute command failed due to an internal error. Try again later. "
                           "(The container {} is {}.)",
                           container->name, name_of(container->lifecycle.status())));
    return {};
  }
  auto log = log_of(ecs, *cluster, *task, *container);
  auto session = ecs.sessions->open({task->id, container->name, std::move(*words), std::move(log)});
  if (!session) {
    ask.refuse("TargetNotConnectedException", session.error().text);
    return {};
  }
  return {{"clusterArn", cluster_arn(ecs, cluster->name)},
          {"containerArn", container_arn(ecs, *task, *container)},
          {"containerName", container->name},
          {"interactive", true},
          {"session",
           {{"sessionId", session->id},
            {"streamUrl", fmt::format("ws://{}{}", ask.call().host, session->path)},
            {"tokenValue", session->token}}},
          {"taskArn", task_arn(ecs, *task)}};
}

}  // namespace berth::api::ecs
