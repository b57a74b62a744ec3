#include "runtime/rootfs.h"

#include "sys/file.h"
#include "sys/mount.h"

#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

namespace berth::runtime {
namespace {

// The layers as the overlay shall see them, and the mounts that make them so.
struct Layers {
  std::vector<std::string> paths;  // uppermost first
  std::vector<sys::MountGuard> guards;
};

Result<Layers> bind_layers(const RootfsPlan& plan, int user_namespace) {
  Layers layers;
  if (user_namespace < 0) {
    layers.paths.assign(plan.layers.rbegin(), plan.layers.rend());
    return layers;
  }
  std::string directory = plan.target + ".layers";
  for (size_t i = plan.layers.size(); i-- > 0;) {
    std::string target = fmt::format("{}/{}", directory, i);
    TRY(sys::make_directories(target, 0700));
    auto bound = sys::bind_mount_mapped(plan.layers[i], target, user_namespace, MOUNT_ATTR_RDONLY);
    if (!bound) {
      return wrap(std::move(bound).error(),
                  "map the ids of layer {} (the file system must allow idmapped mounts; "
                  "--userns=host does without)",
                  plan.layers[i]);
    }
    layers.guards.emplace_back(target);
    layers.paths.push_back(std::move(target));
  }
  return layers;
}

// The upper directory is the root directory of the container: it looks like the topmost layer's.
Status make_upper(const RootfsPlan& plan, const std::optional<IdRangePlan>& ids) {
  uint32_t first = ids ? ids->first : 0;
  struct stat root = TRY(sys::stat(plan.layers.back()));
  TRY(sys::make_directories(plan.upper, 0755));
  TRY(sys::make_directories(plan.work, 0700));
  TRY(sys::chown(plan.upper, root.st_uid + first, root.st_gid + first));
  return sys::chmod(plan.upper, root.st_mode & 07777);
}

}  // namespace

Status mount_rootfs(const RootfsPlan& plan, int user_namespace,
                    const std::optional<IdRangePlan>& ids) {
  if (plan.layers.empty()) return fail(Errc::kInvalid, "the image has no layers");
  TRY(make_upper(plan, ids));
  TRY(sys::make_directories(plan.target, 0755));
  Layers layers = TRY(bind_layers(plan, user_namespace));
  sys::Overlay overlay{.lower = layers.paths,
                       .upper = plan.upper,
                       .work = plan.work,
                       // The upper directory goes with the task: no sync on its account.
                       .flags = {"volatile"}};
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
