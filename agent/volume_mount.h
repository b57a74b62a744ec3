// From the options of Docker's driver `local` to what the shim mounts.
#pragma once

#include "agent/oci_config.h"
#include "base/result.h"
#include "runtime/task_plan.h"
#include "scheduler/volume.h"

#include <optional>
#include <string>

namespace berth::agent {

struct MountedVolume {
  runtime::VolumePlan plan;  // its path is the caller's to say
  bool id_mapped = true;     // false: its owners are those of the host already
  bool read_only = false;
};

// `options` are not empty and without faults. Names of servers are looked up, for the shim asks no
// name server. kUnsupported for a file system that a task with ids of its own cannot use.
Result<MountedVolume> mounted_volume(const std::string& name, const scheduler::DriverOpts& options,
                                     const std::optional<IdRange>& ids);

}  // namespace berth::agent
