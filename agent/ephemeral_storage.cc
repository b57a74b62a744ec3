#include "agent/ephemeral_storage.h"

#include "agent/disk_image.h"
#include "base/log.h"
#include "sys/file.h"

namespace berth::agent {
namespace {

constexpr const char* kLoopControl = "/dev/loop-control";

// No journal and no copies of the superblock: nobody mounts it a second time. -F: into a file.
DiskImage disk_image_of(const runtime::EphemeralStoragePlan& plan) {
  return {.path = plan.image,
          .mkfs = {"mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", "-G", "256", "-O",
                   "^has_journal,^resize_inode,sparse_super2", "-E",
                   "lazy_itable_init=1,nodiscard,num_backup_sb=0"},
          .package = "e2fsprogs",
          .asked_by = "ephemeralStorage"};
}

}  // namespace

// A bound that nobody asked for keeps no task from running on a host that cannot have it.
std::optional<uint32_t> storage_gib_of(const scheduler::TaskDefinition& definition) {
  if (definition.ephemeral_storage_gib || !definition.requires_fargate()) {
    return definition.ephemeral_storage_gib;
  }
  if (sys::exists(kLoopControl)) return kFargateStorageGib;
  LOG(kWarn, "without loop devices the disk alone bounds what a task of Fargate writes",
      {{"missing", kLoopControl}});
  return std::nullopt;
}

runtime::EphemeralStoragePlan ephemeral_storage_plan(const InstancePaths& paths,
                                                     const std::string& task_id) {
  std::string directory = paths.durable(task_id);
  return {.image = directory + "/" + kEphemeralImage, .path = directory + "/" + kEphemeralMount};
}

Status make_ephemeral_storage(const runtime::EphemeralStoragePlan& plan, uint64_t size_gib) {
  auto made = make_disk_image(disk_image_of(plan), size_gib);
  if (!made) return wrap(std::move(made).error(), "ephemeralStorage");
  return {};
}

Step explain_image(const runtime::EphemeralStoragePlan& plan) {
  return explain_disk_image(disk_image_of(plan));
}

}  // namespace berth::agent
