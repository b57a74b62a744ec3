// From the names and ARNs of requests to what they mean, and back. Where something is not there the
// ask is refused as AWS words it, unless the function says otherwise.
#pragma once

#include "api/ecs_operations.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ecs {

constexpr size_t kNameShown = 300;                                // bytes of a name in a message
constexpr const char* kNamePattern = "^[a-zA-Z0-9\\-_]{1,255}$";  // what is_name takes, by AWS

// "arn:aws:ecs:us-east-1:123456789012:" and the resource: "cluster/default".
std::string arn_of(const Ecs& ecs, std::string_view resource);
std::string cluster_arn(const Ecs& ecs, std::string_view name);
std::string task_arn(const Ecs& ecs, const scheduler::Task& task);
std::string container_arn(const Ecs& ecs, const scheduler::Task& task,
                          const scheduler::Container& container);
std::string container_instance_arn(const Ecs& ecs, std::string_view cluster);
std::string revision_arn(const Ecs& ecs, std::string_view family, int64_t number);
std::string capacity_provider_arn(const Ecs& ecs, std::string_view name);

// The resource behind the account of an ARN of ECS, "cluster/default"; the text itself when it is
// no ARN. Refused: another service, account or region.
std::string resource_of(const Ecs& ecs, Ask& ask, const std::string& text);

// A cluster's name out of a name or an ARN; "default" out of "".
std::string cluster_name_of(const Ecs& ecs, Ask& ask, const std::string& text);
// The ACTIVE cluster of the member `cluster`. Null: refused.
const scheduler::Cluster* find_cluster(const Ecs& ecs, Ask& ask);

// The last part of an id or of an ARN "kind/cluster/id", whose cluster must be `cluster`.
std::string member_id_of(const Ecs& ecs, Ask& ask, const std::string& text, std::string_view kind,
                         const std::string& cluster);
// A task's id out of an id or an ARN, which is of `cluster`; `member` as refusals name it.
std::string task_id_of(const Ecs& ecs, Ask& ask, const std::string& text,
                       const std::string& cluster, std::string_view member = "taskId");
// Null when it is not there, or in another cluster; that is no refusal.
const scheduler::Task* find_task(const Ecs& ecs, const std::string& id, const std::string& cluster);
// The tasks of a cluster, oldest first.
std::vector<const scheduler::Task*> tasks_of(const Ecs& ecs, const std::string& cluster);
bool is_stopped(const scheduler::Task& task);

// "family", "family:revision" or the ARN of either.
struct RevisionName {
  std::string family;
  std::string number;  // "" for the latest that is ACTIVE; not yet known to be one
};
RevisionName revision_name_of(const Ecs& ecs, Ask& ask, const std::string& text);
// Null when it is not there; that is no refusal.
const scheduler::Revision* find_revision(const Ecs& ecs, const RevisionName& name);

// Whether the id or ARN of a container instance means this node in `cluster`.
bool is_this_node(const Ecs& ecs, Ask& ask, const std::string& text, const std::string& cluster);

// An item that a batch did not find: its ARN, or the one it would have.
struct Failure {
  std::string arn;
  std::string reason = "MISSING";
  std::string detail{};
};
std::string missing_arn(const Ecs& ecs, const std::string& text, std::string_view resource);

// The tasks that a batch names under `tasks`, as they were named and by id.
struct TaskBatch {
  std::vector<std::string> texts{};
  std::vector<std::string> ids{};
};
TaskBatch read_task_batch(const Ecs& ecs, Ask& ask, const scheduler::Cluster* cluster, size_t max);
Failure missing_task(const Ecs& ecs, const std::string& text, const std::string& cluster);

// Letters, digits, '_' and '-', 1 to 255.
bool is_name(std::string_view text);

}  // namespace berth::api::ecs
