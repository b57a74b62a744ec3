#include "runtime/task_order.h"

#include "base/check.h"

#include <algorithm>

namespace berth::runtime {
namespace {

size_t index_of(const std::vector<ContainerPlan>& plan, const std::string& name) {
  auto found = std::find_if(plan.begin(), plan.end(),
                            [&](const ContainerPlan& container) { return container.name == name; });
  CHECK(found != plan.end());  // the task definition was checked for unknown names
  return static_cast<size_t>(found - plan.begin());
}

enum class Verdict { kSatisfied, kPending, kNever };

struct Judgement {
  Verdict verdict = Verdict::kSatisfied;
  std::string reason;              // of kNever
  std::optional<Instant> wake_at;  // of kPending with a timeout
};

Judgement never(const std::string& text) {
  return {Verdict::kNever, "TaskDependencyError: " + text, std::nullopt};
}

bool has_run(const ContainerProgress& progress) {
  return progress.phase == ContainerPhase::kRunning ||
         progress.phase == ContainerPhase::kStopping || progress.exit_code.has_value();
}

// What a dependency that runs has still to come to ("stop", "become HEALTHY"): wait, but not for
// ever.
Judgement await(const char* what, const ContainerPlan& plan, const ContainerProgress& progress,
                Instant now) {
  if (!plan.start_timeout_seconds || !has_run(progress)) return {Verdict::kPending, "", {}};
  Instant due = progress.started_at + std::chrono::seconds(*plan.start_timeout_seconds);
  if (now < due) return {Verdict::kPending, "", due};
  return never(fmt::format("container {} did not {} within its startTimeout of {} s", plan.name,
                           what, *plan.start_timeout_seconds));
}

Judgement judge(const ContainerDependency& dependency, const ContainerPlan& plan,
                const ContainerProgress& progress, Instant now) {
  bool stopped = progress.phase == ContainerPhase::kStopped;
  if (stopped && !progress.exit_code) {
    return never(fmt::format("container {} never started", plan.name));
  }
  switch (dependency.condition) {
    case DependencyCondition::kStart:
      return {has_run(progress) ? Verdict::kSatisfied : Verdict::kPending, "", {}};
    case DependencyCondition::kComplete:
      return stopped ? Judgement{} : await("stop", plan, progress, now);
    case DependencyCondition::kSuccess:
      if (!stopped) return await("stop", plan, progress, now);
      if (*progress.exit_code == 0) return {};
      return never(fmt::format("container {} exited with {}, SUCCESS needs 0", plan.name,
                               *progress.exit_code));
    case DependencyCondition::kHealthy:
      if (stopped) return never(fmt::format("container {} stopped, HEALTHY needs it", plan.name));
      if (progress.health == HealthStatus::kHealthy) return {};
      return await("become HEALTHY", plan, progress, now);
  }
  return {};
}

// The worst of all dependencies.
Judgement judge_all(const std::vector<ContainerPlan>& plan,
                    const std::vector<ContainerProgress>& progress, size_t container, Instant now) {
  Judgement all;
  for (const ContainerDependency& dependency : plan[container].depends_on) {
    size_t on = index_of(plan, dependency.container);
    Judgement one = judge(dependency, plan[on], progress[on], now);
    if (one.verdict == Verdict::kNever) return one;
    if (one.verdict == Verdict::kSatisfied) continue;
    all.verdict = Verdict::kPending;
    if (one.wake_at) all.wake_at = std::min(all.wake_at.value_or(*one.wake_at), *one.wake_at);
  }
  return all;
}

void decide_starts(const std::vector<ContainerPlan>& plan,
                   const std::vector<ContainerProgress>& progress, Instant now,
                   TaskActions& actions) {
  for (size_t i = 0; i < plan.size(); ++i) {
    if (progress[i].phase != ContainerPhase::kWaiting) continue;
    Judgement judgement = judge_all(plan, progress, i, now);
    if (judgement.verdict == Verdict::kSatisfied) actions.start.push_back(i);
    if (judgement.verdict == Verdict::kNever) actions.refuse.push_back({i, judgement.reason});
    if (judgement.wake_at) {
      actions.wake_at = std::min(actions.wake_at.value_or(*judgement.wake_at), *judgement.wake_at);
    }
  }
}

bool all_dependents_stopped(const std::vector<ContainerPlan>& plan,
                            const std::vector<ContainerProgress>& progress, size_t container) {
  for (size_t i = 0; i < plan.size(); ++i) {
    if (progress[i].phase == ContainerPhase::kStopped) continue;
    for (const ContainerDependency& dependency : plan[i].depends_on) {
      if (dependency.container == plan[container].name) return false;
    }
  }
  return true;
}

void decide_stops(const std::vector<ContainerPlan>& plan,
                  const std::vector<ContainerProgress>& progress, TaskActions& actions) {
  for (size_t i = 0; i < plan.size(); ++i) {
    if (progress[i].phase == ContainerPhase::kWaiting) actions.refuse.push_back({i, ""});
    if (progress[i].phase != ContainerPhase::kRunning) continue;
    if (all_dependents_stopped(plan, progress, i)) actions.stop.push_back(i);
  }
}

}  // namespace

TaskActions next_actions(const std::vector<ContainerPlan>& plan,
                         const std::vector<ContainerProgress>& progress, TaskGoal goal,
                         Instant now) {
  CHECK(plan.size() == progress.size());
  TaskActions actions;
  actions.finished = true;
  for (size_t i = 0; i < plan.size(); ++i) {
    bool stopped = progress[i].phase == ContainerPhase::kStopped;
    if (!stopped) actions.finished = false;
    if (stopped && plan[i].essential && !actions.ended_by) actions.ended_by = i;
  }
  if (actions.finished) return actions;
  bool ending = goal == TaskGoal::kStop || actions.ended_by.has_value();
  if (ending) {
    decide_stops(plan, progress, actions);
  } else {
    decide_starts(plan, progress, now, actions);
  }
  return actions;
}

}  // namespace berth::runtime
