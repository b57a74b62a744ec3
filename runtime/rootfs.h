// The root file system of a container: an overlay over the layers of its image.
//
//   upper, work   the container's own, on disk; removed with the task
//   layer n       ...
//   layer 0       shared by all containers of the image, never written
//
// In a user namespace the layers are first bound through idmapped mounts, so that a file that the
// image gives to root is owned by root in the container. overlayfs itself cannot be idmapped, and
// sees only mounts of the caller's mount namespace; so the bound layers are attached beside the
// target for the moment of the mount. (mount_setattr(2) MOUNT_ATTR_IDMAP; overlay over idmapped
// layers needs Linux >= 5.19.)
#pragma once

#include "base/result.h"
#include "runtime/task_plan.h"

namespace berth::runtime {

// Mounts the overlay at plan.target. `user_namespace` is a descriptor, or -1 for the host's ids.
// upper, work and target are made if they are missing.
Status mount_rootfs(const RootfsPlan& plan, int user_namespace,
                    const std::optional<IdRangePlan>& ids);
// Unmounts it again; not mounted is success.
Status unmount_rootfs(const RootfsPlan& plan);

}  // namespace berth::runtime
