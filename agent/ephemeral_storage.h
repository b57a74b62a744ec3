// The ephemeral storage of a task that has a size: an empty file system in a sparse file,
// which the shim mounts (runtime/ephemeral_storage.h). It takes of the disk what is written.
#pragma once

#include "agent/paths.h"
#include "base/result.h"
#include "base/step.h"
#include "runtime/task_plan.h"
#include "scheduler/task_definition.h"

#include <cstdint>
#include <optional>
#include <string>

namespace berth::agent {

// In the task's durable directory.
inline constexpr const char* kEphemeralImage = "ephemeral.img";
inline constexpr const char* kEphemeralMount = "ephemeral";

// Fargate's, of a task that asks for nothing.
constexpr uint32_t kFargateStorageGib = 20;

// What bounds a task: the size that it asks for, or Fargate's on Fargate's terms. Nothing: the disk
// alone does.
std::optional<uint32_t> storage_gib_of(const scheduler::TaskDefinition& definition);

// Where it will be; nothing is made.
runtime::EphemeralStoragePlan ephemeral_storage_plan(const InstancePaths& paths,
                                                     const std::string& task_id);

// Makes the file and, with mkfs.ext4(8), the file system. A disk that has less room than that
// bounds it: the task is to read ENOSPC, not to lose what it wrote. An error names what is missing.
Status make_ephemeral_storage(const runtime::EphemeralStoragePlan& plan, uint64_t size_gib);

// How make_ephemeral_storage() does it.
Step explain_image(const runtime::EphemeralStoragePlan& plan);

}  // namespace berth::agent
