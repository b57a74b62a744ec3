// The options of mounts[].options that are about the mount and not for the file system: one table
// for the plan and for `features`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

enum class OptionKind {
  kAttribute,    // MOUNT_ATTR_* of this mount
  kRecursive,    // the same of the whole tree, mount_setattr(2) AT_RECURSIVE
  kPropagation,  // MS_PRIVATE, MS_SLAVE, ...
  kBind,
  kRecursiveBind,
  kIdMap,
  kRecursiveIdMap,
  kRemount,
  kCopyUp,
  kFileSystem,  // known to mount(8), given to the file system as it stands
  kNothing,     // known, and without effect on Linux today
};

struct MountOption {
  std::string_view name;
  OptionKind kind;
  uint64_t set = 0;  // MOUNT_ATTR_*, or MS_* of the propagation
  uint64_t clear = 0;
  bool recursive = false;  // of a propagation
};

// Nothing for an option that only a file system can know.
const MountOption* find_mount_option(std::string_view name);
const std::vector<MountOption>& mount_options();

// MOUNT_ATTR_* as mount(8) has them: ",ro,nosuid".
std::string attributes_text(uint64_t set);

// Mount propagation by its name ("rslave"), or 0.
uint64_t propagation_named(std::string_view name);

}  // namespace berth::runtime
