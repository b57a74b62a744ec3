// Volumes with a name, which stay when the tasks that have them end: dockerVolumeConfiguration of
// scope `shared`, and `berth volume`.
//
//   <root>/volumes/
//     .lock            held while a volume is made or removed
//     <name>/          a shared flock(2) on it is a pin: no removal while somebody holds one
//       volume.json    {"version", "name", "createdAt", "driverOpts", "labels"}
//       _data/         what containers have, with their ids; empty where driverOpts mounts
//       something fill.lock      held while the first container fills it
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

struct NamedVolume {
  std::string name;
  std::string created_at;  // RFC 3339
  scheduler::DriverOpts driver_opts;
  std::map<std::string, std::string> labels;
};

class VolumeStore {
 public:
  explicit VolumeStore(const std::string& root) : directory_(root + "/volumes") {}

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  std::string data(const std::string& name) const { return path(name) + "/_data"; }
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
