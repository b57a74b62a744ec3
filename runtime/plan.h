// Spec -> Plan: what the init will do, step by step, as data. Pure; `render` prints it.
#pragma once

#include "base/result.h"
#include "runtime/spec.h"
#include "sys/cgroup.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace berth::runtime {

enum class MountKind {
  kBind,        // the parent clones `source` and passes a detached mount
  kFileSystem,  // the init makes it inside its namespaces
  kRemount,     // the attributes of what an earlier step mounted at the target
};

struct MountStep {
  MountKind kind = MountKind::kFileSystem;
  std::string target{};  // absolute, in the container
  std::string type{};
  std::string source{};
  std::vector<std::pair<std::string, std::string>> data{};  // file system options
  uint64_t set = 0;                                         // MOUNT_ATTR_*
  uint64_t clear = 0;                                       // MOUNT_ATTR_*, binds only
  uint64_t recursive_set = 0;                               // rro, rnosuid, ...: the whole tree
  uint64_t recursive_clear = 0;
  uint64_t propagation = 0;  // MS_*; 0 is private
  bool recursive = false;    // rbind
  bool recursive_propagation = false;
  bool mapped = false;  // idmap, ridmap or explicit maps
  bool recursive_map = false;
  sys::IdMaps maps{};            // empty: the container's own
  bool copy_up = false;          // tmpcopyup: begins with what the root file system has there
  bool readonly_at_end = false;  // later steps still make directories in it
};

// A procfs made for the container, at /proc: not a bind that is called one.
inline bool is_own_proc(const MountStep& step) {
  return step.kind == MountKind::kFileSystem && step.type == "proc" && step.target == "/proc";
}

// The host's procfs, bound there for a container that shares the host's processes.
inline bool is_hosts_proc(const MountStep& step) {
  return step.kind == MountKind::kBind && step.source == "/proc" && step.target == "/proc";
}

struct DeviceStep {
  std::string path;
  char type = 'c';
  uint32_t major = 0;
  uint32_t minor = 0;
  uint32_t mode = 0666;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct Link {
  const char* path;
  const char* target;
};

struct Namespace {
  int flag = 0;      // CLONE_NEW*
  const char* name;  // "user", "net", ... as in /proc/PID/ns
  std::string path;  // "" makes a new one
};

struct Plan {
  std::vector<Namespace> namespaces;
  bool network_at_birth = false;  // the host moves devices into it before the init does anything
  bool in_user_namespace = false;
  uint64_t root_propagation = 0;  // MS_*
  bool root_receives = false;     // what the host mounts below the rootfs is seen inside
  bool root_readonly = false;
  std::vector<MountStep> mounts;
  bool own_dev = false;   // /dev is ours to fill: it is not bound from somewhere
  bool has_proc = false;  // a procfs, fresh or the host's, is at /proc
  std::vector<DeviceStep> devices;
  std::vector<Link> links;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string time_offsets;  // for timens_offsets: "monotonic 86400 0" lines
  std::vector<std::pair<std::string, std::string>> sysctl;  // path below / -> value
  bool die_with_parent = false;
  sys::CgroupLimits limits;  // the spec's, with the devices that every container has

  // CLONE_NEW* of the namespaces to make, without the cgroup namespace, which is unshared
  // later, when the process is in its group, the time namespace, which takes its offsets before
  // anybody is in it, and a network that the init unshares.
  uint64_t clone_flags() const;
  // Of all namespaces that of the network takes the kernel longest (0.6 ms of 1): the init makes
  // it, while its parent makes the groups.
  bool unshares_network() const;
  // Makes or joins one.
  bool has(int flag) const;
  bool joins(int flag) const;
  bool makes(int flag) const;
};

// What the plan depends on besides the spec.
struct HostFacts {
  sys::Cgroups cgroups;
  std::string cgroup_path;
  bool has_selinux = false;
};

Result<Plan> make_plan(const Spec& spec, const HostFacts& host);
// One step a line, for people and goldens.
std::string render(const Plan& plan);

}  // namespace berth::runtime
