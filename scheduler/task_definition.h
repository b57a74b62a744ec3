// A task definition as values, with ECS's names. What stands here is what berth honours:
// task_definition_parse.h refuses every other field by name. docs/task-definition.md lists all.
#pragma once

#include "scheduler/mesh_proxy.h"
#include "scheduler/volume.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::scheduler {

enum class NetworkMode { kBridge, kHost, kAwsvpc, kNone };
enum class PidMode { kPrivate, kHost, kTask };         // whose processes a container sees
enum class IpcMode { kPrivate, kHost, kTask, kNone };  // none: private, and no /dev/shm
enum class Protocol { kTcp, kUdp };
enum class Condition { kStart, kComplete, kSuccess, kHealthy };
enum class FirelensType { kFluentd, kFluentbit };  // what a log router is
enum class CpuArchitecture { kX86_64, kArm64 };

// The words of the JSON ("awsvpc", "tcp", "START", "X86_64").
const char* name_of(NetworkMode mode);
const char* name_of(PidMode mode);  // "" for kPrivate, which has no word
const char* name_of(IpcMode mode);  // likewise
const char* name_of(Protocol protocol);
const char* name_of(Condition condition);
const char* name_of(CpuArchitecture architecture);
const char* name_of(FirelensType type);

constexpr int64_t kUnlimited = -1;            // of a Ulimit
constexpr uint32_t kStopTimeoutSeconds = 30;  // when stopTimeout is absent

struct KeyValue {
  std::string name{};
  std::string value{};
  bool operator==(const KeyValue&) const = default;
};

struct PortMapping {
  std::string name{};           // "" when absent
  uint16_t container_port = 0;  // the first of a range
  // 0: chosen at start (bridge). In awsvpc and host always equal to container_port.
  uint16_t host_port = 0;
  std::optional<uint16_t> container_port_last{};  // of a containerPortRange
  Protocol protocol = Protocol::kTcp;
  bool operator==(const PortMapping&) const = default;
};

// How many ports a mapping is about.
uint16_t count_of(const PortMapping& mapping);

struct MountPoint {
  std::string source_volume{};
  std::string container_path{};  // absolute
  bool read_only = false;
  bool operator==(const MountPoint&) const = default;
};

struct VolumeFrom {
  std::string source_container{};
  bool read_only = false;
  bool operator==(const VolumeFrom&) const = default;
};

struct Ulimit {
  std::string name{};      // "nofile"
  int64_t soft_limit = 0;  // kUnlimited or >= 0
  int64_t hard_limit = 0;
  bool operator==(const Ulimit&) const = default;
};

struct Device {
  std::string host_path{};
  std::string container_path{};  // host_path when the JSON has none
  bool read = true;
  bool write = true;
  bool mknod = true;
  bool operator==(const Device&) const = default;
};

struct Tmpfs {
  std::string container_path{};
  uint32_t size_mib = 0;
  std::vector<std::string> mount_options{};
  bool operator==(const Tmpfs&) const = default;
};

struct LinuxParameters {
  std::vector<std::string> add_capabilities{};  // "SYS_PTRACE", "ALL"; no CAP_
  std::vector<std::string> drop_capabilities{};
  std::vector<Device> devices{};
  std::vector<Tmpfs> tmpfs{};
  std::optional<uint32_t> shared_memory_size_mib{};
  std::optional<uint32_t> max_swap_mib{};  // beyond memory; absent: the host's policy
  std::optional<uint32_t> swappiness{};    // 0 to 100; no effect on cgroup v2
  bool init_process_enabled = false;       // an init that reaps and forwards signals is process 1
  bool operator==(const LinuxParameters&) const = default;
};

struct Dependency {
  std::string container_name{};
  Condition condition = Condition::kStart;
  bool operator==(const Dependency&) const = default;
};

// A command that tells by its exit code, 0 or not, whether the container is healthy.
struct HealthCheck {
  std::vector<std::string> command{};  // a word and what follows: "CMD", "CMD-SHELL"
  uint32_t interval_seconds = 30;
  uint32_t timeout_seconds = 5;
  uint32_t retries = 3;
  uint32_t start_period_seconds = 0;
  bool operator==(const HealthCheck&) const = default;
};

// Start again in its place what ended after having run for long enough.
struct RestartPolicy {
  std::vector<int32_t> ignored_exit_codes{};
  uint32_t restart_attempt_period_seconds = 300;
  bool operator==(const RestartPolicy&) const = default;
};

// Another container of the task under a name of one's own (bridge mode).
struct Link {
  std::string container_name{};
  std::string alias{};  // container_name when the JSON has none
  bool operator==(const Link&) const = default;
};

struct EnvironmentFile {
  std::string value{};  // arn:aws:s3:::BUCKET/KEY.env
  bool operator==(const EnvironmentFile&) const = default;
};

// A variable whose value is kept elsewhere.
struct SecretVariable {
  std::string name{};
  std::string value_from{};  // an ARN, or the name of a parameter
  bool operator==(const SecretVariable&) const = default;
};

