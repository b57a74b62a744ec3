// The ladder of a task. lastStatus only moves down this page, along the edges of the table, and
// only advance() moves it.
//
//   PROVISIONING    its network (awsvpc)              --+
//   PENDING         its images, its first containers    |-- stop decided ---> DEACTIVATING
//   ACTIVATING      registration with load balancers    |-- nothing ran ----> DEPROVISIONING
//   RUNNING         every container ran or runs       --+
//   DEACTIVATING    leaves load balancers
//   STOPPING        its containers are being stopped
//   DEPROVISIONING  nothing of it runs; its resources go back
//   STOPPED         final
//
// A container's own ladder is PENDING, RUNNING, STOPPED; it may skip RUNNING.
#pragma once

#include <array>
#include <cstdint>

namespace berth::scheduler {

enum class TaskStatus : uint8_t {
  kProvisioning,
  kPending,
  kActivating,
  kRunning,
  kDeactivating,
  kStopping,
  kDeprovisioning,
  kStopped,
};

enum class DesiredStatus : uint8_t { kRunning, kStopped };

enum class ContainerStatus : uint8_t { kPending, kRunning, kStopped };

// "PROVISIONING".
const char* name_of(TaskStatus status);
const char* name_of(DesiredStatus status);
const char* name_of(ContainerStatus status);

namespace lifecycle {

struct Edge {
  TaskStatus from;
  TaskStatus to;
};

inline constexpr std::array<Edge, 14> kEdges = {{
    {TaskStatus::kProvisioning, TaskStatus::kPending},
    {TaskStatus::kPending, TaskStatus::kActivating},
    {TaskStatus::kActivating, TaskStatus::kRunning},
    {TaskStatus::kProvisioning, TaskStatus::kDeactivating},
    {TaskStatus::kPending, TaskStatus::kDeactivating},
    {TaskStatus::kActivating, TaskStatus::kDeactivating},
    {TaskStatus::kRunning, TaskStatus::kDeactivating},
    {TaskStatus::kDeactivating, TaskStatus::kStopping},
    {TaskStatus::kStopping, TaskStatus::kDeprovisioning},
    {TaskStatus::kProvisioning, TaskStatus::kDeprovisioning},
    {TaskStatus::kPending, TaskStatus::kDeprovisioning},
    {TaskStatus::kActivating, TaskStatus::kDeprovisioning},
    {TaskStatus::kRunning, TaskStatus::kDeprovisioning},
    {TaskStatus::kDeprovisioning, TaskStatus::kStopped},
}};

constexpr bool is_edge(TaskStatus from, TaskStatus to) {
  for (const Edge& edge : kEdges) {
    if (edge.from == from && edge.to == to) return true;
  }
  return false;
}

constexpr bool is_edge(ContainerStatus from, ContainerStatus to) {
  return from < to;
}

constexpr bool only_forward() {
  for (const Edge& edge : kEdges) {
    if (edge.from >= edge.to) return false;
  }
  return true;
}
static_assert(only_forward(), "lastStatus never goes backwards");

}  // namespace lifecycle

// The status of a task: readable by all, moved by advance() alone, along one edge of the
// table (CHECKed): callers ask lifecycle::is_edge() first when they do not know.
class TaskLifecycle {
 public:
  explicit TaskLifecycle(TaskStatus first) : status_(first) {}
  TaskStatus status() const { return status_; }
  void advance(TaskStatus to);
  bool operator==(const TaskLifecycle&) const = default;

 private:
  TaskStatus status_;
};

class ContainerLifecycle {
 public:
  ContainerStatus status() const { return status_; }
  void advance(ContainerStatus to);
  bool operator==(const ContainerLifecycle&) const = default;

 private:
  ContainerStatus status_ = ContainerStatus::kPending;
};

}  // namespace berth::scheduler
