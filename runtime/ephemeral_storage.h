// The ephemeral storage of a task, of the size that its definition asks for: a file system of its
// own in a file, where its containers write and its own volumes are. In the shim's mount namespace:
// with the shim the kernel unmounts it and takes the loop device back.
#pragma once

#include "base/result.h"
#include "runtime/task_plan.h"

namespace berth::runtime {

// Mounts it at its path and makes the directories in it. The error says what this host lacks.
Status mount_ephemeral_storage(const EphemeralStoragePlan& plan);

}  // namespace berth::runtime
