// The volumes of a task where they are on this host: directories that are made, named volumes that
// are pinned, and what the shim has to mount. Before anything is pulled, so that what is not there
// is known at once.
#pragma once

#include "agent/config.h"
#include "agent/oci_config.h"
#include "base/env.h"
#include "base/result.h"
#include "runtime/task_plan.h"
#include "scheduler/model.h"
#include "sys/fd.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

struct PlacedVolume {
  std::string directory;    // what containers get; where the shim mounts it, if it does
  bool id_mapped = true;    // false: its owners are those of the host already
  bool read_only = false;   // whatever the mount points say
  bool is_filled = false;   // an empty one gets what the image has at its place
  std::string fill_lock{};  // of one that other tasks may fill as well
};

struct PlacedVolumes {
  std::map<std::string, PlacedVolume> by_name;
  std::optional<runtime::EphemeralStoragePlan> storage;  // the task's own volumes are in it
  std::vector<runtime::VolumePlan> mounts;
  std::vector<sys::Fd> pins;  // named volumes are not removed while these are open
};

// Whether directories and named volumes are made, or only said to be there: `berth explain`.
enum class Placing { kReal, kRehearsed };

struct PlaceRequest {
  const Config& config;
  const scheduler::Task& task;
  std::optional<IdRange> ids;
  Placing placing = Placing::kReal;
};

// Errors begin with what Amazon's agent says.
Result<PlacedVolumes> place_volumes(const PlaceRequest& request, Env env);

}  // namespace berth::agent
