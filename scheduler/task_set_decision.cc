#include "scheduler/task_set_decision.h"

#include "scheduler/service_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace berth::scheduler {
namespace {

constexpr int64_t kWholeScale = 1'000'000;

std::vector<GradedTask> graded_tasks(ServiceTurn& turn, const TaskSet& set) {
  std::vector<GradedTask> graded;
  for (const ServiceTask* task : turn.live(set.revision)) {
    GradedTask each;
    each.task = task;
    each.grade = turn.grade_of(*task);
    each.is_new = !turn.is_draining(*task);
    each.is_protected = turn.is_protected(*task);
    graded.push_back(each);
  }
  return graded;
}

void hear_news(ServiceTurn& turn) {
  for (const TaskNews& news : turn.facts().news) {
    for (TaskSet& set : turn.service().task_sets) {
      // Task sets have no circuit breaker: whoever controls them looks at failures.
      if (set.revision == news.task.revision) (void)turn.hear(news, set.backoff);
    }
  }
}

// True: it starts or stops something.
bool act_on(ServiceTurn& turn, TaskSet& set) {
  int count = task_set_count_of(turn.service(), set);
  // ECS knows no minimumHealthyPercent of theirs: all that serve stay where nothing takes their
  // place.
  RollingPlan plan = plan_rolling(
      graded_tasks(turn, set),
      {.desired = count, .lower = turn.is_any_draining() ? count : 0, .upper = 2 * count});
  std::string teller = service_text::with_task_set(turn.name(), set.id);
  std::string cause = fmt::format("{}: task set {} is to have {}", turn.occasion(), set.id, count);
  turn.launch({.revision = set.revision,
               .started_by = set.id,
               .providers = set.providers,
               .count = plan.start,
               .backoff = set.backoff,
               .cause = cause,
               .teller = teller});
  std::vector<ServiceTurn::Halt> halts;
  for (const PlannedStop& stop : plan.stops) {
    bool is_unhealthy = stop.cause == StopCause::kUnhealthy;
    if (is_unhealthy) {
      turn.tell(service_text::failed_health_check(turn.name(), stop.task->id), "", cause);
    }
    halts.push_back({stop.task->id, is_unhealthy ? service_text::kUnhealthyReason
                                                 : service_text::scaling_reason(set.id)});
  }
  turn.halt(halts, cause, teller);
  return turn.has_acted();
}

void conclude_stability(ServiceTurn& turn, TaskSet& set) {
  std::vector<GradedTask> tasks = graded_tasks(turn, set);
  for (const GradedTask& each : tasks) {
    if (each.grade == TaskGrade::kSettling) turn.look_again_at(*each.task);
    if (each.is_protected) turn.look_again(*each.task->protected_until);
  }
  bool are_healthy = std::all_of(tasks.begin(), tasks.end(), [](const GradedTask& each) {
    return each.grade == TaskGrade::kHealthy;
  });
  bool is_draining = std::any_of(tasks.begin(), tasks.end(), [&](const GradedTask& each) {
    return turn.is_draining(*each.task);
  });
  bool is_steady = are_healthy && !is_draining &&
                   static_cast<int>(tasks.size()) == task_set_count_of(turn.service(), set);
  auto stability = is_steady ? StabilityStatus::kSteadyState : StabilityStatus::kStabilizing;
  if (stability == set.stability) return;
  set.stability = stability;
  set.stability_at = turn.now();
  set.updated_at = turn.now();
  if (!is_steady) return;
  turn.tell(service_text::set_steady(turn.name(), set.id), "",
            "the task set has the tasks that it is to have");
}

bool has_tasks(ServiceTurn& turn, const TaskSet& set) {
  const auto& tasks = turn.facts().tasks;
  return std::any_of(tasks.begin(), tasks.end(),
                     [&](const ServiceTask& task) { return task.revision == set.revision; });
}

}  // namespace

int task_set_count_of(const Service& service, const TaskSet& set) {
  if (set.status == TaskSetStatus::kDraining) return 0;
  int64_t product = int64_t{desired_tasks_of(service)} * set.scale_ppm;
  return static_cast<int>((product + kWholeScale - 1) / kWholeScale);
}

void decide_task_sets(ServiceTurn& turn) {
  hear_news(turn);
  for (TaskSet& set : turn.service().task_sets) {
    if (act_on(turn, set)) return;  // room is asked for once in a turn
  }
  std::erase_if(turn.service().task_sets, [&](const TaskSet& set) {
    return set.status == TaskSetStatus::kDraining && !has_tasks(turn, set);
  });
  auto& sets = turn.service().task_sets;
  for (TaskSet& set : sets) conclude_stability(turn, set);
  bool is_steady = !sets.empty() && std::all_of(sets.begin(), sets.end(), [](const TaskSet& set) {
    return set.stability == StabilityStatus::kSteadyState;
  });
  if (is_steady && !turn.service().is_steady) {
    turn.service().steady_told_at = turn.now();
    turn.tell(service_text::steady(turn.name()), "SERVICE_STEADY_STATE",
              "every task set has the tasks that it is to have");
  }
  turn.service().is_steady = is_steady;
}

}  // namespace berth::scheduler
