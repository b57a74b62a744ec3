#include "runtime/ephemeral_storage.h"

#include "runtime/disk_image.h"
#include "sys/file.h"
#include "sys/mount.h"

namespace berth::runtime {
namespace {

Status mount_image(const EphemeralStoragePlan& plan) {
  sys::LoopDevice loop = TRY(attach_image(plan.image));
  sys::Fd whole = TRY(sys::make_file_system(
      {.type = kEphemeralStorageType,
       .source = loop.path,
       // Its tables of inodes stay holes in the file, and what is removed becomes one.
       .options = {{"noinit_itable", ""}, {"discard", ""}, {"errors", "remount-ro"}}}));
  TRY(sys::make_directories(plan.path, 0711));
  return sys::attach_mount(whole.get(), plan.path);
}

}  // namespace

Status mount_ephemeral_storage(const EphemeralStoragePlan& plan) {
  auto mounted = mount_image(plan);
  if (!mounted) return wrap(std::move(mounted).error(), "ephemeralStorage");
  for (const std::string& directory : plan.directories) {
    TRY(sys::make_directories(directory, 0755));
  }
  return {};
}

}  // namespace berth::runtime
