#include "runtime/copy_up.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>

namespace berth::runtime {
namespace {

constexpr int kDepthMax = 128;  // of directories in each other; images are not trusted

Status copy_directory(int from, int to, int depth);

Status copy_file(int from, int to, const std::string& name, mode_t mode) {
  sys::Fd source = TRY(sys::open_at(from, name, O_RDONLY | O_NOFOLLOW));
  sys::Fd made = TRY(sys::create_at(to, name, mode));
  return sys::copy_content(source.get(), made.get());
}

Status copy_subdirectory(int from, int to, const std::string& name, int depth) {
  sys::Fd source = TRY(sys::open_directory_at(from, name));
  TRY(sys::make_directory_at(to, name, 0700));
  sys::Fd made = TRY(sys::open_directory_at(to, name));
  return copy_directory(source.get(), made.get(), depth + 1);
}

Status copy_entry(int from, int to, const std::string& name, int depth) {
  auto there = TRY(sys::stat_at(from, name));
  if (!there || S_ISSOCK(there->st_mode)) return {};  // a socket is nothing without its process
  mode_t mode = there->st_mode & 07777;
  if (S_ISDIR(there->st_mode)) {
    TRY(copy_subdirectory(from, to, name, depth));
  } else if (S_ISREG(there->st_mode)) {
    TRY(copy_file(from, to, name, mode));
  } else if (S_ISLNK(there->st_mode)) {
    TRY(sys::symlink_at(TRY(sys::read_link_at(from, name)), to, name));
  } else {
    TRY(sys::make_node_at(to, name, there->st_mode, there->st_rdev));
  }
  TRY(sys::chown_at(to, name, {there->st_uid, there->st_gid}));
  if (!S_ISLNK(there->st_mode)) TRY(sys::chmod_at(to, name, mode));  // chown took setuid away
  return sys::set_times_at(to, name, {there->st_atim, there->st_mtim});
}

Status copy_directory(int from, int to, int depth) {
  if (depth > kDepthMax) return fail(Errc::kInvalid, "more than {} directories deep", kDepthMax);
  for (const std::string& name : TRY(sys::list_directory(sys::proc_path(from)))) {
    auto copied = copy_entry(from, to, name, depth);
    if (!copied) return wrap(std::move(copied).error(), "{}", printable(name, 128));
  }
  return {};
}

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
  TRY(copy_directory(from->get(), to.get(), 0));
  TRY(copy_owner(from->get(), path, step));
  to.reset();  // a file system in use would not become read-only
  TRY(sys::change_mount(mount.get(), {.set = step.set, .clear = step.clear},
                        sys::Recursion::kThisMount));
  return mount;
}

}  // namespace berth::runtime
