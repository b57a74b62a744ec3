#include "scheduler/refused_fields_check.h"

#include "base/text.h"
#include "scheduler/reader.h"

#include <fmt/core.h>

namespace berth::scheduler {
namespace {

constexpr size_t kEnvironmentFilesMax = 10;
constexpr size_t kNameShown = 60;

// Faults of type are the parser's to tell: here they read as absent.
std::string text_at(const json::Node& node, std::string_view key) {
  auto text = node.find_string(key);
  return text && *text ? **text : "";
}

std::vector<json::Node> items_at(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value || !value->is_array()) return {};
  return value->as_array().value_or(std::vector<json::Node>{});
}

class RefusedFields {
 public:
  RefusedFields(const json::Node& root, const TaskDefinition& task)
      : root_(root), task_(task), fargate_(task.requires_fargate()) {}

  Findings run() {
    check_volumes();
    if (fargate_) check_fargate_task();
    for (const json::Node& container : items_at(root_, "containerDefinitions")) {
      check_sources(container);
      check_log(container);
      if (items_at(container, "credentialSpecs").size() > 1) {
        reader_.invalid_at(container, "credentialSpecs", "one credential spec at most is allowed");
      }
      if (fargate_) check_fargate_container(container);
    }
    return reader_.take();
  }

 private:
  void unsupported_on_fargate(const json::Node& node, std::string_view key, const char* name) {
    reader_.invalid_at(node, key,
                       fmt::format("Fargate compatible task definitions do not support {}", name));
  }

  void check_volumes() {
    size_t at_launch = 0;
    for (const json::Node& volume : items_at(root_, "volumes")) {
      auto s3files = volume.find("s3filesVolumeConfiguration");
      bool has_s3files = s3files && s3files->find("fileSystemArn");
      if (has_s3files && task_.task_role_arn.empty()) {
        reader_.invalid_at(volume, "s3filesVolumeConfiguration",
                           "a task with an S3 Files volume must have a taskRoleArn");
      }
      auto configured = volume.find_bool("configuredAtLaunch");
      if (!configured || !configured->value_or(false)) continue;
      if (++at_launch > 1) {
        reader_.invalid_at(volume, "configuredAtLaunch",
                           "one volume at most can be configured at launch");
      }
      check_is_referenced(volume);
    }
  }

  void check_is_referenced(const json::Node& volume) {
    std::string name = text_at(volume, "name");
    for (const ContainerDefinition& container : task_.container_definitions) {
      for (const MountPoint& mount : container.mount_points) {
        if (mount.source_volume == name) return;
      }
    }
    reader_.invalid_at(volume, "configuredAtLaunch",
                       fmt::format("Volumes [{}] are not referenced by any of the containers",
                                   printable(name, kNameShown)));
  }

  void check_fargate_task() {
    if (!items_at(root_, "placementConstraints").empty()) {
      unsupported_on_fargate(root_, "placementConstraints", "constraints");
    }
  }

  void require_role(const json::Node& node, std::string_view key) {
    if (items_at(node, key).empty() || !task_.execution_role_arn.empty()) return;
    reader_.invalid_at(node, key,
                       "When you are specifying container secrets, you must also specify a value "
                       "for 'executionRoleArn'.");
  }

  void check_sources(const json::Node& container) {
    require_role(container, "secrets");
    auto log = container.find("logConfiguration");
    if (log && log->is_object()) require_role(*log, "secretOptions");
    std::vector<json::Node> files = items_at(container, "environmentFiles");
    if (files.size() > kEnvironmentFilesMax) {
      reader_.invalid_at(container, "environmentFiles",
                         "The maximum number of environment files was exceeded. Specify ten or "
                         "less and try again.");
    }
    for (const json::Node& file : files) {
      if (text_at(file, "value").starts_with("arn:")) continue;
      reader_.invalid_at(file, "value", "Invalid arn syntax.");
    }
  }

  void check_log(const json::Node& container) {
    auto log = container.find("logConfiguration");
    if (!log || text_at(*log, "logDriver") != "awslogs") return;
    auto options = log->find("options");
    auto has = [&](const char* name) { return options && !text_at(*options, name).empty(); };
    if (!has("awslogs-region") || !has("awslogs-group")) {
      reader_.invalid_at(*log, "options",
                         "Log driver awslogs requires options: awslogs-region, awslogs-group");
    }
    if (!fargate_) return;
    if (!has("awslogs-stream-prefix")) {
      reader_.invalid_at(*log, "options",
                         "Fargate requires log configuration options to include "
                         "awslogs-stream-prefix to support log driver awslogs.");
    }
    if (task_.execution_role_arn.empty() && !role_told_) {
      role_told_ = true;
      reader_.invalid_at(root_, "executionRoleArn",
                         "Fargate requires task definition to have execution role ARN to support "
                         "log driver awslogs.");
    }
  }

  void check_fargate_container(const json::Node& container) {
    for (const json::Node& requirement : items_at(container, "resourceRequirements")) {
      if (text_at(requirement, "type") != "GPU") continue;
      reader_.invalid_at(
          requirement, "type",
          "Tasks using the Fargate launch type do not support GPU resource requirements.");
    }
  }

  const json::Node& root_;
  const TaskDefinition& task_;
  bool fargate_;
  bool role_told_ = false;
  Reader reader_;
};

}  // namespace

Findings check_refused_fields(const json::Node& root, const TaskDefinition& definition) {
  return RefusedFields(root, definition).run();
}

}  // namespace berth::scheduler
