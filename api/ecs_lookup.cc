#include "api/ecs_lookup.h"

#include "aws/endpoint.h"
#include "base/text.h"

#include <fmt/core.h>

#include <algorithm>

namespace berth::api::ecs {
namespace {

constexpr size_t kArnWords = 6;
constexpr size_t kArnAccount = 4;  // of them
constexpr size_t kNameMax = 255;
constexpr size_t kTaskIdSize = 32;
constexpr size_t kOldTaskIdSize = 36;  // a UUID, of 2018 and before

bool is_arn(std::string_view text) {
  return text.starts_with("arn:");
}

// The parts of "task/cluster/id" behind its kind; nothing when it is of another kind.
std::optional<std::vector<std::string>> parts_of(const std::string& resource,
                                                 std::string_view kind) {
  std::vector<std::string> parts = split(resource, '/');
  if (parts.size() < 2 || parts[0] != kind) return std::nullopt;
  parts.erase(parts.begin());
  return parts;
}

}  // namespace

std::string arn_of(const Ecs& ecs, std::string_view resource) {
  const std::string& region = ecs.settings.region;
  return fmt::format("arn:{}:ecs:{}:{}:{}", aws::partition_of(region), region, ecs.settings.account,
                     resource);
}
std::string cluster_arn(const Ecs& ecs, std::string_view name) {
  return arn_of(ecs, fmt::format("cluster/{}", name));
}
std::string task_arn(const Ecs& ecs, const scheduler::Task& task) {
  return arn_of(ecs, fmt::format("task/{}/{}", task.request.cluster, task.id));
}
std::string container_arn(const Ecs& ecs, const scheduler::Task& task,
                          const scheduler::Container& container) {
  return arn_of(ecs,
                fmt::format("container/{}/{}/{}", task.request.cluster, task.id, container.id));
}
std::string container_instance_arn(const Ecs& ecs, std::string_view cluster) {
  return arn_of(ecs, fmt::format("container-instance/{}/{}", cluster, ecs.catalog.node_id()));
}
std::string revision_arn(const Ecs& ecs, std::string_view family, int64_t number) {
  return arn_of(ecs, fmt::format("task-definition/{}:{}", family, number));
}
std::string capacity_provider_arn(const Ecs& ecs, std::string_view name) {
  return arn_of(ecs, fmt::format("capacity-provider/{}", name));
}

std::string resource_of(const Ecs& ecs, Ask& ask, const std::string& text) {
  if (!is_arn(text)) return text;
  std::vector<std::string> words = split(text, ':');
  std::string own = arn_of(ecs, "");
  if (words.size() >= kArnWords && text.starts_with(own)) return text.substr(own.size());
  if (words.size() >= kArnWords && words[kArnAccount] != ecs.settings.account) {
    ask.invalid(fmt::format("Identifier is for {}. Your accountId is {}",
                            printable(words[kArnAccount], kNameShown), ecs.settings.account));
    return "";
  }
  ask.invalid(
      fmt::format("Invalid identifier: {} does not begin with {}, as the ARNs of this "
                  "account and region do.",
                  printable(text, kNameShown), own));
  return "";
}

std::string cluster_name_of(const Ecs& ecs, Ask& ask, const std::string& text) {
  if (text.empty()) return scheduler::kDefaultCluster;
  std::string resource = resource_of(ecs, ask, text);
  if (!is_arn(text) || ask.refused()) return resource;
  auto parts = parts_of(resource, "cluster");
  if (parts && parts->size() == 1) return parts->front();
  ask.invalid(fmt::format("Invalid identifier: {} is no cluster.", printable(text, kNameShown)));
  return "";
}

const scheduler::Cluster* find_cluster(const Ecs& ecs, Ask& ask) {
  std::string name = cluster_name_of(ecs, ask, ask.text("cluster"));
  if (!is_name(name)) {
    ask.invalid(fmt::format("Cluster must match {}, but was {}", kNamePattern,
                            printable(name, kNameShown)));
  }
  if (ask.refused()) return nullptr;
  const scheduler::Cluster* cluster = ecs.catalog.find_cluster(name);
  if (cluster != nullptr && cluster->active) return cluster;
  ask.refuse("ClusterNotFoundException",
             cluster == nullptr ? "Cluster not found." : "The referenced cluster was inactive.");
  return nullptr;
}

std::string member_id_of(const Ecs& ecs, Ask& ask, const std::string& text, std::string_view kind,
                         const std::string& cluster) {
  if (!is_arn(text)) return text;
  std::string resource = resource_of(ecs, ask, text);
  if (ask.refused()) return "";
  auto parts = parts_of(resource, kind);
  if (!parts) {
    ask.invalid(fmt::format("Unsupported resource type: {}",
                            printable(resource.substr(0, resource.find('/')), kNameShown)));
    return "";
  }
  if (parts->size() > 2) {
    ask.invalid("Invalid identifier: Unexpected number of separators");
    return "";
  }
  if (parts->size() == 2 && parts->front() != cluster) {
    ask.invalid(fmt::format("Invalid identifier: Identifier is for cluster {}. Your cluster is {}",
                            printable(parts->front(), kNameShown), cluster));
    return "";
  }
  return parts->back();
}

std::string task_id_of(const Ecs& ecs, Ask& ask, const std::string& text,
                       const std::string& cluster, std::string_view member) {
  std::string id = member_id_of(ecs, ask, text, "task", cluster);
  if (id.empty() || id.size() == kTaskIdSize || id.size() == kOldTaskIdSize) return id;
  ask.invalid(
      fmt::format("{} length should be one of [{},{}]", member, kTaskIdSize, kOldTaskIdSize));
  return "";
}

const scheduler::Task* find_task(const Ecs& ecs, const std::string& id,
                                 const std::string& cluster) {
  const scheduler::Task* task = ecs.core.find_task(id);
  return task != nullptr && task->request.cluster == cluster ? task : nullptr;
}

std::vector<const scheduler::Task*> tasks_of(const Ecs& ecs, const std::string& cluster) {
  std::vector<const scheduler::Task*> tasks;
  for (const std::string& id : ecs.core.task_ids()) {
    if (const scheduler::Task* task = find_task(ecs, id, cluster)) tasks.push_back(task);
  }
  std::stable_sort(tasks.begin(), tasks.end(),
                   [](const scheduler::Task* one, const scheduler::Task* other) {
                     return one->created_at < other->created_at;
                   });
  return tasks;
}

bool is_stopped(const scheduler::Task& task) {
  return task.last_status() == scheduler::TaskStatus::kStopped;
}

RevisionName revision_name_of(const Ecs& ecs, Ask& ask, const std::string& text) {
  std::string resource = resource_of(ecs, ask, text);
  constexpr std::string_view kKind = "task-definition/";
  if (is_arn(text) && !ask.refused()) {
    if (!resource.starts_with(kKind)) {
      ask.client_error(
          fmt::format("Invalid arn: {} is no task definition.", printable(text, kNameShown)));
      return {};
    }
    resource = resource.substr(kKind.size());
  }
  size_t colon = resource.find(':');
  if (colon == std::string::npos) return {resource, ""};
  return {resource.substr(0, colon), resource.substr(colon + 1)};
}

const scheduler::Revision* find_revision(const Ecs& ecs, const RevisionName& name) {
  if (name.number.empty()) return ecs.catalog.latest_revision(name.family);
  auto number = parse_i64(name.number);
  return number ? ecs.catalog.find_revision(name.family, *number) : nullptr;
}

bool is_this_node(const Ecs& ecs, Ask& ask, const std::string& text, const std::string& cluster) {
  return member_id_of(ecs, ask, text, "container-instance", cluster) == ecs.catalog.node_id();
}

std::string missing_arn(const Ecs& ecs, const std::string& text, std::string_view resource) {
  return is_arn(text) ? text : arn_of(ecs, fmt::format("{}{}", resource, text));
}

TaskBatch read_task_batch(const Ecs& ecs, Ask& ask, const scheduler::Cluster* cluster, size_t max) {
  TaskBatch batch;
  batch.texts = ask.batch("tasks", max, "taskIds");
  if (cluster == nullptr) return batch;
  for (const std::string& text : batch.texts) {
    batch.ids.push_back(task_id_of(ecs, ask, text, cluster->name));
  }
  return batch;
}
Failure missing_task(const Ecs& ecs, const std::string& text, const std::string& cluster) {
  return {missing_arn(ecs, text, fmt::format("task/{}/", cluster))};
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kNameMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

}  // namespace berth::api::ecs
