// The root file system of a container, as steps: what runtime/rootfs.cc does with its plan.
#include "runtime/explain_parts.h"
#include "runtime/rootfs.h"
#include "sys/file.h"
#include "sys/loop_device.h"

#include <fmt/format.h>

namespace berth::runtime {
namespace {

constexpr size_t kBackingFileMax = 8192;

// A loop device of the file, whichever it is. The kernel tells its path in the mount namespace of
// whoever attached it; with that gone, the end of it.
Look loop_device_look(const std::string& file) {
  auto known = sys::stat(file);
  sys::AttachedLoopDevices attached;
  auto loop = known ? attached.find(file, *known).value_or(std::nullopt) : std::nullopt;
  std::string name = loop ? loop->path.substr(std::string_view("/dev/").size()) : "loop*";
  Look look{.file = fmt::format("/sys/block/{}/loop/backing_file", name), .words = {file}};
  auto shown = sys::read_file(look.file, kBackingFileMax);
  if (shown) look.words = words_of(trim(*shown));
  return look;
}

// Of the layers that are files; they are attached at the targets until the overlay has them.
Step image_mounts_step(const RootfsPlan& rootfs, const std::vector<size_t>& images) {
  Step step;
  step.stage = "root";
  step.effect = fmt::format("{} of the image's layers from files, each an EROFS on a loop device",
                            images.size());
  step.calls = {"for each LOOP_CTL_GET_FREE, LOOP_CONFIGURE(LO_FLAGS_READ_ONLY|LO_FLAGS_AUTOCLEAR)",
                "or the device that has the file already (LOOP_GET_STATUS64)", "fsopen(erofs)",
                "fsconfig(source, ro)", "fsmount(ro,nodev,nosuid)"};
  step.purpose =
      "one file for a layer; all tasks that have it share its pages, and the device goes with the "
      "last of them";
  std::vector<std::string> commands;
  for (size_t index : images) {
    commands.push_back(fmt::format("mount -t erofs -o loop,ro,nodev,nosuid {} {}",
                                   rootfs.layers[index], layer_target(rootfs, index)));
    step.looks.push_back(loop_device_look(rootfs.layers[index]));
  }
  step.by_hand = join(commands, "; ");
  step.asked_by = "image";
  return step;
}

}  // namespace

void add_root_steps(const RootfsPlan& rootfs, bool mapped, std::vector<Step>& steps) {
  std::vector<std::string> lower;
  std::vector<size_t> images;
  for (size_t i = rootfs.layers.size(); i-- > 0;) {
    bool is_of_image = is_image(rootfs.layers[i]).value_or(false);
    lower.push_back(is_of_image ? layer_target(rootfs, i) : rootfs.layers[i]);
    if (is_of_image) images.push_back(i);
  }
  if (!images.empty()) steps.push_back(image_mounts_step(rootfs, images));
  Step step;
  step.stage = "root";
  step.effect = fmt::format("the image's layers ({}), read only, with a writable one above them",
                            lower.size());
  if (mapped) step.calls.emplace_back("for each layer open_tree, mount_setattr(MOUNT_ATTR_IDMAP)");
  if (mapped || !images.empty()) {
    step.calls.push_back(fmt::format("for each move_mount({}.layers/N)", rootfs.target));
  }
  step.calls.insert(step.calls.end(),
                    {"fsopen(overlay)", "fsconfig(lowerdir+, upperdir, workdir, volatile)",
                     "fsmount", fmt::format("move_mount({})", rootfs.target)});
  if (mapped || !images.empty()) step.calls.emplace_back("umount2 of those, MNT_DETACH");
  step.purpose =
      "layers are shared by all tasks and never change; what the container writes is its own and "
      "goes with it";
  step.by_hand =
      fmt::format("mount -t overlay overlay -o lowerdir={},upperdir={},workdir={},volatile {}",
                  join(lower, ":"), rootfs.upper, rootfs.work, rootfs.target);
  step.asked_by = "image";
  step.looks = {{.file = "/proc/PID/mountinfo", .words = {"/", "/", "-", "overlay"}}};
  steps.push_back(std::move(step));
}

}  // namespace berth::runtime
