// Volumes that somebody has to mount or to fill before containers have them. In the shim's own
// mount namespace: what is mounted here goes with it.
#pragma once

#include "base/result.h"
#include "runtime/task_plan.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::runtime {

// The words of mount(8) that are about the mount, and those that the file system takes.
struct VolumeOptions {
  uint64_t set = 0;  // MOUNT_ATTR_*
  uint64_t clear = 0;
  std::vector<std::pair<std::string, std::string>> data;
};
VolumeOptions volume_options(const std::vector<std::string>& words);

// Mounts it at its path, which is made. The error says how to mend what this host lacks.
Status mount_volume(const VolumePlan& plan);

// As Docker does with a volume that is empty: it gets what the image has at its place, and the
// owner and mode of that directory. `rootfs` is the container's, mounted. One that is not empty
// stays as it is. One task at a time does it.
Status fill_volume(const FillPlan& plan, const std::string& rootfs,
                   const std::optional<IdRangePlan>& ids);

}  // namespace berth::runtime
