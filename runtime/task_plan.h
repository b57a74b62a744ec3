// TaskPlan: all that a shim needs to know of its task, as the agent wrote it into task.json. A
// value: parse_task_plan(render_task_plan(p)) == p.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"
#include "runtime/log_plan.h"
#include "sys/cgroup_limits.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

constexpr int kTaskPlanVersion = 1;
constexpr size_t kTaskPlanMax = 1024 * 1024;

// ECS's dependsOn conditions that the shim knows.
enum class DependencyCondition { kStart, kComplete, kSuccess, kHealthy };

struct ContainerDependency {
  std::string container;
  DependencyCondition condition = DependencyCondition::kStart;
  bool operator==(const ContainerDependency&) const = default;
};

// A command that tells by its exit code whether the container is healthy.
struct HealthCheckPlan {
  std::vector<std::string> args;
  uint32_t interval_ms = 30000;
  uint32_t timeout_ms = 5000;
  uint32_t retries = 3;
  uint32_t start_period_ms = 0;
  bool operator==(const HealthCheckPlan&) const = default;
};

// Start again what ended, as ECS's restartPolicy.
struct RestartPlan {
  std::vector<int> ignored_exit_codes;
  uint32_t attempt_period_ms = 300000;  // one that ran for less is not started again
  bool operator==(const RestartPlan&) const = default;
};

// A root file system as overlayfs(5) makes it.
struct RootfsPlan {
  std::vector<std::string> layers;  // directories or images, bottom first
  std::string upper;
  std::string work;
  std::string target;  // where it is mounted
  bool operator==(const RootfsPlan&) const = default;
};

// An empty volume that gets what the image has at its place.
struct FillPlan {
  std::string volume;  // directory on the host
  std::string path;    // in the container
  std::string lock;    // a file, for a volume that other tasks may have, too
  bool operator==(const FillPlan&) const = default;
};

struct ContainerPlan {
  std::string name;
  std::string id;      // the OCI container's
  std::string bundle;  // directory of config.json
  RootfsPlan rootfs;
  std::vector<FillPlan> fills;
  std::string cgroup;
  LogPlan log;
  std::string exit_file;
  std::string restarts_file;  // the exit records of runs that others followed, the last ones
  bool essential = true;
  std::vector<ContainerDependency> depends_on;
  // May be created (not started) before the agent says `start`: it depends on no other container
  // and sets nothing in the network namespace, which the agent is configuring meanwhile.
  bool create_early = false;
  std::optional<HealthCheckPlan> health_check;
  std::optional<RestartPlan> restart;
  std::vector<std::string> pre_stop;  // argv of what runs in it before its stop signal; or none
  std::optional<uint32_t> start_timeout_seconds;
  uint32_t stop_timeout_seconds = 30;
  int stop_signal = 15;
  // It is alone in its pid namespace: with its first process the kernel ends all its others.
  bool own_pids = true;
  std::string console_socket;  // where its terminal is handed over; "": it has none
  bool open_input = false;     // its standard input stays open, for whoever attaches to it
  bool operator==(const ContainerPlan&) const = default;
};

// Host ids first .. first + size - 1 are 0 .. size - 1 in the task.
struct IdRangePlan {
  uint32_t first = 0;
  uint32_t size = 0;
  bool operator==(const IdRangePlan&) const = default;
};

// A network namespace for the shim to make, owned by the task's user namespace. The agent
// configures it through a socket that was born inside.
struct NamespacePlan {
  std::string name;       // the container's; "task" when it is shared
  std::string path;       // where the shim binds it
  bool shared = false;    // all containers are in it (awsvpc): names do not tell, one may be "task"
  bool resolver = false;  // of a task that has one: it is reached from here
  bool operator==(const NamespacePlan&) const = default;
};

// A tmpfs for the shim to mount: the /dev/shm of containers that share their IPC.
struct SharedMemoryPlan {
  std::string path;
  uint64_t size_bytes = 0;
  bool operator==(const SharedMemoryPlan&) const = default;
};

// A file system of a size, in a file that the agent made: what the containers write and the task's
// own volumes are in it.
struct EphemeralStoragePlan {
  std::string image;                     // the file
  std::string path;                      // where the shim mounts it
  std::vector<std::string> directories;  // in it, for the shim to make: the task's own volumes
  bool operator==(const EphemeralStoragePlan&) const = default;
};
inline constexpr const char* kEphemeralStorageType = "ext4";

// A volume for the shim to mount before there is a container: a file system of its own, or a part
// of one.
struct VolumePlan {
  std::string name;
  std::string path;                  // where
  std::string type;                  // of the file system; "": `source` is a directory of the host
  std::string source;                // "" for none
  bool loop = false;                 // `source` is a file, which gets a loop device
  std::vector<std::string> options;  // mount(8) words
  std::string root;        // the directory of it that is the volume, resolved within; "" is all
  std::string on_failure;  // what the reason of a failure begins with
  bool operator==(const VolumePlan&) const = default;
};

