// From efsVolumeConfiguration to what the shim mounts: a directory of this host, or of an NFS
// server, as berth.json says.
#pragma once

#include "agent/efs_settings.h"
#include "agent/volume_mount.h"
#include "base/result.h"
#include "scheduler/volume.h"

#include <optional>
#include <string>

namespace berth::agent {

struct EfsRequest {
  const scheduler::Volume& volume;  // with efs
  const EfsSettings& settings;
  std::string region;
  std::optional<IdRange> ids;
};

// Errors are in the words of Amazon's agent. kNotFound for what berth.json does not know.
Result<MountedVolume> efs_volume(const EfsRequest& request);

// The directory of the access point that the volume is mounted by, where there is one and it is on
// this host: made if it is missing, without following a symlink.
Status make_access_point(const EfsRequest& request);

}  // namespace berth::agent
