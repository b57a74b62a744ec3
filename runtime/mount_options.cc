#include "runtime/mount_options.h"

#include "runtime/propagation.h"

#include <fmt/format.h>

#include <linux/mount.h>

#include <algorithm>

namespace berth::runtime {
namespace {

struct Attribute {
  std::string_view name;
  std::string_view recursive;
  uint64_t set;
  uint64_t clear;
};
// Any change of the atime mode clears the old one first, mount_setattr(2). relatime is what the
// kernel does when nothing is said, so that is what the absence of another mode is.
constexpr Attribute kAttributes[] = {
    {"ro", "rro", MOUNT_ATTR_RDONLY, 0},
    {"rw", "rrw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", "rnosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", "rsuid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", "rnodev", MOUNT_ATTR_NODEV, 0},
    {"dev", "rdev", 0, MOUNT_ATTR_NODEV},
    {"noexec", "rnoexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", "rexec", 0, MOUNT_ATTR_NOEXEC},
    {"nosymfollow", "rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", "rsymfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"noatime", "rnoatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", "ratime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"relatime", "rrelatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", "rnorelatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"strictatime", "rstrictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nostrictatime", "rnostrictatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"nodiratime", "rnodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", "rdiratime", 0, MOUNT_ATTR_NODIRATIME},
};

struct Propagation {
  std::string_view name;
  std::string_view recursive;
  uint64_t flag;
};
constexpr Propagation kPropagations[] = {{"private", "rprivate", kPrivate},
                                         {"slave", "rslave", kSlave},
                                         {"shared", "rshared", kShared},
                                         {"unbindable", "runbindable", kUnbindable}};

std::vector<MountOption> make_options() {
  std::vector<MountOption> options;
  for (const Attribute& entry : kAttributes) {
    options.push_back({entry.name, OptionKind::kAttribute, entry.set, entry.clear});
    options.push_back({entry.recursive, OptionKind::kRecursive, entry.set, entry.clear});
  }
  for (const Propagation& entry : kPropagations) {
    options.push_back({entry.name, OptionKind::kPropagation, entry.flag, 0, false});
    options.push_back({entry.recursive, OptionKind::kPropagation, entry.flag, 0, true});
  }
  options.insert(options.end(), {{"bind", OptionKind::kBind},
                                 {"rbind", OptionKind::kRecursiveBind},
                                 {"idmap", OptionKind::kIdMap},
                                 {"ridmap", OptionKind::kRecursiveIdMap},
                                 {"remount", OptionKind::kRemount},
                                 {"tmpcopyup", OptionKind::kCopyUp}});
  // Flags of the superblock, which fsconfig(2) takes by these names.
  for (std::string_view name :
       {"async", "dirsync", "lazytime", "mand", "nolazytime", "nomand", "sync"}) {
    options.push_back({name, OptionKind::kFileSystem});
  }
  // File systems decide about i_version by themselves since Linux 5.18 and more; silent and loud
  // are about the kernel's log at the time of mount(2).
  for (std::string_view name : {"defaults", "iversion", "loud", "noiversion", "silent"}) {
    options.push_back({name, OptionKind::kNothing});
  }
  return options;
}

// Few enough, and different enough, to be looked through: to sort them would take longer.
const std::vector<MountOption>& unsorted_options() {
  static const std::vector<MountOption> kOptions = make_options();
  return kOptions;
}

}  // namespace

const std::vector<MountOption>& mount_options() {
  static const std::vector<MountOption> kSorted = [] {
    std::vector<MountOption> options = unsorted_options();
    std::sort(options.begin(), options.end(),
              [](const MountOption& a, const MountOption& b) { return a.name < b.name; });
    return options;
  }();
  return kSorted;
}

const MountOption* find_mount_option(std::string_view name) {
  for (const MountOption& option : unsorted_options()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

uint64_t propagation_named(std::string_view name) {
  const MountOption* found = find_mount_option(name);
  return found != nullptr && found->kind == OptionKind::kPropagation ? found->set : 0;
}

std::string attributes_text(uint64_t set) {
  std::string text;
  for (const MountOption& option : mount_options()) {
    bool is_set = option.kind == OptionKind::kAttribute && option.set != 0 &&
                  (set & option.set) == option.set;
    if (is_set) text += fmt::format(",{}", option.name);
  }
  return text;
}

}  // namespace berth::runtime