struct SystemControl {
  std::string name{};  // "net.core.somaxconn" ("namespace" in the JSON)
  std::string value{};
  bool operator==(const SystemControl&) const = default;
};

struct HostEntry {
  std::string hostname{};
  std::string ip_address{};
  bool operator==(const HostEntry&) const = default;
};

// Where what a container prints goes. log_configuration.h says what the options mean.
struct LogConfiguration {
  std::string driver{};  // "json-file"
  std::map<std::string, std::string> options{};
  std::vector<SecretVariable> secret_options{};  // each goes before an option of its name
  bool operator==(const LogConfiguration&) const = default;
};

// Makes a container the log router of its task. firelens.h says what the options mean.
struct FirelensConfiguration {
  FirelensType type = FirelensType::kFluentbit;
  std::map<std::string, std::string> options{};
  bool operator==(const FirelensConfiguration&) const = default;
};

struct ContainerDefinition {
  std::string name{};
  std::string image{};
  uint32_t cpu = 0;  // shares, 1024 for one CPU
  std::optional<uint32_t> memory_mib{};
  std::optional<uint32_t> memory_reservation_mib{};
  bool essential = true;
  std::vector<std::string> entry_point{};  // empty: the image's
  std::vector<std::string> command{};      // empty: the image's, unless entry_point is set
  std::vector<KeyValue> environment{};     // unique names; a later entry of the JSON wins
  std::vector<EnvironmentFile> environment_files{};
  std::vector<SecretVariable> secrets{};
  std::vector<PortMapping> port_mappings{};
  std::vector<MountPoint> mount_points{};
  std::vector<VolumeFrom> volumes_from{};
  std::string user{};               // "" for the image's
  std::string working_directory{};  // "" for the image's
  bool readonly_root_filesystem = false;
  bool privileged = false;
  bool disable_networking = false;  // only a loopback of its own
  bool interactive = false;         // standard input stays open
  bool pseudo_terminal = false;
  bool no_new_privileges = false;  // of dockerSecurityOptions
  // A service's tag means to all tasks of a revision what it meant to the first.
  bool is_version_consistent = true;
  std::vector<Ulimit> ulimits{};
  std::optional<uint32_t> start_timeout_seconds{};
  std::optional<uint32_t> stop_timeout_seconds{};
  std::vector<Dependency> depends_on{};
  std::optional<RestartPolicy> restart_policy{};  // absent also when not enabled
  std::optional<HealthCheck> health_check{};      // absent also for ["NONE"]
  LinuxParameters linux_parameters{};
  std::vector<SystemControl> system_controls{};
  std::string hostname{};
  std::vector<std::string> dns_servers{};
  std::vector<std::string> dns_search_domains{};
  std::vector<HostEntry> extra_hosts{};
  std::vector<Link> links{};
  std::map<std::string, std::string> docker_labels{};
  std::optional<LogConfiguration> log_configuration{};  // absent: json-file
  std::optional<FirelensConfiguration> firelens{};
  std::string repository_credentials{};  // ARN or name of a secret; "": those of this host
  bool operator==(const ContainerDefinition&) const = default;
};

struct TaskDefinition {
  std::string family{};
  std::vector<ContainerDefinition> container_definitions{};
  NetworkMode network_mode = NetworkMode::kBridge;
  PidMode pid_mode = PidMode::kPrivate;
  IpcMode ipc_mode = IpcMode::kPrivate;
  std::vector<Volume> volumes{};
  std::optional<uint32_t> cpu{};         // units: 1024 for one CPU; a hard limit
  std::optional<uint32_t> memory_mib{};  // a hard limit
  std::vector<std::string> requires_compatibilities{};
  std::optional<CpuArchitecture> cpu_architecture{};
  std::string task_role_arn{};       // ARN or name; "": the containers get no credentials
  std::string execution_role_arn{};  // kept; berth itself is the executor
  std::vector<KeyValue> tags{};
  std::optional<uint32_t> ephemeral_storage_gib{};  // for what its containers write, all together
  bool enable_fault_injection = false;  // containers may ask for faults in their network
  std::optional<MeshProxy> proxy{};     // that the task's TCP is led through (awsvpc)

  bool requires_fargate() const;
  // Null when there is none of that name.
  const ContainerDefinition* find_container(const std::string& name) const;
  bool operator==(const TaskDefinition&) const = default;
};

// The mount points of a container including those that volumesFrom brings from others (a read-only
// volumesFrom makes them read-only; the container's own win over inherited ones at the same path).
std::vector<MountPoint> effective_mount_points(const TaskDefinition& task,
                                               const ContainerDefinition& container);

// What is executed for a health check: what follows CMD, or a shell with what follows CMD-SHELL.
std::vector<std::string> args_of(const HealthCheck& check);

// The order in which containers start: each after all that it depends on (dependsOn, volumesFrom,
// links, the log router), else as written. Indices into container_definitions. Total, because
// parsing refuses cycles.
std::vector<size_t> start_order(const TaskDefinition& task);

}  // namespace berth::scheduler
