#include "api/ecs_volumes.h"

#include "scheduler/managed_volume.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ecs {
namespace {

using scheduler::Task;
using scheduler::TaskRequest;
using scheduler::TaskStatus;

constexpr const char* kVolumesKey = "volumeConfigurations";
constexpr size_t kLaunchVolumesMax = 1;  // AWS's
constexpr size_t kUuidDigits = 32;

// A task's id is as random as a UUID, and no other attachment is made of it.
std::string attachment_id_of(const Task& task) {
  std::string id = task.id;
  if (id.size() != kUuidDigits) return id;
  for (size_t place : {20, 16, 12, 8}) id.insert(place, "-");
  return id;
}

// That which was never made, or could not be mounted.
bool has_failed(const Task& task) {
  return task.stopped_reason.starts_with(scheduler::kManagedVolumeFailure);
}

const char* status_of(const Task& task, const scheduler::ManagedVolume& volume) {
  if (has_failed(task)) return "FAILED";
  TaskStatus status = task.last_status();
  if (status >= TaskStatus::kStopped) return volume.delete_on_termination ? "DELETED" : "DETACHED";
  if (status >= TaskStatus::kDeprovisioning) return "DETACHING";
  if (status >= TaskStatus::kRunning) return "ATTACHED";
  return status >= TaskStatus::kPending ? "ATTACHING" : "CREATED";
}

}  // namespace

void read_volumes(Ask& ask, TaskRequest& request, VolumesOf whose) {
  if (!ask.has(kVolumesKey)) return;
  std::vector<json::Node> list = ask.objects(kVolumesKey, kLaunchVolumesMax);
  if (ask.refused()) return;
  request.volumes_json.clear();
  if (list.empty()) return;
  scheduler::VolumeAsk volume_ask{.for_service = whose == VolumesOf::kService,
                                  .fargate = request.launch_type == "FARGATE"};
  ask.refuse_findings(scheduler::parse_managed_volumes(list, volume_ask).findings);
  Json kept = Json::array();
  for (const json::Node& node : list) kept.push_back(Json::parse(node.dump()));
  request.volumes_json = kept.dump();
  if (request.volumes_json.size() > scheduler::kVolumeConfigurationsMax) {
    ask.invalid(fmt::format("{} can have at most {} characters, not {}.", kVolumesKey,
                            scheduler::kVolumeConfigurationsMax, request.volumes_json.size()));
  }
}

void refuse_volumes(Ask& ask) {
  if (ask.objects(kVolumesKey, kLaunchVolumesMax).empty()) return;
  ask.invalid(
      fmt::format("{} must be blank: services with an EXTERNAL deployment controller have "
                  "no volumes that are configured at launch.",
                  kVolumesKey));
}

void add_definition_tags(TaskRequest& request, const scheduler::Revision& revision) {
  if (request.volumes_json.empty() || revision.tags.empty()) return;
  Json list = Json::parse(request.volumes_json);
  for (Json& volume : list) {
    Json& managed = volume["managedEBSVolume"];
    if (!managed.contains("tagSpecifications")) continue;
    for (Json& specification : managed["tagSpecifications"]) {
      if (specification.value("propagateTags", "") != "TASK_DEFINITION") continue;
      Json tags = tags_json(revision.tags);  // first: those that the request has count
      if (specification.contains("tags")) {
        for (const Json& tag : specification["tags"]) tags.push_back(tag);
      }
      specification["tags"] = std::move(tags);
    }
  }
  request.volumes_json = list.dump();
}

void check_volumes(Ask& ask, const TaskRequest& request,
                   const scheduler::TaskDefinition& definition) {
  std::vector<scheduler::ManagedVolume> volumes;
  if (!request.volumes_json.empty()) {
    auto document = json::Document::parse(request.volumes_json, {.name = kVolumesKey});
    auto list = document ? document->root().as_array()
                         : Result<std::vector<json::Node>>(tl::unexpected(document.error()));
    if (!list) return ask.check(Status(tl::unexpected(list.error())));  // cannot be
    volumes = scheduler::parse_managed_volumes(*list, {}).volumes;
  }
  auto checked = scheduler::check_managed_volumes(definition, volumes);
  if (!checked) ask.invalid(checked.error().text);
}

Json volume_attachment_json(const Task& task) {
  const scheduler::Volume* volume = scheduler::find_managed_volume(task.definition);
  if (volume == nullptr) return nullptr;
  const scheduler::ManagedVolume& managed = *volume->managed;
  Json details = Json::array();
  auto add = [&](const char* name, const std::string& value) {
    details.push_back({{"name", name}, {"value", value}});
  };
  std::string status = status_of(task, managed);
  add("roleArn", managed.role_arn);
  add("volumeName", volume->name);
  add("deleteOnTermination", managed.delete_on_termination ? "true" : "false");
  if (status != "CREATED" && status != "FAILED") {
    add("volumeId", scheduler::managed_volume_id(task.id));
  }
  if (status == "FAILED") add("statusReason", task.stopped_reason);
  return {{"id", attachment_id_of(task)},
          {"type", "AmazonElasticBlockStorage"},
          {"status", status},
          {"details", std::move(details)}};
}

}  // namespace berth::api::ecs
