#include "runtime/copy_up.h"

#include "runtime/copy_tree.h"
#include "sys/file.h"
#include "sys/mount.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>

namespace berth::runtime {
namespace {

Status copy_owner(int from, const std::string& to, const MountStep& step) {
  auto says = [&step](std::string_view name) {
    return std::any_of(step.data.begin(), step.data.end(),
                       [&](const auto& option) { return option.first == name; });
  };
  struct stat there = TRY(sys::stat_fd(from));
  if (!says("uid") && !says("gid")) TRY(sys::chown(to, there.st_uid, there.st_gid));
  if (!says("mode")) TRY(sys::chmod(to, there.st_mode & 07777));
  return {};
}

}  // namespace

Result<std::optional<sys::Fd>> make_copied_up(int root, const MountStep& step) {
  auto from = sys::open_in_root(root, step.target, O_RDONLY | O_DIRECTORY);
  if (!from && (from.error().errno_value == ENOENT || from.error().errno_value == ENOTDIR)) {
    return std::nullopt;
  }
  if (!from) return tl::unexpected<Error>(std::move(from).error());
  sys::Fd mount =
      TRY(sys::make_file_system({.type = step.type, .source = step.source, .options = step.data}));
  std::string path = sys::proc_path(mount.get());
  sys::Fd to = TRY(sys::open(path, O_RDONLY | O_DIRECTORY));
  TRY(copy_tree(from->get(), to.get(), {}));
  TRY(copy_owner(from->get(), path, step));
  to.reset();  // a file system in use would not become read-only
  TRY(sys::change_mount(mount.get(), {.set = step.set, .clear = step.clear},
                        sys::Recursion::kThisMount));
  return mount;
}

}  // namespace berth::runtime
