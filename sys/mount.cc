#include "sys/mount.h"

#include "base/log.h"
#include "base/text.h"
#include "sys/call.h"
#include "sys/file.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

// <sys/mount.h> and <linux/mount.h> cannot be included together before glibc 2.37.
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;
extern "C" int umount2(const char*, int) noexcept;

namespace berth::sys {
namespace {

constexpr int kNoFollowUnmount = 8;     // UMOUNT_NOFOLLOW
constexpr int kDetachUnmount = 2;       // MNT_DETACH
constexpr size_t kMountDataMax = 4095;  // mount(2) takes one page, its end included

unsigned recursive_flag(Recursion recursion) {
  return recursion == Recursion::kWholeTree ? AT_RECURSIVE : 0;
}

// The kernel leaves "e message" lines in the context's descriptor (>= 5.1).
std::string message_of(int context) {
  std::array<char, 512> buffer{};
  ssize_t got = ::read(context, buffer.data(), buffer.size());
  if (got <= 0) return "";
  return printable(trim(std::string_view(buffer.data(), static_cast<size_t>(got))), 512);
}

Status explain(Status status, int context) {
  if (status) return status;
  std::string message = message_of(context);
  if (!message.empty()) status.error().text += " (" + message + ")";
  return status;
}

Status set_option(int context, const std::string& type, const std::string& key,
                  const std::string& value) {
  std::string detail = type + " " + key + (value.empty() ? "" : "=" + value);
  unsigned command = value.empty() ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
  const char* text = value.empty() ? nullptr : value.c_str();
  return explain(
      run("fsconfig", detail,
          [&] { return ::syscall(SYS_fsconfig, context, command, key.c_str(), text, 0); }),
      context);
}

Result<Fd> open_context(const std::string& type) {
  return Fd(TRY(
      call("fsopen", type, [&] { return ::syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC); })));
}

Result<Fd> finish(int context, const std::string& type, uint64_t attributes) {
  TRY(explain(run("fsconfig", type + " create",
                  [&] {
                    return ::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr,
                                     0);
                  }),
              context));
  return Fd(TRY(call("fsmount", type, [&] {
    return ::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  })));
}

// Layer by layer, each of any length: "lowerdir+" (>= 6.8). An older kernel says EINVAL, before 6.5
// not until the end.
Result<Fd> make_overlay_by_context(const Overlay& overlay) {
  Fd context = TRY(open_context("overlay"));
  for (const std::string& layer : overlay.lower) {
    TRY(set_option(context.get(), "overlay", "lowerdir+", layer));
  }
  if (!overlay.upper.empty()) {
    TRY(set_option(context.get(), "overlay", "upperdir", overlay.upper));
    TRY(set_option(context.get(), "overlay", "workdir", overlay.work));
  }
  for (const std::string& flag : overlay.flags) {
    size_t equals = flag.find('=');
    bool has_value = equals != std::string::npos;
    TRY(set_option(context.get(), "overlay", flag.substr(0, equals),
                   has_value ? flag.substr(equals + 1) : ""));
  }
  return finish(context.get(), "overlay", 0);
}

// mount(2) takes all options in one page where fsconfig(2) takes 255 bytes each; layers by
// descriptor names keep them short. It attaches at once, so we clone the mount and take it away
// again.
Result<Fd> make_overlay_by_mount(const Overlay& overlay) {
  std::vector<Fd> layers;  // open until the superblock holds them
  std::vector<std::string> names;
  for (const std::string& layer : overlay.lower) {
    layers.push_back(TRY(open(layer, O_PATH | O_DIRECTORY)));
    names.push_back(proc_path(layers.back().get()));
  }
  std::vector<std::string> options = overlay.flags;
  options.push_back("lowerdir=" + join(names, ":"));
  if (!overlay.upper.empty()) {
    options.push_back("upperdir=" + overlay.upper);
    options.push_back("workdir=" + overlay.work);
  }
  std::string data = join(options, ",");
  if (data.size() > kMountDataMax) {
    return fail(Errc::kUnsupported, "overlay of {} layers: too many for Linux before 6.8",
                overlay.lower.size());
  }
  const std::string& place = overlay.upper.empty() ? overlay.lower.front() : overlay.work;
  TRY(run("mount", "overlay " + data,
          [&] { return ::mount("overlay", place.c_str(), "overlay", 0, data.c_str()); }));
  MountGuard attached(place);
  return clone_tree(AT_FDCWD, place, Recursion::kThisMount);
}

}  // namespace

