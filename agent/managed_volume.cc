#include "agent/managed_volume.h"

#include "agent/disk_image.h"
#include "scheduler/managed_volume.h"

namespace berth::agent {
namespace {

DiskImage managed_image(const std::string& path) {
  std::string file_system = path.substr(path.rfind('.') + 1);
  DiskImage image{.path = path, .mkfs = {}, .package = "e2fsprogs", .asked_by = "volumes"};
  if (file_system == "xfs") {
    image.mkfs = {"mkfs.xfs", "-q", "-f", "-K"};  // -K: discards nothing, it is a hole already
    image.package = "xfsprogs";
    return image;
  }
  // With a journal, because it may be kept and mounted again after a power cut.
  image.mkfs = {"mkfs." + file_system, "-q", "-F", "-m", "0", "-E", "nodiscard"};
  if (file_system == "ext4") image.mkfs.back() += ",lazy_itable_init=1,lazy_journal_init=1";
  return image;
}

}  // namespace

runtime::VolumePlan managed_volume_plan(const scheduler::ManagedVolume& volume,
                                        const std::string& image) {
  runtime::VolumePlan plan;
  plan.name = volume.name;
  plan.source = image;
  plan.loop = true;
  plan.on_failure = scheduler::kManagedVolumeFailure;
  plan.options = {"discard"};  // what is removed becomes a hole in the file
  // The kernel's ext4 has ext3's, too, and maps ids there as well.
  plan.type = volume.file_system == "xfs" ? "xfs" : "ext4";
  if (plan.type == "ext4") {
    plan.options.insert(plan.options.end(), {"noinit_itable", "errors=remount-ro"});
  }
  return plan;
}

Status make_managed_image(const scheduler::ManagedVolume& volume, const std::string& image) {
  auto made = make_disk_image(managed_image(image), volume.size_gib);
  if (made) return {};
  return wrap(std::move(made).error(), "{}", scheduler::kManagedVolumeFailure);
}

NamedVolume kept_volume(const scheduler::ManagedVolume& volume, const std::string& task_id,
                        const std::string& created_at) {
  NamedVolume kept;
  kept.name = scheduler::managed_volume_id(task_id);
  kept.created_at = created_at;
  kept.labels = volume.tags;
  kept.labels["AmazonECSCreated"] = task_id;
  kept.labels["AmazonECSManaged"] = "true";
  kept.image = VolumeImage{.file_system = volume.file_system, .size_gib = volume.size_gib};
  return kept;
}

Step explain_managed_image(const std::string& image) {
  return explain_disk_image(managed_image(image));
}

}  // namespace berth::agent