// What containers ask about themselves, in each network of the task (runtime/endpoint_program.h).
struct EndpointPlan {
  std::vector<std::string> command;  // argv of the program that answers
  // For containers in the host's network: a socket on its loopback that the agent hands to the
  // shim.
  bool host_listener = false;
  bool operator==(const EndpointPlan&) const = default;
};
// Where containers find it, as on AWS...
constexpr Ipv4 kEndpointAddress{0xa9feaa02};  // 169.254.170.2
constexpr uint16_t kEndpointPort = 80;
// ... and the port of that address at which its socket really listens. ECS reserves it for its
// agent's endpoint too.
constexpr uint16_t kEndpointOwnPort = 51679;

// Who answers questions for names, in the networks that say so (runtime/endpoint_program.h).
struct ResolverPlan {
  std::vector<std::string> command;  // argv; how many networks they are is added
  bool ipv6 = false;                 // at kResolverAddress6, too
  bool operator==(const ResolverPlan&) const = default;
};
// Where containers find it: Amazon's address in every VPC...
constexpr Ipv4 kResolverAddress{0xa9fea9fd};  // 169.254.169.253
// fd00:ec2::253, the same of IPv6.
constexpr Ipv6 kResolverAddress6{{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x53}};
constexpr uint16_t kResolverPort = 53;
// ... and the port of that address where its sockets really are, which ECS reserves, too.
constexpr uint16_t kResolverOwnPort = 51680;

// A name that the task has while it runs.
struct NamePlan {
  std::string name;
  std::string record;  // "A 172.29.0.5" (dns/zone.h)
  bool operator==(const NamePlan&) const = default;
};
struct NamesPlan {
  std::string directory;  // drawn in resolver/names.h
  std::vector<NamePlan> names;
  bool operator==(const NamesPlan&) const = default;
};

struct TaskLimits {
  std::optional<int64_t> cpu_quota_us;  // per 100 ms
  uint64_t cpu_shares = 2;
  std::optional<int64_t> memory_bytes;
  int64_t pids = 0;
  bool operator==(const TaskLimits&) const = default;
};

// What the group of the task is told.
sys::CgroupLimits cgroup_limits_of(const TaskLimits& limits);

struct TaskPlan {
  std::string task_id;
  std::string directory;           // the task directory
  std::string oci_runtime;         // program with runc's command line
  std::string oci_root;            // its --root
  bool foreground = false;         // stop the task when the agent's connection closes
  std::optional<IdRangePlan> ids;  // nothing: no user namespace
  std::string user_namespace;      // where the shim binds it
  std::vector<NamespacePlan> networks;
  std::string pid_namespace;  // likewise; "": the containers share none
  std::string ipc_namespace;  // likewise
  std::optional<SharedMemoryPlan> shared_memory;
  std::optional<EphemeralStoragePlan> ephemeral_storage;
  std::vector<VolumePlan> volumes;
  std::optional<EndpointPlan> endpoint;
  std::optional<ResolverPlan> resolver;
  std::optional<NamesPlan> names;
  std::string cgroup;
  TaskLimits limits;
  std::vector<ContainerPlan> containers;  // in the definition's order
  bool operator==(const TaskPlan&) const = default;
};

std::string render_task_plan(const TaskPlan& plan);
// kInvalid with the path of the member that is wrong.
Result<TaskPlan> parse_task_plan(std::string_view text, const std::string& name);

// Where things are in a task directory, for agent and shim alike.
//
//   <run>/tasks/<task-id>/
//     task.json                  the TaskPlan
//     shim.json                  {"pid", "startTime"} of the shim: who serves this task
//     shim.sock                  control socket
//     console.sock               where a terminal is handed over, during a create
//     ns/user ns/<name>          namespaces, bound in the shim's own mount namespace
//     ns/pid ns/ipc ns/shm       likewise, where the containers share them
//     volumes/<name>             where the shim mounts volumes, in its own mount namespace
//     endpoint.json              what the endpoint tells (agent/endpoint_document.h)
//     firelens/config/           fluent.conf, external.conf: of the log router, for its user ids
//     firelens/socket/           its /var/run: fluent.sock, which log processes connect to
//     files/<container>/         hosts, resolv.conf, hostname
//     containers/<container>/    OCI bundle: config.json, rootfs/; layers/ while it is mounted;
//                                exit.json, the exit record; restarts.json, those of runs that
//                                others followed, one a line
struct TaskPaths {
  std::string directory;

  std::string plan() const { return directory + "/task.json"; }
  std::string shim() const { return directory + "/shim.json"; }
  std::string socket() const { return directory + "/shim.sock"; }
  std::string console() const { return directory + "/console.sock"; }
  std::string endpoint() const { return directory + "/endpoint.json"; }
  std::string namespaces() const { return directory + "/ns"; }
  std::string router_config() const { return directory + "/firelens/config"; }
  std::string router_sockets() const { return directory + "/firelens/socket"; }
  std::string volume(const std::string& name) const { return directory + "/volumes/" + name; }
  std::string files(const std::string& container) const {
    return directory + "/files/" + container;
  }
  std::string bundle(const std::string& container) const {
    return directory + "/containers/" + container;
  }
};

}  // namespace berth::runtime
