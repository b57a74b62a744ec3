// Control groups: one interface over v2 and v1 (also hybrid hosts, whose controllers are on v1).
//
//   Cgroups host = TRY(Cgroups::detect());
//   CgroupDir dir = TRY(host.make("/berth/default/task/app"));
//   TRY(dir.apply(limits));
//   clone with dir.clone_fd() on v2; on v1 the child writes "0" into each of dir.task_files()
//   ... TRY(dir.kill_all()); TRY(dir.remove());
//
// A CgroupDir does not remove the group when it goes: groups outlive the short-lived programs that
// make them and are found again by path.
#pragma once

#include "base/result.h"
#include "sys/cgroup_limits.h"
#include "sys/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace berth::sys {

// Whether every group of berth has a directory in this v1 controller. cpuset, blkio and the rest
// cost a mkdir and a migration each and are entered only when a limit asks for them.
bool enters_always(const std::string& controller);

struct CgroupStats {
  uint64_t memory_bytes = 0;
  uint64_t pids = 0;
  uint64_t oom_kills = 0;
  uint64_t cpu_usage_ns = 0;
  uint64_t throttled_periods = 0;
};

class CgroupDir;

// Where this host has its hierarchies.
class Cgroups {
 public:
  struct Controller {
    std::string name;   // "memory"
    std::string mount;  // "/sys/fs/cgroup/memory"
  };

  static Result<Cgroups> detect();
  // What /proc/self/mountinfo says. Pure in its text, so fixtures can be made.
  static Result<Cgroups> parse(const std::string& mountinfo);
  // On a host with v1 hierarchies each of which is mounted beneath `root` under the name of its
  // controllers; `own_groups` is /proc/self/cgroup. Nothing where it is otherwise.
  static std::optional<Cgroups> in_usual_places(const std::string& own_groups,
                                                const std::string& root);

  // True when the controllers are on v2.
  bool is_unified() const { return controllers_.empty(); }
  const std::string& unified_mount() const { return unified_mount_; }
  // v1 controllers; empty on v2.
  const std::vector<Controller>& controllers() const { return controllers_; }

  // Makes the group and its missing parents in every hierarchy that the limits of berth need; on v2
  // the controllers are enabled from the top down. An existing group is success.
  Result<CgroupDir> make(const std::string& path) const;
  // Refers to a group that may or may not exist.
  CgroupDir at(const std::string& path) const;

 private:
  std::string unified_mount_;
  std::vector<Controller> controllers_;
};

class CgroupDir {
 public:
  const std::string& path() const { return path_; }
  bool exists() const;

  // A directory descriptor for CLONE_INTO_CGROUP on v2; empty on v1.
  Result<Fd> clone_fd() const;
  // The `tasks` files of a v1 group, open for writing; none on v2. A thread that writes "0" there
  // moves itself without the kernel's lock on all thread groups, whose writers wait for a grace
  // period (measured: 0.04 ms against 4 to 8 ms for a pid in cgroup.procs). The files check the
  // rights of whoever opened them.
  Result<std::vector<Fd>> task_files() const;
  // That of one v1 controller; the group must be there.
  Result<Fd> task_file(const std::string& controller) const;
  // Moves another process, for when it cannot move itself: slow on v1, see task_files().
  Status attach(pid_t pid) const;
  // The errors of apply() and update() name the limit as config.json does: "memory.limit: ...".
  // apply() is for a fresh group; update() for one in use: devices replace those before.
  Status apply(const CgroupLimits& limits) const;
  Status update(const CgroupLimits& limits) const;

  // The directory of a controller, whether the group exists there or not; on v2 the one directory.
  // "" when the host has no such controller.
  std::string directory(const std::string& controller) const;
  // Those of all controllers, each once.
  std::vector<std::string> directories() const;
  bool is_unified() const { return host_.is_unified(); }

  Result<CgroupStats> stats() const;
  // Kills by the OOM killer in this group and (v2) below it.
  Result<uint64_t> oom_kills() const;
  // All processes in the group and below.
  Result<std::vector<pid_t>> processes() const;

  Result<bool> is_frozen() const;
  // Waits (bounded) until every process has stopped; on failure nothing stays frozen.
  Status freeze() const;
  Status thaw() const;
  // SIGKILL to every process in the group and below, and waits (bounded) until they are gone. A
  // missing group is success.
  Status kill_all() const;
  // Removes the group and the groups below. Waits (bounded) while the kernel still counts dying
  // processes. A missing group is success.
  Status remove() const;
  // Removes the group where nothing is in it, without looking first. False when it is still there
  // in some hierarchy: groups below or processes inside make it stay.
  Result<bool> remove_at_once() const;
  // Removes the group if nothing is in it; groups below or processes inside make it stay, and that
  // is success: for parents that several tasks share.
  Status remove_if_empty() const;

 private:
  friend class Cgroups;
  CgroupDir(Cgroups host, std::string path) : host_(std::move(host)), path_(std::move(path)) {}

  Status enter(const std::string& controller) const;
  Status write_settings(const std::vector<CgroupSetting>& settings) const;
  Status set(const CgroupLimits& limits) const;
  enum class DeviceFilters { kNone, kReplace };  // what v2 has to do with those there
  Status set_devices(const std::vector<DeviceRule>& rules, DeviceFilters before) const;

  Cgroups host_;
  std::string path_;
};

}  // namespace berth::sys
