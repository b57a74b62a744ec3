// config.json of the OCI runtime specification, as values. Parsing names the JSON path of what is
// wrong; unknown members are ignored, as the specification asks, known ones that berth cannot
// honour are refused.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "runtime/hooks.h"
#include "runtime/memory_policy.h"
#include "runtime/scheduling.h"
#include "sys/cgroup.h"
#include "sys/credentials.h"
#include "sys/process.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace berth::runtime {

constexpr size_t kConfigMax = 1024 * 1024;

struct MountSpec {
  std::string destination;
  std::string type;
  std::string source;
  std::vector<std::string> options;
  sys::IdMaps maps;  // uidMappings and gidMappings; empty: the container's for "idmap"
};

struct User {
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::vector<uint32_t> additional_gids;
  std::optional<uint32_t> umask;
};

struct ConsoleSize {
  uint16_t width = 0;  // characters; 0 and 0 leave the kernel's default
  uint16_t height = 0;
};

struct ProcessSpec {
  bool terminal = false;
  ConsoleSize console_size;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  sys::Capabilities capabilities;
  std::vector<sys::ResourceLimit> rlimits;
  bool no_new_privileges = false;
  std::string apparmor_profile;  // "" for none
  std::string selinux_label;     // "" for none
  std::optional<int64_t> oom_score_adj;
  std::optional<Scheduler> scheduler;
  std::optional<int> io_priority;              // for ioprio_set(2)
  std::optional<cpu_set_t> exec_cpus_initial;  // execCPUAffinity: of exec only
  std::optional<cpu_set_t> exec_cpus_final;
};

struct NamespaceSpec {
  std::string type;  // "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"
  std::string path;  // "" makes a new one
};

struct DeviceSpec {
  std::string path;
  char type = 'c';  // 'c', 'b', 'p'
  int64_t major = 0;
  int64_t minor = 0;
  std::optional<uint32_t> file_mode;
  uint32_t uid = 0;
  uint32_t gid = 0;
};

struct SeccompArgument {
  uint32_t index = 0;
  uint64_t value = 0;
  uint64_t value_two = 0;
  std::string op;
};
struct SeccompRule {
  std::vector<std::string> names;
  std::string action;
  std::optional<uint32_t> errno_ret;
  std::vector<SeccompArgument> args;
};
struct TimeOffset {
  int64_t seconds = 0;
  uint32_t nanoseconds = 0;
};

struct SeccompSpec {
  std::string default_action;
  std::optional<uint32_t> default_errno_ret;
  std::vector<std::string> architectures;
  std::vector<std::string> flags;
  std::vector<SeccompRule> syscalls;
  std::string listener_path;  // "" when no action is SCMP_ACT_NOTIFY
  std::string listener_metadata;
};

// A link of the host that becomes the container's (runtime-spec 1.3).
struct NetDeviceSpec {
  std::string name;
  std::string new_name;  // in the container
};

struct Spec {
  std::string oci_version;
  std::string root_path;
  bool root_readonly = false;
  std::string hostname;
  std::string domainname;
  std::vector<MountSpec> mounts;
  std::optional<ProcessSpec> process;
  std::vector<NamespaceSpec> namespaces;
  sys::IdMaps maps;
  std::vector<DeviceSpec> devices;
  std::string cgroups_path;
  sys::CgroupLimits limits;
  std::optional<SeccompSpec> seccomp;
  std::vector<std::pair<std::string, std::string>> sysctl;
  Hooks hooks;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::vector<NetDeviceSpec> net_devices;
  std::optional<MemoryPolicy> memory_policy;
  std::string mount_label;
  std::string rootfs_propagation;
  std::vector<std::pair<std::string, TimeOffset>> time_offsets;  // by clock
  std::optional<uint64_t> personality;                           // for personality(2)
  std::vector<std::pair<std::string, std::string>> annotations;

  const NamespaceSpec* find_namespace(std::string_view type) const;
  bool has_new(std::string_view type) const;
  std::string annotation(std::string_view key) const;  // "" when absent
};

// The names that linux.namespaces[].type may be.
std::span<const std::string_view> namespace_types();

// Whether the seccomp profile, as config.json has it, was read before and found good: its rules are
// not read again then, and `SeccompSpec` stays empty. Not asked about one with a listener.
using KnowsSeccomp = std::function<bool(std::string_view profile)>;
Result<Spec> parse_spec(std::string_view text, const KnowsSeccomp& knows_seccomp = nullptr);
// A "process" object by itself, as `exec --process` takes it.
Result<ProcessSpec> parse_process(const json::Node& node);
Result<SeccompSpec> parse_seccomp(const json::Node& node);

}  // namespace berth::runtime
