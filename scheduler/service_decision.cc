#include "scheduler/service_decision.h"

#include "scheduler/deployment_decision.h"
#include "scheduler/service_text.h"
#include "scheduler/service_turn.h"
#include "scheduler/task_set_decision.h"

#include <algorithm>

namespace berth::scheduler {
namespace {

bool is_checked(const Task& task) {
  const auto& containers = task.definition.container_definitions;
  return std::any_of(containers.begin(), containers.end(), [](const ContainerDefinition& each) {
    return each.essential && each.health_check;
  });
}

// When the last of its containers came to the verdict it has.
std::optional<WallTime> verdict_at(const Task& task) {
  std::optional<WallTime> at;
  for (const Container& container : task.containers) {
    if (container.health.since && (!at || *container.health.since > *at)) {
      at = container.health.since;
    }
  }
  return at;
}

TaskPhase phase_of(const Task& task) {
  if (task.desired_status == DesiredStatus::kStopped) return TaskPhase::kStopping;
  return task.last_status() == TaskStatus::kRunning ? TaskPhase::kRunning : TaskPhase::kPending;
}

// All its tasks stop, whatever they are; then it is INACTIVE, and after a while gone.
void drain(ServiceTurn& turn) {
  Service& service = turn.service();
  if (service.status == ServiceStatus::kInactive) return turn.forget_in_time();
  std::string by;
  if (!service.task_sets.empty()) by = service.task_sets.front().id;
  if (!service.deployments.empty()) by = service.deployments.front().id;
  std::vector<ServiceTurn::Halt> halts;
  for (const ServiceTask* task : turn.live()) {
    halts.push_back({task->id, service_text::scaling_reason(by)});
  }
  turn.halt(halts, "the service is deleted");
  if (!turn.facts().tasks.empty()) return;
  service.status = ServiceStatus::kInactive;
  turn.forget_in_time();
  service.deployments.clear();
  service.task_sets.clear();
  service.is_steady = false;
  turn.tell("", "SERVICE_DELETED", "nothing of it runs any more");
}

}  // namespace

ServiceTask service_task_of(const Task& task) {
  ServiceTask view;
  view.id = task.id;
  view.revision = task.request.service_revision;
  view.provider = task.request.capacity_provider;
  view.phase = phase_of(task);
  view.created_at = task.created_at;
  view.started_at = task.started_at;
  view.has_health_check = is_checked(task);
  view.health = health_status_of(task);
  view.health_since = verdict_at(task);
  view.protected_until = task.protected_until;
  view.is_held = task.is_held;
  return view;
}

namespace {

TaskNews end_news(const Task& before, const Task& after) {
  TaskNews news;
  news.task = service_task_of(before);
  news.task.started_at = after.started_at;
  news.kind = after.started_at ? NewsKind::kEnded : NewsKind::kNeverRan;
  news.reason = after.stopped_reason;
  news.is_failure = after.stop_code == StopCode::kTaskFailedToStart ||
                    after.stop_code == StopCode::kEssentialContainerExited;
  return news;
}

}  // namespace

std::optional<TaskNews> news_of(const Task* before, const Task& after) {
  if (before == nullptr) return std::nullopt;
  bool is_end = before->desired_status == DesiredStatus::kRunning &&
                after.desired_status == DesiredStatus::kStopped;
  if (is_end) {
    // What its service decided, it knows.
    if (after.stop_code == StopCode::kServiceSchedulerInitiated) return std::nullopt;
    return end_news(*before, after);
  }
  TaskNews news;
  news.task = service_task_of(*before);
  if (!before->started_at && after.started_at) {
    news.kind = NewsKind::kRan;
  } else if (after.last_status() == TaskStatus::kStopped) {
    news.kind = NewsKind::kReleased;
  } else if (health_status_of(*before) != health_status_of(after)) {
    news.kind = NewsKind::kChecked;
    news.reason = name_of(health_status_of(after));
  } else if (before->protected_until != after.protected_until) {
    news.kind = NewsKind::kProtected;
  } else {
    return std::nullopt;
  }
  return news;
}

std::optional<WallTime> healthy_since(const ServiceTask& task, Duration healthy_after,
                                      WallTime now) {
  if (task.phase != TaskPhase::kRunning || !task.started_at) return std::nullopt;
  if (task.has_health_check) {
    if (task.health != HealthStatus::kHealthy) return std::nullopt;
    return task.health_since ? task.health_since : task.started_at;
  }
  WallTime since = *task.started_at + healthy_after;
  return since <= now ? std::optional(since) : std::nullopt;
}

Verdict decide(ServiceFacts facts, const Room& room, const DecisionRules& rules, WallTime now,
               Rng& rng) {
  ServiceTurn turn(std::move(facts), room, rules, now, rng);
  bool is_active = turn.service().status == ServiceStatus::kActive;
  bool is_held = is_active && turn.service().configuration.is_held;
  turn.hold(is_held);
  if (is_held) return std::move(turn).take();  // all waits until it goes on
  if (!is_active) {
    drain(turn);
  } else if (!turn.service().deployments.empty()) {
    decide_deployments(turn);
  } else {
    decide_task_sets(turn);
  }
  return std::move(turn).take();
}

}  // namespace berth::scheduler
