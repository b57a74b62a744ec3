// What the scheduler remembers of a task, with the fields of DescribeTasks.
#pragma once

#include "base/env.h"
#include "scheduler/lifecycle.h"
#include "scheduler/task_definition.h"
#include "scheduler/task_request.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::scheduler {

enum class StopCode : uint8_t {
  kTaskFailedToStart,
  kEssentialContainerExited,
  kUserInitiated,
  kServiceSchedulerInitiated,
  kSpotInterruption,
  kTerminationNotice,
};

// "EssentialContainerExited".
const char* name_of(StopCode code);

enum class HealthStatus : uint8_t { kUnknown, kHealthy, kUnhealthy };

// "HEALTHY".
const char* name_of(HealthStatus status);

inline constexpr const char* kEssentialExitedReason = "Essential container in task exited";
inline constexpr const char* kStoppedByUserReason = "Task stopped by user";
inline constexpr const char* kOutOfMemoryReason =
    "OutOfMemoryError: Container killed due to memory usage";
constexpr int kKilledExitCode = 137;  // 128 + SIGKILL
constexpr size_t kReasonMax = 1024;   // characters of a container's reason

struct NetworkInterface {
  std::string attachment_id{};
  std::string private_ipv4_address;
  std::string mac_address{};
  std::string ipv6_address{};  // "": the node's network is IPv4 only
  bool operator==(const NetworkInterface&) const = default;
};

struct NetworkBinding {
  std::string bind_ip{};
  uint16_t container_port = 0;  // the first of a range
  uint16_t host_port = 0;
  uint16_t count = 1;  // of ports: more than one for a containerPortRange
  Protocol protocol = Protocol::kTcp;
  bool operator==(const NetworkBinding&) const = default;
};

// What the health checks of a container have found.
struct ContainerHealth {
  HealthStatus status = HealthStatus::kUnknown;
  std::optional<WallTime> since{};
  std::optional<int> exit_code{};  // of the last check; absent: it did not run to its end
  std::string output{};            // of the last check, its beginning
  bool operator==(const ContainerHealth&) const = default;
};

struct Container {
  std::string id{};  // a UUID
  std::string name{};
  std::string image{};
  // "sha256:...": once pulled, and before where the service has it pinned (versionConsistency).
  std::string image_digest{};
  bool essential = true;
  ContainerLifecycle lifecycle{};
  std::optional<int> exit_code{};  // absent when it never ran
  std::string reason{};            // "<ErrorName>: <text>"
  ContainerHealth health{};
  std::string pre_stop{};  // how its preStop ended: "exit code 0"; "" before, and without one
  int restart_count = 0;
  std::optional<WallTime> started_at{};
  std::optional<WallTime> stopped_at{};
  std::vector<NetworkInterface> network_interfaces{};  // awsvpc
  std::vector<NetworkBinding> network_bindings{};      // bridge, host
  bool operator==(const Container&) const = default;
};

// What the agent was told to do with the task; each is told once.
struct Orders {
  bool start = false;
  bool stop = false;
  bool kill = false;
  bool release = false;
  bool operator==(const Orders&) const = default;
};

struct Task {
  std::string id{};             // 32 hexadecimal digits
  TaskDefinition definition{};  // overrides applied
  TaskRequest request{};        // with its tags as they are now
  std::string group{};          // "family:<family>"
  TaskLifecycle lifecycle{TaskStatus::kProvisioning};
  DesiredStatus desired_status = DesiredStatus::kRunning;
  std::vector<Container> containers{};  // in the definition's order
  std::optional<StopCode> stop_code{};
  std::string stopped_reason{};
  // Of the interface of a task in awsvpc mode; "" for others.
  std::string attachment_id{};  // a UUID
  std::string interface_id{};   // "eni-" and 17 hexadecimal digits
  std::string ended_by{};       // the essential container that stopped first; "" for none
  int64_t version = 1;          // one more with each change
  // A service does not stop it to have fewer tasks, until then.
  std::optional<WallTime> protected_until{};
  bool is_held = false;  // frozen, because its service is held
  WallTime created_at{};
  std::optional<WallTime> connectivity_at{};
  std::optional<WallTime> pull_started_at{};
  std::optional<WallTime> pull_stopped_at{};
  std::optional<WallTime> started_at{};
  std::optional<WallTime> stopping_at{};
  std::optional<WallTime> execution_stopped_at{};
  std::optional<WallTime> stopped_at{};
  Orders orders{};

  TaskStatus last_status() const { return lifecycle.status(); }
  // Null when there is none of that name.
  Container* find_container(const std::string& name);
  const Container* find_container(const std::string& name) const;
  bool operator==(const Task&) const = default;
};

// healthStatus of DescribeTasks. Only essential containers with a check count: UNHEALTHY when one
// is, HEALTHY when all are, else UNKNOWN.
HealthStatus health_status_of(const Task& task);

}  // namespace berth::scheduler
