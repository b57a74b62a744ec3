// Volumes that are configured at launch: volumeConfigurations of RunTask, StartTask and services,
// which say of a volume of the task definition what EBS volume it is to be.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "scheduler/finding.h"
#include "scheduler/task_definition.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::scheduler {

constexpr size_t kVolumeConfigurationsMax = 16384;  // characters of the JSON

// Who asks, and for what: services have no terminationPolicy, and Fargate has no magnetic disks.
struct VolumeAsk {
  bool for_service = false;
  bool fargate = false;
};

struct ParsedManagedVolumes {
  std::vector<ManagedVolume> volumes{};  // to be used only when there are no findings
  Findings findings{};
};

// `list` are TaskVolumeConfigurations, or a service's. Findings have AWS's ranges and words.
ParsedManagedVolumes parse_managed_volumes(const std::vector<json::Node>& list, VolumeAsk ask);

// Text (a JSON list) to volumes. Errors: kInvalid with all findings, or for too long a text.
Result<std::vector<ManagedVolume>> read_managed_volumes(std::string_view text,
                                                        const std::string& name, VolumeAsk ask);

// That each configures a volume which the definition leaves to be configured, and that none of
// these is left out. kInvalid, with AWS's text.
Status check_managed_volumes(const TaskDefinition& definition,
                             const std::vector<ManagedVolume>& volumes);

// The definition with its volumes configured; no rules are looked at.
TaskDefinition merge_managed_volumes(TaskDefinition definition,
                                     const std::vector<ManagedVolume>& volumes);

// The one volume of a definition that is configured at launch; null: it has none.
const Volume* find_managed_volume(const TaskDefinition& definition);

// "vol-0" and 16 hexadecimal digits, of the task's id: a task has one such volume at most.
std::string managed_volume_id(std::string_view task_id);

// What the reason of a task begins with whose volume could not be made or mounted.
inline constexpr std::string_view kManagedVolumeFailure =
    "ResourceInitializationError: failed to attach the EBS volume";

}  // namespace berth::scheduler
