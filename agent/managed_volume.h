// Volumes that are configured at launch (scheduler/managed_volume.h): where Amazon has EBS, a file
// system in a file, of which the extension says which it is: "data.xfs".
#pragma once

#include "agent/volume_store.h"
#include "base/result.h"
#include "base/step.h"
#include "runtime/task_plan.h"
#include "scheduler/model.h"

#include <string>

namespace berth::agent {

// What the shim mounts; its path is the caller's to say.
runtime::VolumePlan managed_volume_plan(const scheduler::ManagedVolume& volume,
                                        const std::string& image);

// Makes the file and the file system. Errors begin with what Amazon's agent says.
Status make_managed_image(const scheduler::ManagedVolume& volume, const std::string& image);

// The record of one that stays when its task ends: with the volume's tags, and those of ECS.
NamedVolume kept_volume(const scheduler::ManagedVolume& volume, const std::string& task_id,
                        const std::string& created_at);

// How make_managed_image() does it.
Step explain_managed_image(const std::string& image);

}  // namespace berth::agent
