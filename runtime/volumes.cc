#include "runtime/volumes.h"

#include "runtime/copy_tree.h"
#include "runtime/disk_image.h"
#include "runtime/mount_options.h"
#include "sys/file.h"
#include "sys/mount.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace berth::runtime {
namespace {

// The kernel loads the module of a file system when it has it.
Result<sys::Fd> make_volume_file_system(const VolumePlan& plan, const VolumeOptions& options) {
  std::optional<sys::LoopDevice> loop;  // open until it is mounted
  if (plan.loop) loop = TRY(attach_image(plan.source));
  auto made = sys::make_file_system({.type = plan.type,
                                     .source = loop ? loop->path : plan.source,
                                     .options = options.data,
                                     .attributes = options.set});
  if (!made && made.error().errno_value == ENODEV) {
    return wrap(std::move(made).error(),
                "the kernel of this host has no file system \"{}\" (/proc/filesystems)", plan.type);
  }
  return made;
}

// The tree of a directory descriptor, with the attributes of the volume.
Status attach_part(int directory, const VolumePlan& plan, const VolumeOptions& options) {
  sys::Fd tree = TRY(sys::clone_tree(directory, "", sys::Recursion::kWholeTree));
  if (options.set != 0 || options.clear != 0) {
    TRY(sys::change_mount(tree.get(), {.set = options.set, .clear = options.clear},
                          sys::Recursion::kWholeTree));
  }
  return sys::attach_mount(tree.get(), plan.path);
}

// Whoever can write to it may exchange its directories at any time: what is looked up is what is
// mounted, and it lies within.
Status attach_root(const std::string& whole, const VolumePlan& plan, const VolumeOptions& options) {
  sys::Fd top = TRY(sys::open(whole, O_PATH | O_DIRECTORY));
  if (plan.root.empty()) return attach_part(top.get(), plan, options);
  sys::Fd part = TRY(sys::open_in_root(top.get(), plan.root, O_PATH | O_DIRECTORY));
  return attach_part(part.get(), plan, options);
}

Status mount_parts(const VolumePlan& plan) {
  VolumeOptions options = volume_options(plan.options);
  TRY(sys::make_directories(plan.path, 0700));
  if (plan.type.empty()) return attach_root(plan.source, plan, options);
  sys::Fd whole = TRY(make_volume_file_system(plan, options));
  TRY(sys::attach_mount(whole.get(), plan.path));
  if (plan.root.empty()) return {};
  return attach_root(plan.path, plan, options);
}

}  // namespace

VolumeOptions volume_options(const std::vector<std::string>& words) {
  VolumeOptions options;
  for (const std::string& word : words) {
    const MountOption* known = find_mount_option(word);
    if (known == nullptr || known->kind == OptionKind::kFileSystem) {
      size_t equals = word.find('=');
      options.data.emplace_back(word.substr(0, equals),
                                equals == std::string::npos ? "" : word.substr(equals + 1));
    } else if (known->kind == OptionKind::kAttribute || known->kind == OptionKind::kRecursive) {
      options.set = (options.set & ~known->clear) | known->set;
      options.clear |= known->clear;
    }
  }
  return options;
}

Status mount_volume(const VolumePlan& plan) {
  auto mounted = mount_parts(plan);
  if (!mounted) return wrap(std::move(mounted).error(), "{}", plan.on_failure);
  return {};
}

Status fill_volume(const FillPlan& plan, const std::string& rootfs,
                   const std::optional<IdRangePlan>& ids) {
  sys::Fd root = TRY(sys::open(rootfs, O_PATH | O_DIRECTORY));
  auto from = sys::open_in_root(root.get(), plan.path, O_RDONLY | O_DIRECTORY);
  if (!from && (from.error().errno_value == ENOENT || from.error().errno_value == ENOTDIR)) {
    return {};
  }
  if (!from) return tl::unexpected<Error>(std::move(from).error());
  sys::Fd to = TRY(sys::open(plan.volume, O_RDONLY | O_DIRECTORY));
  std::optional<sys::FileLock> alone;
  if (!plan.lock.empty()) alone = TRY(sys::FileLock::acquire(plan.lock));
  if (!TRY(sys::list_directory(plan.volume)).empty()) return {};
  uint32_t first = ids ? ids->first : 0;
  struct stat there = TRY(sys::stat_fd(from->get()));
  TRY(copy_tree(from->get(), to.get(), {first}));
  auto owner = [first](uint32_t id) { return id < first ? id : id - first; };
  TRY(sys::chown_fd(to.get(), owner(there.st_uid), owner(there.st_gid)));
  return sys::chmod(plan.volume, there.st_mode & 07777);
}

}  // namespace berth::runtime