Result<Fd> clone_tree(int dirfd, const std::string& path, Recursion recursion) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive_flag(recursion);
  if (path.empty()) flags |= AT_EMPTY_PATH;
  return Fd(TRY(call("open_tree", path,
                     [&] { return ::syscall(SYS_open_tree, dirfd, path.c_str(), flags); })));
}

Status change_mount(int mount_fd, const MountChange& change, Recursion recursion) {
  mount_attr attributes{};
  attributes.attr_set = change.set;
  attributes.attr_clr = change.clear;
  attributes.propagation = change.propagation;
  if (change.user_namespace >= 0) {
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<uint64_t>(change.user_namespace);
  }
  unsigned flags = AT_EMPTY_PATH | recursive_flag(recursion);
  return run("mount_setattr", change.user_namespace >= 0 ? "idmap" : "", [&] {
    return ::syscall(SYS_mount_setattr, mount_fd, "", flags, &attributes, sizeof(attributes));
  });
}

Status attach_mount(int mount_fd, int target_fd) {
  return run("move_mount", "", [&] {
    return ::syscall(SYS_move_mount, mount_fd, "", target_fd, "",
                     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  });
}

Status attach_mount(int mount_fd, const std::string& target) {
  return run("move_mount", target, [&] {
    return ::syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, target.c_str(),
                     MOVE_MOUNT_F_EMPTY_PATH);
  });
}

Result<Fd> make_file_system(const FileSystem& file_system) {
  Fd context = TRY(open_context(file_system.type));
  if (!file_system.source.empty()) {
    TRY(set_option(context.get(), file_system.type, "source", file_system.source));
  }
  for (const auto& [key, value] : file_system.options) {
    TRY(set_option(context.get(), file_system.type, key, value));
  }
  return finish(context.get(), file_system.type, file_system.attributes);
}

Status knows_file_system(const std::string& type) {
  TRY(open_context(type));
  return {};
}

Result<Fd> make_overlay(const Overlay& overlay) {
  auto made = make_overlay_by_context(overlay);
  if (made || made.error().errno_value != EINVAL) return made;
  auto mounted = make_overlay_by_mount(overlay);
  bool says_more = mounted || mounted.error().errno_value != EINVAL;
  return says_more ? std::move(mounted) : std::move(made);
}

Status bind_mount(const std::string& source, const std::string& target, Recursion recursion) {
  Fd tree = TRY(clone_tree(AT_FDCWD, source, recursion));
  return attach_mount(tree.get(), target);
}

Status unmount(const std::string& target, int flags) {
  return run("umount2", target, [&] { return ::umount2(target.c_str(), flags); });
}

Status set_propagation(const std::string& path, uint64_t propagation, Recursion recursion) {
  constexpr unsigned long kRecursive = 16384;  // MS_REC
  unsigned long flags = static_cast<unsigned long>(propagation) |
                        (recursion == Recursion::kWholeTree ? kRecursive : 0);
  return run("mount", path + " propagation",
             [&] { return ::mount(nullptr, path.c_str(), nullptr, flags, nullptr); });
}

Result<bool> is_mount_point(const std::string& path) {
  struct statx info {};
  TRY(run("statx", path, [&] {
    return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE,
                   &info);
  }));
  return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

MountGuard& MountGuard::operator=(MountGuard&& other) noexcept {
  if (this != &other) {
    std::swap(target_, other.target_);
    MountGuard old(std::move(other));
  }
  return *this;
}

MountGuard::~MountGuard() {
  if (target_.empty()) return;
  auto unmounted = unmount(target_, kDetachUnmount | kNoFollowUnmount);
  if (!unmounted) LOG(kWarn, "unmount failed", {{"error", unmounted.error().text}});
}

}  // namespace berth::sys
