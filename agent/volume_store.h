// Volumes with a name, which stay when the tasks that have them end: dockerVolumeConfiguration of
// scope `shared`, and `berth volume`.
//
//   <root>/volumes/
//     .lock            held while a volume is made or removed
//     <name>/          a shared flock(2) on it is a pin: no removal while somebody holds one
//       volume.json    {"version", "name", "createdAt", "driverOpts", "labels"}
//       _data/         what containers have, with their ids; empty where driverOpts mounts
//                      something
//       disk.xfs       instead of what is in it: a file system in a file, of a task that had it
//                      configured at launch and kept (agent/managed_volume.h); or .ext4, .ext3
//       fill.lock      held while the first container fills it
//     .new, .gone      on the way in or out; leftovers go with the next change
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "scheduler/volume.h"
#include "sys/fd.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

constexpr int kVolumeVersion = 1;
constexpr size_t kVolumeRecordMax = 64 * 1024;

// Of a volume that is a file system in a file.
struct VolumeImage {
  std::string file_system;  // "xfs", "ext4", "ext3"
  int64_t size_gib = 0;
};

struct NamedVolume {
  std::string name;
  std::string created_at;  // RFC 3339
  scheduler::DriverOpts driver_opts;
  std::map<std::string, std::string> labels;
  std::optional<VolumeImage> image{};
};

class VolumeStore {
 public:
  explicit VolumeStore(const std::string& root) : directory_(root + "/volumes") {}

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string data(const std::string& name) const { return path(name) + "/_data"; }
  // The file of one that has an image.
  std::string image(const NamedVolume& volume) const {
    return path(volume.name) + "/disk." + volume.image->file_system;
  }
  // Where what is in it takes of the disk.
  std::string content(const NamedVolume& volume) const {
    return volume.image ? image(volume) : data(volume.name);
  }
  std::string fill_lock(const std::string& name) const { return path(name) + "/fill.lock"; }

  // By name.
  Result<std::vector<NamedVolume>> list() const;
  Result<std::optional<NamedVolume>> find(const std::string& name) const;
  // kNotFound.
  Result<NamedVolume> get(const std::string& name) const;
  // kInvalid for a name or options that cannot be; kExists.
  Status create(const NamedVolume& volume) const;
  // A lock that keeps it from being removed for as long as a copy of the descriptor is open.
  // kNotFound.
  Result<sys::Fd> pin(const std::string& name) const;
  Result<bool> is_in_use(const std::string& name) const;
  // With all that is in it. kNotFound; kUnavailable while a task has it.
  Status remove(const std::string& name) const;

 private:
  Result<NamedVolume> read(const std::string& name) const;
  Status clear_leftovers() const;

  std::string directory_;
};

}  // namespace berth::agent
