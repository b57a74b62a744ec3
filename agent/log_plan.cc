#include "agent/log_plan.h"

#include "agent/log_store.h"
#include "base/pattern.h"
#include "runtime/log_events.h"
#include "scheduler/log_configuration.h"
#include "scheduler/log_tag.h"

#include <algorithm>
#include <map>
#include <optional>

namespace berth::agent {
namespace {

// Of one file of a log stream: old events go file by file.
constexpr uint64_t kStreamFileBytes = 16 * 1024 * 1024;

using Attributes = std::map<std::string, std::string>;

const std::string* log_option(const scheduler::LogConfiguration& log, const char* name) {
  auto found = log.options.find(name);
  return found == log.options.end() ? nullptr : &found->second;
}

// Those of `values` that `option` lists or whose names its pattern (`option`-regex) matches.
Status choose_attributes(const scheduler::LogConfiguration& log, const std::string& option,
                         const Attributes& values, Attributes& chosen) {
  for (const std::string& name : scheduler::log_words_of(log, option)) {
    auto value = values.find(name);
    if (value != values.end()) chosen[name] = value->second;
  }
  const std::string* text = log_option(log, (option + "-regex").c_str());
  if (text == nullptr) return {};
  Pattern pattern = TRY(Pattern::parse(*text));
  for (const auto& [name, value] : values) {
    if (pattern.matches(name)) chosen[name] = value;
  }
  return {};
}

Attributes variables_of(const std::vector<std::string>& environment) {
  Attributes variables;
  for (const std::string& variable : environment) {
    size_t equals = variable.find('=');
    if (equals == std::string::npos) continue;
    variables[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  return variables;
}

Result<Attributes> attributes_of(const scheduler::ContainerDefinition& container,
                                 const LoggedContainer& logged) {
  const scheduler::LogConfiguration& log = *container.log_configuration;
  Attributes chosen;
  TRY(choose_attributes(log, "labels", container.docker_labels, chosen));
  TRY(choose_attributes(log, "env", variables_of(logged.environment), chosen));
  const std::string* tag = log_option(log, "tag");
  if (tag == nullptr) return chosen;
  chosen["tag"] = TRY(scheduler::render_log_tag(*tag, {.full_id = logged.id,
                                                       .name = logged.name,
                                                       .image_full_id = logged.image_digest,
                                                       .image_name = logged.image_name}));
  return chosen;
}

bool is_awslogs(const scheduler::ContainerDefinition& container) {
  return container.log_configuration && container.log_configuration->driver == "awslogs";
}

// As the ECS agent names it; without a prefix, as Docker does.
std::string stream_of(const scheduler::Task& task, const scheduler::ContainerDefinition& container,
                      const scheduler::AwslogsTarget& target) {
  if (!target.stream_prefix.empty()) {
    return target.stream_prefix + "/" + container.name + "/" + task.id;
  }
  std::string id = task.find_container(container.name)->id;
  std::erase(id, '-');
  return id;
}

Status prepare_stream(const LogStore& store, const scheduler::AwslogsTarget& target,
                      const std::string& stream, WallTime now) {
  if (target.create_group && !store.find_group(target.group)) {
    auto made = store.create_group(target.group, now);
    bool raced = !made && made.error().code == Errc::kExists;  // another task was quicker
    if (!made && !raced) return made;
  }
  return store.create_stream(target.group, stream, now);
}

}  // namespace

Status prepare_logs(const InstancePaths& paths, const scheduler::Task& task, WallTime now) {
  for (const auto& container : task.definition.container_definitions) {
    if (!is_awslogs(container)) continue;
    scheduler::AwslogsTarget target = scheduler::awslogs_target_of(*container.log_configuration);
    auto prepared = prepare_stream(LogStore(paths.root, target.region), target,
                                   stream_of(task, container, target), now);
    if (prepared) continue;
    // What it is called on Fargate.
    return wrap(std::move(prepared).error(),
                "failed to validate logger args: create stream has been retried 1 times: failed to "
                "create Cloudwatch log stream: ResourceNotFoundException");
  }
  return {};
}

std::string log_path_of(const InstancePaths& paths, const scheduler::Task& task,
                        const scheduler::ContainerDefinition& container) {
  if (is_awslogs(container)) {
    scheduler::AwslogsTarget target = scheduler::awslogs_target_of(*container.log_configuration);
    LogStore store(paths.root, target.region);
    return store.events_path(target.group, stream_of(task, container, target));
  }
  return paths.logs(task.id) + "/" + container.name + ".log";
}

Result<runtime::LogPlan> log_plan_of(const scheduler::ContainerDefinition& container,
                                     const LoggedContainer& logged, const std::string& path) {
  runtime::LogPlan plan;
  plan.file.path = path;
  if (!container.log_configuration) return plan;
  const scheduler::LogConfiguration& log = *container.log_configuration;
  scheduler::LogDelivery delivery = scheduler::log_delivery_of(log);
  plan.mode = delivery.blocking ? runtime::LogMode::kBlocking : runtime::LogMode::kNonBlocking;
  plan.buffer_bytes = delivery.buffer_bytes;
  if (is_awslogs(container)) {
    plan.driver = runtime::LogDriverKind::kAwslogs;
    plan.line_max = runtime::kLogEventMax;
    plan.event_pattern = scheduler::awslogs_target_of(log).event_pattern;
    plan.file.max_bytes = kStreamFileBytes;
    plan.file.max_files = 0;  // they go when they are older than the group's retention
    return plan;
  }
  scheduler::LogRotation rotation = scheduler::log_rotation_of(log);
  plan.file.max_bytes = rotation.max_bytes;
  plan.file.max_files = rotation.max_files;
  plan.file.compress = rotation.compress;
  for (const auto& [name, value] : TRY(attributes_of(container, logged))) {
    plan.attributes.emplace_back(name, value);
  }
  return plan;
}

}  // namespace berth::agent
