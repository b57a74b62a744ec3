#include "sys/image_mount.h"

#include "sys/call.h"
#include "sys/file.h"
#include "sys/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>

#include <cerrno>

namespace berth::sys {
namespace {

constexpr const char* kErofs = "erofs";

Error without_erofs(const Error& error) {
  return {Errc::kUnsupported, error.errno_value,
          error.text +
              ": the kernel of this host has no EROFS (modprobe erofs, or a kernel with "
              "CONFIG_EROFS_FS)"};
}

// What the kernel says of a file that is no EROFS, one with features that it does not know, a
// damaged one, one that is cut off.
bool is_about_the_image(int reason) {
  return reason == EINVAL || reason == EIO || reason == EOPNOTSUPP || reason == EUCLEAN ||
         reason == EBADMSG || reason == ENXIO;
}

Error explain_mount(Error error) {
  if (error.errno_value == ENODEV) return without_erofs(error);
  if (!is_about_the_image(error.errno_value)) return error;
  return {Errc::kInvalid, error.errno_value, "not an EROFS that this kernel reads: " + error.text};
}

// "ro" is of the superblock: the second mount of a device gets the first one's only if both say it.
Result<Fd> mount_loop_device(const LoopDevice& loop) {
  auto mounted =
      make_file_system({.type = kErofs,
                        .source = loop.path,
                        .options = {{"ro", ""}},
                        .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID});
  if (mounted) return mounted;
  return tl::unexpected<Error>(explain_mount(std::move(mounted).error()));
}

Result<Fd> mount_by_loop_device(const std::string& file, AttachedLoopDevices& attached) {
  LoopDevice loop = TRY(attach_loop_device_to_read(file, attached));
  return mount_loop_device(loop);
}

}  // namespace

Result<Fd> mount_image(const std::string& file, AttachedLoopDevices& attached) {
  auto mounted = mount_by_loop_device(file, attached);
  if (mounted) return mounted;
  return wrap(std::move(mounted).error(), "mount {}", file);
}

Result<Fd> mount_image(const std::string& file) {
  AttachedLoopDevices attached;
  return mount_image(file, attached);
}

Status can_mount_images() {
  TRY(can_attach_loop_devices());
  auto known = knows_file_system(kErofs);
  if (!known && known.error().errno_value == ENODEV) {
    return tl::unexpected<Error>(without_erofs(known.error()));
  }
  return known;
}

Result<Fd> open_tree_of(const std::string& path, AttachedLoopDevices& attached) {
  struct stat known = TRY(stat(path));
  if (S_ISDIR(known.st_mode)) return open(path, O_RDONLY | O_DIRECTORY);
  Fd mounted = TRY(mount_image(path, attached));
  return open_at(mounted.get(), ".", O_RDONLY | O_DIRECTORY);
}

Result<Fd> open_tree_of(const std::string& path) {
  AttachedLoopDevices attached;
  return open_tree_of(path, attached);
}

}  // namespace berth::sys
