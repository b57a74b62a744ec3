// The root file system of a container: an overlay over the layers of its image.
//
//   upper, work   the container's own, on disk; removed with the task
//   layer n       ...
//   layer 0       shared by all containers of the image, never written
//
// A layer is a directory, or a file that holds an EROFS of it (sys/image_mount.h), which is
// mounted. In a user namespace all layers are idmapped mounts, so that a file that the image gives
// to root is owned by root in the container. overlayfs itself cannot be idmapped, and sees only
// mounts of the caller's mount namespace; so what is mounted of the layers is attached beside the
// target for the moment of the mount, and belongs to the overlay alone afterwards.
// (mount_setattr(2) MOUNT_ATTR_IDMAP; overlay over idmapped layers needs Linux >= 5.19.)
#pragma once

#include "base/result.h"
#include "runtime/task_plan.h"

#include <string>

namespace berth::runtime {

// Whether a layer is a file with an EROFS, not a directory.
Result<bool> is_image(const std::string& layer);
// Where what is mounted of layer `index` (0 is the lowest) is attached for a moment.
std::string layer_target(const RootfsPlan& plan, size_t index);

// Mounts the overlay at plan.target. `user_namespace` is a descriptor, or -1 for the host's ids.
// upper, work and target are made if they are missing.
Status mount_rootfs(const RootfsPlan& plan, int user_namespace);
// Unmounts it again; not mounted is success.
Status unmount_rootfs(const RootfsPlan& plan);

}  // namespace berth::runtime
