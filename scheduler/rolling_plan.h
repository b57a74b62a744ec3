// The arithmetic of a rolling deployment: how many tasks of the new revision may start, and which
// of all may stop. With D the desired count, lo = ⌈D·min/100⌉ and hi = ⌊D·max/100⌋:
//
//   start   min(D − new, hi − all that are pending or run)
//   stop    of the new: what is beyond D
//           of the old: what does not serve, always; what serves, while lo remain healthy
//           of those that alone have the traffic: while lo of them remain healthy
//           what is unhealthy: once others have taken its place, or when there is no room for them
//
// A DAEMON counts tasks that are stopping, too: the next one starts when the last one has gone.
#pragma once

#include "scheduler/service_decision.h"

#include <string>
#include <vector>

namespace berth::scheduler {

enum class TaskGrade : uint8_t {
  kPending,
  kUnhealthy,
  kSettling,  // it runs, not long enough or not checked yet
  kHealthy,
};

// A task that has not been told to stop.
struct GradedTask {
  const ServiceTask* task = nullptr;
  TaskGrade grade = TaskGrade::kPending;
  bool is_new = false;  // of the PRIMARY
  int age = 0;          // of its deployment: 0 for the PRIMARY, 1 for the one before...
  bool is_protected = false;
  bool has_traffic = false;  // all requests go to tasks of its kind: of these alone lo remain, too
};

struct RollingBounds {
  int desired = 0;
  int lower = 0;
  int upper = 0;
  int stopping = 0;  // that count: of a DAEMON
};

enum class StopCause : uint8_t { kScaleIn, kReplaced, kUnhealthy };

struct PlannedStop {
  const ServiceTask* task = nullptr;
  StopCause cause = StopCause::kScaleIn;
};

struct RollingPlan {
  int start = 0;
  std::vector<PlannedStop> stops{};
  bool is_held_by_protection = false;  // more would stop
  bool is_blocked = false;  // old tasks are to go, and neither a start nor a stop is possible
};

RollingPlan plan_rolling(const std::vector<GradedTask>& tasks, const RollingBounds& bounds);

}  // namespace berth::scheduler
