// Which container of a task may start, must stop or never will start: pure, over values.
//
//   dependsOn   START     satisfied when the dependency runs or ran
//               COMPLETE  when it has stopped, whatever its exit code
//               SUCCESS   when it has stopped with exit code 0; another code is final
//               HEALTHY   when it runs and is healthy; that it stopped is final
//   startTimeout of a dependency bounds how long COMPLETE, SUCCESS and HEALTHY are waited for.
//   A dependency that never runs is final for all that depend on it.
//   Stopping goes the other way: a container is not told to stop before all that depend on it have
//   stopped.
#pragma once

#include "base/env.h"
#include "runtime/health.h"
#include "runtime/task_plan.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

enum class ContainerPhase {
  kWaiting,  // for its dependencies
  kRunning,
  kStopping,  // has been told to stop
  kStopped,
};

struct ContainerProgress {
  ContainerPhase phase = ContainerPhase::kWaiting;
  std::optional<int> exit_code;  // when stopped; absent when it never ran
  Instant started_at{};
  HealthStatus health = HealthStatus::kUnknown;
};

struct TaskActions {
  struct Refusal {
    size_t container = 0;
    std::string reason;  // "TaskDependencyError: ..."
  };
  std::vector<size_t> start;       // their dependencies are satisfied
  std::vector<size_t> stop;        // their turn to be told to stop
  std::vector<Refusal> refuse;     // never will run
  std::optional<size_t> ended_by;  // an essential container has stopped: the task shall end
  bool finished = false;           // every container has stopped
  // When a startTimeout runs out, if one is being waited for.
  std::optional<Instant> wake_at;
};

enum class TaskGoal { kRun, kStop };

// `progress` has one element per container of the plan, in its order.
TaskActions next_actions(const std::vector<ContainerPlan>& plan,
                         const std::vector<ContainerProgress>& progress, TaskGoal goal,
                         Instant now);

}  // namespace berth::runtime
