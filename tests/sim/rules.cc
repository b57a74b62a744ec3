#include "sim/rules.h"

#include <algorithm>

namespace berth::sim {
namespace {

using scheduler::RolloutState;
using scheduler::SchedulingStrategy;
using scheduler::Service;
using scheduler::ServiceStatus;
using scheduler::ServiceTask;
using scheduler::Task;
using scheduler::TaskPhase;

int live_of(const Seen& seen, const std::string& revision) {
  return static_cast<int>(
      std::count_if(seen.tasks.begin(), seen.tasks.end(), [&](const auto& each) {
        return each.second.phase != TaskPhase::kStopping &&
               (revision.empty() || each.second.revision == revision);
      }));
}

int desired_of(const Service& service) {
  if (service.status != ServiceStatus::kActive) return 0;
  bool is_daemon = service.configuration.scheduling == SchedulingStrategy::kDaemon;
  return is_daemon ? 1 : service.configuration.desired_count;
}

// ⌈D·min/100⌉ and ⌊D·max/100⌋, which is never less than D: below 100 % nothing could ever be
// reached.
int least_of(const Service& service) {
  int product = desired_of(service) * service.configuration.deployment.minimum_healthy_percent;
  return product / 100 + (product % 100 != 0 ? 1 : 0);
}
int most_of(const Service& service) {
  int desired = desired_of(service);
  return std::max(desired * service.configuration.deployment.maximum_percent / 100, desired);
}

int threshold_of(const Service& service) {
  const scheduler::CircuitBreaker& breaker = service.configuration.deployment.circuit_breaker;
  if (breaker.threshold_type == scheduler::ThresholdType::kCount) return breaker.threshold_value;
  int half = (desired_of(service) + 1) / 2;
  return std::min(std::max(half, 3), 200);
}

const ServiceTask* find_task(const Seen& seen, const std::string& id) {
  auto found = seen.tasks.find(id);
  return found == seen.tasks.end() ? nullptr : &found->second;
}

bool is_stopping(const Seen& seen, const std::string& id) {
  const ServiceTask* task = find_task(seen, id);
  return task == nullptr || task->phase == TaskPhase::kStopping;
}

std::string primary_of(const Seen& seen) {
  return seen.service.deployments.empty() ? "" : seen.service.deployments.front().id;
}

// Two revisions side by side, on the way or stopped where they were.
bool is_shifting(const Seen& seen) {
  if (!seen.deployment || !seen.deployment->stage) return false;
  return seen.deployment->status == scheduler::ServiceDeploymentStatus::kInProgress ||
         seen.deployment->status == scheduler::ServiceDeploymentStatus::kStopped;
}

// A shift that was rolled back, or is being: all traffic is where it was before.
bool is_given_back(const Seen& seen) {
  return seen.deployment && seen.deployment->stage && !seen.service.deployments.empty() &&
         seen.service.deployments.front().is_rollback;
}

// CLEAN_UP ended in this very step.
bool is_settled_shift(const Seen& before, const Seen& after) {
  return is_shifting(before) && after.deployment &&
         after.deployment->status == scheduler::ServiceDeploymentStatus::kSuccessful;
}

const scheduler::Deployment* find_deployment(const Seen& seen, const std::string& id) {
  for (const scheduler::Deployment& each : seen.service.deployments) {
    if (each.id == id) return &each;
  }
  return nullptr;
}

}  // namespace

Picture picture_of(const scheduler::Core& core) {
  Picture picture;
  for (const auto& [key, service] : core.services().all()) {
    Seen& seen = picture[key];
    seen.service = service;
    seen.tasks = core.services().tasks_of(key);
    const auto* deployment = core.services().find_deployment(service.current_service_deployment);
    if (deployment != nullptr) seen.deployment = *deployment;
  }
  return picture;
}

void Rules::broken(const Seen& whose, const std::string& what) {
  broken_.push_back(whose.service.key.name + ": " + what);
}

// Without a check: RUNNING for 40 seconds.
bool Rules::is_healthy(const ServiceTask& task, WallTime now) const {
  if (task.phase != TaskPhase::kRunning || !task.started_at) return false;
  if (task.has_health_check) return task.health == scheduler::HealthStatus::kHealthy;
  return now - *task.started_at >= settings_.healthy_after;
}

std::vector<std::string> Rules::judge(const StepSeen& step) {
  broken_.clear();
  now_ = step.now;
  for (const auto& [key, after] : step.after) {
    auto before = step.before.find(key);
    judge_service(step, before == step.before.end() ? nullptr : &before->second, after);
  }
  for (const auto& [key, before] : step.before) {
    if (step.after.count(key) == 0) judge_forgotten(step, before);
  }
  if (is_capacity_checked_) judge_capacity(step);
  return broken_;
}

void Rules::judge_service(const StepSeen& step, const Seen* before, const Seen& after) {
  if (before != nullptr && *before == after && step.facts.empty()) return;
  bool is_alive = std::any_of(after.tasks.begin(), after.tasks.end(), [](const auto& each) {
    return each.second.phase != TaskPhase::kStopping;
  });
  if (after.service.status == ServiceStatus::kInactive && !after.tasks.empty()) {
    broken(after, "INACTIVE, and has tasks");
  }
  if (after.service.status != ServiceStatus::kActive && is_alive) {
    broken(after, "is being deleted, and has tasks that nobody told to stop");
  }
  std::set<std::string> revisions;
  for (const scheduler::Deployment& each : after.service.deployments) {
    if (!revisions.insert(each.revision).second) broken(after, "two deployments of one revision");
  }
  judge_starts(before, after);
  if (before != nullptr) judge_stops(step, *before, after);
  judge_failures(step, before, after);
  judge_causes(step, before, after);
  judge_traffic(before, after);
  cover(before, after);
  cover_deployment(before, after);
}

// A day after it became INACTIVE, and with all that was of it.
void Rules::judge_forgotten(const StepSeen& step, const Seen& before) {
  coverage_.saw("service INACTIVE -> -");
  const Service& service = before.service;
  bool is_due = service.status == ServiceStatus::kInactive && service.inactive_at &&
                step.now - *service.inactive_at >= std::chrono::hours(24);
  if (!is_due) broken(before, "was forgotten before its time");
  const scheduler::Services& services = step.core.services();
  bool is_whole = services.events_of(service.key).empty() &&
                  services.revisions_of(service.key).empty() &&
                  services.deployments_of(service.key).empty();
  if (!is_whole) broken(before, "was forgotten, and not all of it");
}

bool Rules::has_started(const Seen* before, const Seen& after) const {
  return std::any_of(after.tasks.begin(), after.tasks.end(), [&](const auto& each) {
    return before == nullptr || before->tasks.count(each.first) == 0;
  });
}

void Rules::judge_starts(const Seen* before, const Seen& after) {
  if (!has_started(before, after)) return;
  bool is_new = before == nullptr || primary_of(*before) != primary_of(after);
  coverage_.saw(is_new ? "start a deployment" : "start a replacement");
  if (is_draining()) broken(after, "started a task on a node that drains");
  if (after.service.deployments.empty()) return;
  const scheduler::Deployment& primary = after.service.deployments.front();
  int all = live_of(after, "");
  if (is_shifting(after) || (before != nullptr && is_shifting(*before))) {
    judge_shift_starts(before != nullptr ? *before : Seen(), after);
    return;
  }
  if (all > most_of(after.service)) {
    broken(after, "started beyond maximumPercent: " + std::to_string(all) + " of " +
                      std::to_string(most_of(after.service)));
  }
  bool was_failed = before != nullptr && !before->service.deployments.empty() &&
                    before->service.deployments.front().rollout_state == RolloutState::kFailed;
  if (was_failed && !is_new) broken(after, "started tasks of a deployment that had failed");
  bool is_daemon = after.service.configuration.scheduling == SchedulingStrategy::kDaemon;
  if (is_daemon && static_cast<int>(after.tasks.size()) > 1) broken(after, "two tasks of a DAEMON");
  for (const auto& [id, task] : after.tasks) {
    bool was_there = before != nullptr && before->tasks.count(id) > 0;
    if (!was_there && task.revision != primary.revision) broken(after, "started an old revision");
  }
}

// Side by side: each of the two revisions may have the desired count, and while one that is
// unhealthy is replaced as many again.
void Rules::judge_shift_starts(const Seen& before, const Seen& after) {
  for (const auto& [id, task] : after.tasks) {
    if (before.tasks.count(id) > 0) continue;
    int side = live_of(after, task.revision);
    bool is_known = task.revision == after.service.completed_revision ||
                    task.revision == before.service.completed_revision ||
                    (!after.service.deployments.empty() &&
                     task.revision == after.service.deployments.front().revision);
    if (!is_known) broken(after, "started a revision that is neither blue nor green");
    if (side > 2 * std::max(desired_of(after.service), 1))
      broken(after, "a side has too many tasks");
  }
}

// What has production traffic is there, and it has all of it.
void Rules::judge_traffic(const Seen* before, const Seen& after) {
  const auto* progress = after.deployment ? &*after.deployment : nullptr;
  scheduler::TrafficWeights weights = scheduler::traffic_of(after.service, progress);
  if (weights.production.empty()) return;
  int sum = 0;
  for (const auto& [revision, permille] : weights.production) sum += permille;
  bool is_first = after.service.completed_revision.empty() && progress != nullptr &&
                  progress->source_revisions.empty();
  if (is_first && sum == 0 && progress->production_permille == 0) return;
  if (sum != 1000) broken(after, "production traffic is not all there");
  if (before == nullptr || !is_shifting(after) || !before->deployment) return;
  if (progress->production_permille < before->deployment->production_permille &&
      before->deployment->id == progress->id) {
    broken(after, "green lost traffic while it went on");
  }
  if (progress->production_permille > before->deployment->production_permille &&
      before->deployment->id == progress->id) {
    coverage_.saw("production traffic shifts");
  }
  if (progress->stage != before->deployment->stage && before->deployment->id == progress->id) {
    coverage_.saw(std::string("stage ") + name_of(*progress->stage));
  }
}

void Rules::judge_stops(const StepSeen& step, const Seen& before, const Seen& after) {
  int healthy = 0;
  for (const auto& [id, task] : after.tasks) healthy += is_healthy(task, step.now) ? 1 : 0;
  std::string revision =
      after.service.deployments.empty() ? "" : after.service.deployments.front().revision;
  for (const auto& [id, task] : before.tasks) {
    if (task.phase == TaskPhase::kStopping || !is_stopping(after, id)) continue;
    const Task* stored = step.core.find_task(id);
    if (stored->stop_code != scheduler::StopCode::kServiceSchedulerInitiated) continue;
    bool is_of_primary = task.revision == revision;
    bool is_unhealthy = stored->stopped_reason == "Task failed container health checks";
    coverage_.saw(is_unhealthy    ? "stop an unhealthy task"
                  : is_of_primary ? "stop a task of the PRIMARY"
                                  : "stop a task of an older revision");
    if (after.service.status != ServiceStatus::kActive) continue;
    bool is_protected = stored->protected_until && *stored->protected_until > step.now;
    if (is_protected && !is_unhealthy) broken(after, "stopped a protected task");
    // As it was when that was decided: what the agent told in this step came first.
    bool may_serve =
        stored->started_at && health_status_of(*stored) != scheduler::HealthStatus::kUnhealthy;
    if (is_unhealthy && may_serve) broken(after, "stopped a healthy task as unhealthy");
    if (is_draining() && !is_unhealthy) {
      coverage_.saw("stop a task of a node that drains");
      if (may_serve) judge_drained_stop(step, after, task.revision);
      continue;
    }
    if (is_of_primary && may_serve && live_of(after, revision) < desired_of(after.service)) {
      broken(after, "stopped a task that it wants");
    }
    if (is_shifting(after)) {
      bool is_blue = task.revision == after.service.completed_revision;
      bool is_early = after.deployment->stage != scheduler::LifecycleStage::kCleanUp;
      if (is_blue && is_early && may_serve &&
          live_of(after, task.revision) < desired_of(after.service)) {
        broken(after, "stopped a task of blue before CLEAN_UP");
      }
      continue;
    }
    if (is_settled_shift(before, after)) continue;
    if (!is_of_primary && may_serve && healthy < least_of(after.service)) {
      broken(after, "stopped a task below minimumHealthyPercent: " + std::to_string(healthy) +
                        " healthy, " + std::to_string(least_of(after.service)) + " promised");
    }
  }
}

// Of one side only while two revisions run side by side, or when traffic went back to it. What
// cleans up, or is a third one, goes.
void Rules::judge_drained_stop(const StepSeen& step, const Seen& after,
                               const std::string& of_task) {
  bool is_back = is_given_back(after);
  bool is_primary = of_task == after.service.deployments.front().revision;
  bool is_side = is_back ? is_primary : is_shifting(after);
  if (is_back) coverage_.saw("traffic was given back, and the node drains");
  const std::string revision = is_side ? of_task : "";
  bool is_blue = is_side && revision == after.service.completed_revision;
  bool is_green = is_side && !after.service.deployments.empty() &&
                  revision == after.service.deployments.front().revision;
  bool is_cleaned_up =
      is_blue && !is_back && after.deployment->stage == scheduler::LifecycleStage::kCleanUp;
  if (is_cleaned_up || (is_side && !is_blue && !is_green)) return;
  int healthy = 0;
  for (const auto& [id, task] : after.tasks) {
    bool counts = !is_side || task.revision == revision;
    healthy += counts && is_healthy(task, step.now) ? 1 : 0;
  }
  if (healthy >= least_of(after.service)) return;
  broken(after, "drained below minimumHealthyPercent: " + std::to_string(healthy) + " healthy, " +
                    std::to_string(least_of(after.service)) + " promised");
}

// Before a rollback to its revision began, in the same step: no failure of that.
bool Rules::has_failed_before(const StepSeen& step, const Seen& after, const std::string& task,
                              const scheduler::Deployment& deployment) const {
  if (!deployment.is_rollback || deployment.created_at != step.now) return false;
  for (const scheduler::ServiceEvent& event : step.core.services().events_of(after.service.key)) {
    bool is_begin =
        event.message.find("rolling back to deployment " + deployment.id) != std::string::npos;
    if (is_begin) return true;  // newest first: the task failed earlier
    bool is_failure = event.message.find("(task " + task + ") failed container health checks") !=
                      std::string::npos;
    if (is_failure) return false;
  }
  return false;
}

// The row of failures counted a second time, and what follows from it.
void Rules::judge_failures(const StepSeen& step, const Seen* before, const Seen& after) {
  if (before != nullptr && !before->service.deployments.empty()) {
    const scheduler::Deployment& primary = before->service.deployments.front();
    Failures& failures = failures_[primary.id];
    std::set<std::string> ended;
    bool is_judged = before->service.status == ServiceStatus::kActive &&
                     after.service.status == ServiceStatus::kActive;
    for (const Fact& fact : step.facts) {
      const ServiceTask* task = find_task(*before, fact.task);
      if (task == nullptr || task->phase == TaskPhase::kStopping) continue;
      if (fact.kind != FactKind::kOther) ended.insert(fact.task);
      if (task->revision != primary.revision) continue;
      bool counts = fact.kind == FactKind::kFailedToStart ||
                    (fact.kind == FactKind::kExited && !is_healthy(*task, step.now));
      if (!counts) continue;
      ++failures.count;
      failures.last = step.now;
    }
    bool resets = after.service.configuration.deployment.circuit_breaker.reset_on_healthy_task;
    for (const auto& [id, task] : before->tasks) {
      if (!resets || failures.count == 0 || task.revision != primary.revision) continue;
      const ServiceTask* now = find_task(after, id);
      const ServiceTask& judged = now != nullptr ? *now : task;
      bool was_live = task.phase != TaskPhase::kStopping && ended.count(id) == 0;
      // Told to stop in this very step: it was there when failures were counted.
      ServiceTask seen = judged;
      if (was_live && seen.phase == TaskPhase::kStopping && seen.started_at) {
        seen.phase = TaskPhase::kRunning;
      }
      if (!was_live || !is_healthy(seen, step.now)) continue;
      WallTime since = seen.has_health_check ? seen.health_since.value_or(*seen.started_at)
                                             : *seen.started_at + settings_.healthy_after;
      if (since > *failures.last) failures.count = 0;
    }
    if (!is_judged) return;
  }
  if (before != nullptr) {
    for (const auto& [id, task] : before->tasks) {
      if (task.phase == TaskPhase::kStopping || !is_stopping(after, id)) continue;
      if (step.core.find_task(id)->stopped_reason != "Task failed container health checks")
        continue;
      for (const scheduler::Deployment& each : after.service.deployments) {
        if (each.revision != task.revision) continue;
        if (has_failed_before(step, after, id, each)) continue;
        ++failures_[each.id].count;
        failures_[each.id].last = step.now;
      }
    }
  }
  if (after.service.deployments.empty() || after.service.status != ServiceStatus::kActive) return;
  const scheduler::Deployment& primary = after.service.deployments.front();
  const Failures& failures = failures_[primary.id];
  if (primary.failed_tasks != failures.count) {
    broken(after, "counts " + std::to_string(primary.failed_tasks) + " failed tasks instead of " +
                      std::to_string(failures.count));
  }
  const auto& breaker = after.service.configuration.deployment.circuit_breaker;
  if (breaker.enable && primary.rollout_state == RolloutState::kInProgress &&
      failures.count >= threshold_of(after.service)) {
    broken(after, "the breaker did not trip");
  }
  bool has_tripped = before != nullptr && before->deployment && after.deployment &&
                     before->deployment->id == after.deployment->id &&
                     before->deployment->breaker != scheduler::BreakerStatus::kTriggered &&
                     after.deployment->breaker == scheduler::BreakerStatus::kTriggered;
  if (has_tripped && failures_[primary_of(*before)].count < threshold_of(after.service)) {
    broken(after, "the breaker tripped too early");
  }
}

// Each task that was started or stopped is in an event of this step, and no event is without cause.
void Rules::judge_causes(const StepSeen& step, const Seen* before, const Seen& after) {
  int64_t known = before == nullptr ? 0 : before->service.events_so_far;
  std::string said;
  for (const scheduler::ServiceEvent& event : step.core.services().events_of(after.service.key)) {
    if (event.number <= known) break;
    if (event.cause.empty()) broken(after, "an event without cause: " + event.message);
    said += event.message;
  }
  for (const auto& [id, task] : after.tasks) {
    bool was_there = before != nullptr && before->tasks.count(id) > 0;
    if (!was_there && said.find("(task " + id + ")") == std::string::npos) {
      broken(after, "started a task and did not say so");
    }
  }
  if (before == nullptr) return;
  for (const auto& [id, task] : before->tasks) {
    if (task.phase == TaskPhase::kStopping || !is_stopping(after, id)) continue;
    const Task* stored = step.core.find_task(id);
    bool is_ours = stored->stop_code == scheduler::StopCode::kServiceSchedulerInitiated;
    if (is_ours && said.find("(task " + id + ")") == std::string::npos) {
      broken(after, "stopped a task and did not say so");
    }
  }
}

void Rules::judge_capacity(const StepSeen& step) {
  if (settings_.cpu_units == 0) return;
  bool has_any_started = false;
  for (const auto& [key, after] : step.after) {
    auto before = step.before.find(key);
    has_any_started = has_any_started ||
                      has_started(before == step.before.end() ? nullptr : &before->second, after);
  }
  if (!has_any_started) return;
  scheduler::Holding all;
  for (const std::string& id : step.core.task_ids()) {
    const Task& task = *step.core.find_task(id);
    if (task.last_status() != scheduler::TaskStatus::kStopped) add(all, holding_of(task));
  }
  if (all.cpu_units > settings_.cpu_units) {
    broken(step.after.begin()->second, "started beyond the processors of the node");
  }
}

// ---- Coverage ----

void Rules::cover(const Seen* before, const Seen& after) {
  auto change = [&](const std::string& what, const std::string& from, const std::string& to) {
    if (from != to) coverage_.saw(what + " " + from + " -> " + to);
  };
  const Service& service = after.service;
  change("service", before == nullptr ? "-" : name_of(before->service.status),
         name_of(service.status));
  if (before == nullptr) return;
  change("steady", std::to_string(before->service.is_steady), std::to_string(service.is_steady));
  bool was_short = !before->service.placement_told.empty();
  bool is_short = !service.placement_told.empty();
  if (was_short != is_short) coverage_.saw(is_short ? "no room" : "room again");
  if (service.is_scale_in_told && !before->service.is_scale_in_told) {
    coverage_.saw("protection holds a scale-in");
  }
  for (const scheduler::Deployment& each : before->service.deployments) {
    const scheduler::Deployment* now = find_deployment(after, each.id);
    if (now == nullptr) continue;
    change(each.is_rollback ? "rollout of a rollback" : "rollout", name_of(each.rollout_state),
           name_of(now->rollout_state));
    if (now->is_blocked_told && !each.is_blocked_told) coverage_.saw("bounds leave nothing to do");
    if (each.failed_tasks == 0 && now->failed_tasks > 0) coverage_.saw("failures begin");
    if (each.failed_tasks > 0 && now->failed_tasks == 0) coverage_.saw("failures are forgotten");
    bool was_waiting = each.backoff.failures >= 2;
    bool is_waiting = now->backoff.failures >= 2;
    if (was_waiting != is_waiting)
      coverage_.saw(is_waiting ? "back-off begins" : "back-off is over");
    if (now->backoff.crashes > scheduler::kCrashesAtOnce &&
        each.backoff.crashes <= scheduler::kCrashesAtOnce) {
      coverage_.saw("crashes are slowed down");
    }
  }
}

void Rules::cover_deployment(const Seen* before, const Seen& after) {
  if (before == nullptr || !before->deployment || !after.deployment) return;
  const auto& was = *before->deployment;
  const auto& is = *after.deployment;
  if (was.id != is.id) return;
  if (is_over(was.status) && was.status != is.status) {
    broken(after, std::string("a deployment that was over went on: ") + name_of(was.status) +
                      " -> " + name_of(is.status));
  }
  bool is_first = is.stage && is.source_revisions.empty();
  if (is_first && was.production_permille < is.production_permille) {
    coverage_.saw("first deployment has traffic");
  }
  if (is_first && is.status == scheduler::ServiceDeploymentStatus::kRollbackFailed &&
      !is.hooks.empty() && was.status != is.status) {
    coverage_.saw("first deployment fails at a hook");
  }
  if (was.status != is.status) {
    coverage_.saw(std::string("deployment ") + name_of(was.status) + " -> " + name_of(is.status));
  }
  if (was.breaker != is.breaker) {
    coverage_.saw(std::string("breaker ") + name_of(was.breaker) + " -> " + name_of(is.breaker));
  }
  if (was.triggered_alarms.empty() && !is.triggered_alarms.empty()) {
    coverage_.saw("alarm fails a deployment");
  }
}

}  // namespace berth::sim
