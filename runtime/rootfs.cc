#include "runtime/rootfs.h"

#include "sys/file.h"
#include "sys/image_mount.h"
#include "sys/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

namespace berth::runtime {
namespace {

// The layers as the overlay shall see them, and the mounts that make them so.
struct Layers {
  std::vector<std::string> paths;  // uppermost first
  bool has_images = false;
  std::vector<sys::MountGuard> guards;
};

Status map_ids(int mount, const std::string& layer, int user_namespace) {
  auto mapped =
      sys::change_mount(mount, {.set = MOUNT_ATTR_RDONLY, .user_namespace = user_namespace},
                        sys::Recursion::kThisMount);
  if (mapped) return mapped;
  return wrap(std::move(mapped).error(),
              "map the ids of layer {} (the file system must allow idmapped mounts, EROFS since "
              "Linux 5.19; --userns=host does without)",
              layer);
}

// Of a directory, or the image of one.
Result<sys::Fd> mount_layer(const std::string& layer, int user_namespace,
                            sys::AttachedLoopDevices& attached) {
  sys::Fd mount =
      TRY(TRY(is_image(layer)) ? sys::mount_image(layer, attached)
                               : sys::clone_tree(AT_FDCWD, layer, sys::Recursion::kThisMount));
  if (user_namespace >= 0) TRY(map_ids(mount.get(), layer, user_namespace));
  return mount;
}

Result<Layers> bind_layers(const RootfsPlan& plan, int user_namespace) {
  Layers layers;
  sys::AttachedLoopDevices attached;
  for (size_t i = plan.layers.size(); i-- > 0;) {
    bool is_plain = !TRY(is_image(plan.layers[i]));
    if (user_namespace < 0 && is_plain) {
      layers.paths.push_back(plan.layers[i]);
      continue;
    }
    sys::Fd mount = TRY(mount_layer(plan.layers[i], user_namespace, attached));
    std::string target = layer_target(plan, i);
    TRY(sys::make_directories(target, 0700));
    TRY(sys::attach_mount(mount.get(), target));
    layers.has_images = layers.has_images || !is_plain;
    layers.guards.emplace_back(target);
    layers.paths.push_back(std::move(target));
  }
  return layers;
}

// The upper directory is the root directory of the container: it looks like the topmost layer's, as
// the overlay sees it.
Status make_upper(const RootfsPlan& plan, const std::string& top) {
  struct stat root = TRY(sys::stat(top));
  TRY(sys::make_directories(plan.upper, 0755));
  TRY(sys::make_directories(plan.work, 0700));
  TRY(sys::chown(plan.upper, root.st_uid, root.st_gid));
  return sys::chmod(plan.upper, root.st_mode & 07777);
}

}  // namespace

Result<bool> is_image(const std::string& layer) {
  struct stat known = TRY(sys::stat(layer));
  return !S_ISDIR(known.st_mode);
}

std::string layer_target(const RootfsPlan& plan, size_t index) {
  return fmt::format("{}.layers/{}", plan.target, index);
}

Status mount_rootfs(const RootfsPlan& plan, int user_namespace) {
  if (plan.layers.empty()) return fail(Errc::kInvalid, "the image has no layers");
  TRY(sys::make_directories(plan.target, 0755));
  Layers layers = TRY(bind_layers(plan, user_namespace));
  TRY(make_upper(plan, layers.paths.front()));
  sys::Overlay overlay{.lower = layers.paths,
                       .upper = plan.upper,
                       .work = plan.work,
                       // The upper directory goes with the task: no sync on its account.
                       .flags = {"volatile"}};
  // All of a root file system shall be one device to stat(2), as tar --one-file-system goes by,
  // also where its layers are several. (The price: numbers of inodes beyond 32 bits.)
  if (layers.has_images) overlay.flags.emplace_back("xino=on");
  sys::Fd mount = TRY(sys::make_overlay(overlay));
  return sys::attach_mount(mount.get(), plan.target);
}

Status unmount_rootfs(const RootfsPlan& plan) {
  auto unmounted = sys::unmount(plan.target, MNT_DETACH | UMOUNT_NOFOLLOW);
  if (!unmounted &&
      (unmounted.error().errno_value == EINVAL || unmounted.error().errno_value == ENOENT)) {
    return {};
  }
  return unmounted;
}

}  // namespace berth::runtime
