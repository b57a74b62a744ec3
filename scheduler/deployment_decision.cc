#include "scheduler/deployment_decision.h"

#include "base/check.h"
#include "scheduler/service_text.h"
#include "scheduler/traffic_shift.h"

#include <fmt/format.h>

#include <algorithm>

namespace berth::scheduler {
namespace {

constexpr const char* kBreakerPrefix = "ECS deployment circuit breaker";
constexpr const char* kAlarmPrefix = "ECS deployment alarms";
constexpr const char* kStopPrefix = "ECS deployment stop request";
constexpr const char* kHookPrefix = "ECS deployment lifecycle hook";
constexpr const char* kHookFailed = "lifecycle hook failed";
constexpr const char* kFailedToStart = "tasks failed to start";
constexpr const char* kAlarmDetected = "alarm detected";

Deployment make_deployment(const std::string& revision, const std::string& service_deployment,
                           WallTime now, Rng& rng) {
  Deployment deployment;
  deployment.id = "ecs-svc/" + make_service_number(rng);
  deployment.revision = revision;
  deployment.service_deployment = service_deployment;
  deployment.created_at = now;
  deployment.updated_at = now;
  deployment.rollout_reason = service_text::in_progress_reason(deployment.id);
  return deployment;
}

// The PRIMARY, in front; the tasks of an older deployment of the same revision are its own.
void put_primary(Service& service, Deployment deployment) {
  std::erase_if(service.deployments,
                [&](const Deployment& each) { return each.revision == deployment.revision; });
  service.deployments.insert(service.deployments.begin(), std::move(deployment));
}

bool watches_alarms(const DeploymentAlarms& alarms, const std::set<std::string>& raised) {
  if (!alarms.enable || alarms.names.empty()) return false;
  return std::none_of(alarms.names.begin(), alarms.names.end(),
                      [&](const std::string& name) { return raised.count(name) > 0; });
}

class DeploymentDecider {
 public:
  explicit DeploymentDecider(ServiceTurn& turn) : turn_(turn) {}

  void decide() {
    hear_news();
    recover();
    judge();
    if (is_shifting()) {
      shift();
    } else if (is_kept_apart()) {
      keep_apart();
    } else {
      roll();
    }
  }

 private:
  void roll() {
    turn_.plan_anew();  // two revisions side by side may have been what was wanted before
    plan();
    while (count_unhealthy()) {  // it may be one too many: nothing is started for what has failed
      judge();
      plan();
    }
    keep_unhealthy_stops();
    act();
    if (!turn_.has_acted()) conclude();
  }

  Service& service() { return turn_.service(); }
  const ServiceConfiguration& configuration() { return turn_.service().configuration; }
  Deployment& primary() { return turn_.service().deployments.front(); }
  bool is_in_progress() { return primary().rollout_state == RolloutState::kInProgress; }
  bool is_failed() { return primary().rollout_state == RolloutState::kFailed; }

  // ---- 1. News ----

  void hear_news() {
    for (const TaskNews& news : turn_.facts().news) {
      for (Deployment& each : service().deployments) {
        if (news.task.revision != each.revision) continue;
        bool is_failure = turn_.hear(news, each.backoff);
        if (is_failure && each.id == primary().id) count_failure();
      }
    }
  }

  void count_failure() {
    ++primary().failed_tasks;
    primary().last_failure_at = turn_.now();
  }

  // A task that came to be healthy after the last failure ends the row of them.
  void recover() {
    Deployment& deployment = primary();
    if (deployment.failed_tasks == 0 || !deployment.last_failure_at) return;
    if (!configuration().deployment.circuit_breaker.reset_on_healthy_task) return;
    for (const ServiceTask* task : turn_.live(deployment.revision)) {
      auto since = turn_.healthy_at(*task);
      if (since && *since > *deployment.last_failure_at) deployment.failed_tasks = 0;
    }
  }

  // ---- 2. Judgement ----

  void judge() {
    if (!is_in_progress()) return;
    auto& progress = turn_.deployment();
    if (!progress) return;
    if (progress->status == ServiceDeploymentStatus::kPending) {
      progress->status = ServiceDeploymentStatus::kInProgress;
      progress->started_at = turn_.now();
      progress->updated_at = turn_.now();
    }
    if (progress->status == ServiceDeploymentStatus::kStopRequested) {
      abort_deployment();
    } else if (progress->status == ServiceDeploymentStatus::kRollbackRequested) {
      fail_deployment({.prefix = kStopPrefix, .why = "stopped", .rolls_back = true});
    } else {
      judge_failures(*progress);
    }
    if (is_in_progress()) judge_alarms(*progress);
  }

  void judge_failures(ServiceDeployment& progress) {
    const CircuitBreaker& breaker = configuration().deployment.circuit_breaker;
    int failures = primary().failed_tasks;
    int threshold = breaker_threshold_of(breaker, desired_tasks_of(service()));
    bool is_tripped = breaker.enable && failures >= threshold;
    if (!primary().is_rollback) {  // of a rollback it shows what led to it
      progress.breaker_failures = breaker.enable ? failures : 0;
      progress.breaker_threshold = breaker.enable ? threshold : 0;
      progress.breaker = !breaker.enable ? BreakerStatus::kDisabled
                         : is_tripped    ? BreakerStatus::kTriggered
                                         : BreakerStatus::kMonitoring;
    }
    if (!is_tripped) return;
    fail_deployment(
        {.prefix = kBreakerPrefix, .why = kFailedToStart, .rolls_back = breaker.rollback});
  }

  void judge_alarms(ServiceDeployment& progress) {
    const DeploymentAlarms& alarms = configuration().deployment.alarms;
    if (!progress.are_alarms_watched || !alarms.enable || primary().is_rollback) return;
    for (const std::string& name : alarms.names) {
      if (turn_.facts().raised_alarms.count(name) > 0) progress.triggered_alarms.push_back(name);
    }
    if (progress.triggered_alarms.empty()) return;
    fail_deployment({.prefix = kAlarmPrefix, .why = kAlarmDetected, .rolls_back = alarms.rollback});
  }

  struct Failure {
    const char* prefix;
    const char* why;
    bool rolls_back;
  };

  void fail_deployment(const Failure& failure) {
    Deployment& failed = primary();
    failed.rollout_state = RolloutState::kFailed;
    failed.rollout_reason = fmt::format("{}: {}.", failure.prefix, failure.why);
    failed.updated_at = turn_.now();
    std::string cause =
        fmt::format("{} failures in a row; {}", failed.failed_tasks, turn_.occasion());
    turn_.tell(service_text::deployment_failed(turn_.name(), failed.id, failure.why),
               "SERVICE_DEPLOYMENT_FAILED", cause);
    bool has_where =
        !service().completed_revision.empty() && service().completed_revision != failed.revision;
    if (failure.rolls_back && has_where && !failed.is_rollback) {
      roll_back(failure);
    } else {
      finish_progress(failed.is_rollback || failure.rolls_back
                          ? ServiceDeploymentStatus::kRollbackFailed
                          : ServiceDeploymentStatus::kStopped,
                      failed.rollout_reason);
    }
  }

  void roll_back(const Failure& failure) {
    auto& progress = turn_.deployment();
    Deployment next = make_deployment(service().completed_revision, primary().service_deployment,
                                      turn_.now(), turn_.rng());
    next.is_rollback = true;
    next.rollout_reason =
        fmt::format("{}: rolling back to deploymentId {}.", failure.prefix, next.id);
    turn_.tell(service_text::rolling_back(turn_.name(), next.id), "SERVICE_DEPLOYMENT_IN_PROGRESS",
               fmt::format("{}: {}", failure.prefix, failure.why));
    progress->status = ServiceDeploymentStatus::kRollbackInProgress;
    close_hooks(*progress);
    progress->production_permille = 0;
    progress->test_permille = 0;
    progress->rollback = Rollback{
        .reason = primary().rollout_reason, .started_at = turn_.now(), .revision = next.revision};
    progress->updated_at = turn_.now();
    put_primary(service(), std::move(next));
  }

  void abort_deployment() {
    Deployment& deployment = primary();
    deployment.rollout_state = RolloutState::kFailed;
    deployment.rollout_reason = fmt::format("{}: stopped.", kStopPrefix);
    deployment.updated_at = turn_.now();
    turn_.tell(service_text::deployment_failed(turn_.name(), deployment.id, "stopped"),
               "SERVICE_DEPLOYMENT_FAILED", "StopServiceDeployment");
    finish_progress(ServiceDeploymentStatus::kStopped, deployment.rollout_reason);
  }

  void finish_progress(ServiceDeploymentStatus status, const std::string& reason) {
    auto& progress = turn_.deployment();
    if (!progress) return;
    progress->status = status;
    close_hooks(*progress);
    progress->status_reason = reason;
    progress->updated_at = turn_.now();
    progress->finished_at = turn_.now();
    if (status == ServiceDeploymentStatus::kStopped) progress->stopped_at = turn_.now();
    if (progress->breaker == BreakerStatus::kMonitoring) {
      progress->breaker = BreakerStatus::kMonitoringComplete;
    }
  }

  // ---- 3. Plan ----

  // A shift that is rolled back, whether or not that came to its end: what green still runs serves
  // nobody, and is no reason to take from blue what was promised.
  bool is_traffic_given_back() {
    auto& progress = turn_.deployment();
    return progress && progress->stage && primary().is_rollback;
  }

  std::vector<GradedTask> graded() {
    std::map<std::string, int> ages;
    for (size_t i = 0; i < service().deployments.size(); ++i) {
      ages.emplace(service().deployments[i].revision, static_cast<int>(i));
    }
    bool is_given_back = is_traffic_given_back();
    std::vector<GradedTask> graded;
    for (const ServiceTask* task : turn_.live()) {
      auto age = ages.find(task->revision);
      GradedTask each;
      each.task = task;
      each.grade = turn_.grade_of(*task);
      each.age = age == ages.end() ? static_cast<int>(ages.size()) : age->second;
      each.is_new = each.age == 0 && !turn_.is_draining(*task);
      each.is_protected = turn_.is_protected(*task);
      each.has_traffic = is_given_back && task->revision == primary().revision;
      graded.push_back(each);
    }
    return graded;
  }

  void plan() {
    const DeploymentConfiguration& rules = configuration().deployment;
    bool is_daemon = configuration().scheduling == SchedulingStrategy::kDaemon;
    tasks_ = graded();
    bounds_.desired = desired_tasks_of(service());
    bounds_.lower = lower_bound_of(bounds_.desired, rules.minimum_healthy_percent);
    bounds_.upper =
        std::max(upper_bound_of(bounds_.desired, rules.maximum_percent), bounds_.desired);
    bounds_.stopping = is_daemon ? turn_.stopping() : 0;
    plan_ = plan_rolling(tasks_, bounds_);
    if (!is_failed()) return;
    // It is over: it starts nothing, and what others still do is left to them.
    plan_.start = 0;
    plan_.is_blocked = false;
    std::erase_if(plan_.stops, [this](const PlannedStop& stop) {
      return stop.cause != StopCause::kScaleIn && !turn_.is_draining(*stop.task);
    });
  }

  // What was counted goes, also when its deployment has failed meanwhile.
  void keep_unhealthy_stops() {
    for (const GradedTask& each : tasks_) {
      if (unhealthy_.count(each.task->id) == 0) continue;
      bool is_planned =
          std::any_of(plan_.stops.begin(), plan_.stops.end(),
                      [&](const PlannedStop& stop) { return stop.task == each.task; });
      if (!is_planned) plan_.stops.push_back({each.task, StopCause::kUnhealthy});
    }
  }

  // Tasks that are to go because their health checks fail are failures of the deployment.
  // True: there is one that was not counted yet.
  bool count_unhealthy() {
    std::vector<std::string> found;
    for (const PlannedStop& stop : plan_.stops) {
      bool is_news = stop.cause == StopCause::kUnhealthy && unhealthy_.count(stop.task->id) == 0;
      if (is_news) found.push_back(stop.task->id);
    }
    if (found.empty()) return false;
    std::string cause = fmt::format("{}: {}", turn_.occasion(), arithmetic());
    for (const std::string& id : found) {
      unhealthy_.insert(id);
      count_failure();
      turn_.tell(service_text::failed_health_check(turn_.name(), id), "", cause);
    }
    return true;
  }

  int count_of(TaskGrade grade, bool is_new) const {
    return static_cast<int>(std::count_if(
        tasks_.begin(), tasks_.end(),
        [&](const GradedTask& each) { return each.grade == grade && each.is_new == is_new; }));
  }

  std::string arithmetic() const {
    auto is_new = [](const GradedTask& each) { return each.is_new; };
    auto fresh = std::count_if(tasks_.begin(), tasks_.end(), is_new);
    int healthy = count_of(TaskGrade::kHealthy, true) + count_of(TaskGrade::kHealthy, false);
    bool is_draining = turn_.is_any_draining();
    return fmt::format(
        "{}desired {}, {} of it there and {} {}, {} healthy; at least {} healthy, at most {} in "
        "all",
        is_draining ? "the container instance drains; " : "", bounds_.desired, fresh,
        tasks_.size() - static_cast<size_t>(fresh), is_draining ? "to go" : "of older revisions",
        healthy, bounds_.lower, bounds_.upper);
  }

  void act() {
    bool is_idle = plan_.start == 0 && plan_.stops.empty();
    std::string cause =
        is_idle ? std::string() : fmt::format("{}: {}", turn_.occasion(), arithmetic());
    turn_.launch({.revision = primary().revision,
                  .started_by = primary().id,
                  .providers = configuration().providers,
                  .count = plan_.start,
                  .backoff = primary().backoff,
                  .cause = cause});
    std::vector<ServiceTurn::Halt> halts;
    for (const PlannedStop& stop : plan_.stops) {
      bool is_unhealthy = unhealthy_.count(stop.task->id) > 0;
      halts.push_back({stop.task->id, is_unhealthy ? service_text::kUnhealthyReason
                                                   : service_text::scaling_reason(primary().id)});
    }
    turn_.halt(halts, cause);
  }

  // ---- 4. Conclusions: nothing is being done in this turn ----

  void conclude() {
    // A deployment is gone when nothing of it runs any more.
    std::set<std::string> revisions = {primary().revision};
    for (const ServiceTask& task : turn_.facts().tasks) revisions.insert(task.revision);
    std::erase_if(service().deployments,
                  [&](const Deployment& each) { return revisions.count(each.revision) == 0; });
    for (const GradedTask& each : tasks_) {
      bool is_waited_for = each.grade == TaskGrade::kSettling;
      if (is_waited_for) turn_.look_again_at(*each.task);
      // What is to go and may not yet is looked at again, also where bounds alone keep it: it is
      // news then that they do.
      if (each.is_protected && (plan_.is_held_by_protection || !each.is_new)) {
        turn_.look_again(*each.task->protected_until);
      }
    }
    tell_protection();
    tell_blocked();
    bool is_settled = service().deployments.size() == 1 && are_all_there();
    if (is_in_progress() && is_settled && !is_baking()) complete();
    conclude_steady(is_settled && primary().rollout_state == RolloutState::kCompleted);
  }

  bool are_all_there() const {
    return static_cast<int>(tasks_.size()) == bounds_.desired &&
           count_of(TaskGrade::kHealthy, true) == bounds_.desired;
  }

  void tell_protection() {
    if (plan_.is_held_by_protection && !service().is_scale_in_told) {
      turn_.tell(service_text::cannot_scale_in(turn_.name(), primary().id), "", arithmetic());
    }
    service().is_scale_in_told = plan_.is_held_by_protection;
  }

  void tell_blocked() {
    if (!plan_.is_blocked || primary().is_blocked_told) return;
    primary().is_blocked_told = true;
    turn_.tell(service_text::blocked(turn_.name()), "", arithmetic());
  }

  // Alarms are watched for a while longer.
  bool is_baking() {
    auto& progress = turn_.deployment();
    if (!progress || !progress->are_alarms_watched || primary().is_rollback) return false;
    if (progress->configuration.strategy != DeploymentStrategy::kRolling) return false;
    int minutes = configuration().deployment.bake_minutes;
    if (minutes == 0) return false;
    if (!progress->bake_until) {
      progress->bake_until = turn_.now() + std::chrono::minutes(minutes);
      progress->updated_at = turn_.now();
    }
    turn_.look_again(*progress->bake_until);
    return *progress->bake_until > turn_.now();
  }

  void complete() {
    Deployment& deployment = primary();
    deployment.rollout_state = RolloutState::kCompleted;
    deployment.rollout_reason = service_text::completed_reason(deployment.id);
    deployment.updated_at = turn_.now();
    service().completed_revision = deployment.revision;
    service().completed_deployment = deployment.id;
    turn_.tell(service_text::deployment_completed(turn_.name(), deployment.id),
               "SERVICE_DEPLOYMENT_COMPLETED", arithmetic());
    finish_progress(deployment.is_rollback ? ServiceDeploymentStatus::kRollbackSuccessful
                                           : ServiceDeploymentStatus::kSuccessful,
                    deployment.rollout_reason);
  }

  void conclude_steady(bool is_steady) {
    bool was_steady = service().is_steady;
    service().is_steady = is_steady;
    if (!is_steady) return;
    auto told_at = service().steady_told_at;
    bool is_due = !was_steady || !told_at || turn_.now() >= *told_at + kSteadyToldAgain;
    if (is_due) {
      service().steady_told_at = turn_.now();
      turn_.tell(service_text::steady(turn_.name()), "SERVICE_STEADY_STATE", arithmetic());
    }
    turn_.look_again(*service().steady_told_at + kSteadyToldAgain);
  }

  // ---- Deployments that shift traffic: two revisions side by side, each with its own count ----

  // From what was complete before, or from nothing: the first deployment of a service has its
  // stages and hooks, too. One that takes over from a first one that never was complete rolls:
  // there is nothing whole to go back to.
  bool is_shifting() {
    auto& progress = turn_.deployment();
    if (!progress || progress->status != ServiceDeploymentStatus::kInProgress) return false;
    if (progress->configuration.strategy == DeploymentStrategy::kRolling) return false;
    if (!is_in_progress() || primary().is_rollback) return false;
    if (service().completed_revision.empty()) return progress->source_revisions.empty();
    return service().completed_revision != primary().revision;
  }

  // Blue serves, and is kept whole, also when it had lost all its tasks.
  void ensure_blue() {
    const std::string& blue = service().completed_revision;
    if (blue.empty()) return;
    for (const Deployment& each : service().deployments) {
      if (each.revision == blue) return;
    }
    Deployment again = make_deployment(blue, "", turn_.now(), turn_.rng());
    again.rollout_state = RolloutState::kCompleted;
    again.rollout_reason = service_text::completed_reason(again.id);
    service().deployments.push_back(std::move(again));
  }

  void shift() {
    ServiceDeployment& progress = *turn_.deployment();
    ensure_blue();
    for (;;) {
      turn_.plan_anew();  // what the last stage had no room for, this one may not want
      plan_sides(shift_counts_of(progress, desired_tasks_of(service())));
      act_on_blue();  // what serves comes first; one side in a turn: room is asked for once
      if (turn_.has_acted()) return;
      if (count_unhealthy()) judge();
      if (!is_shifting()) break;
      act_on_side(primary(), plan_);
      if (turn_.has_acted()) return;
      auto before = progress.stage;
      int steps = progress.steps;
      ShiftOutcome outcome = advance_shift(progress, shift_facts(), turn_.now(), turn_.rng());
      for (const ShiftOutcome::Told& told : outcome.told) {
        turn_.tell("", told.name, fmt::format("{}: {}", primary().id, told.text));
      }
      if (outcome.wake) turn_.look_again(*outcome.wake);
      if (outcome.failure) {
        fail_deployment({.prefix = kHookPrefix, .why = kHookFailed, .rolls_back = true});
        break;
      }
      if (outcome.is_done) {
        complete();
        break;
      }
      if (progress.stage == before && progress.steps == steps) {
        conclude_shift();
        return;
      }
    }
    roll();
  }

  // Stopped, and not rolled back: both sides stay as the stage has them, and so does the traffic.
  bool is_kept_apart() {
    auto& progress = turn_.deployment();
    return progress && progress->status == ServiceDeploymentStatus::kStopped && is_failed() &&
           progress->stage && !primary().is_rollback && !service().completed_revision.empty() &&
           service().completed_revision != primary().revision;
  }

  // Green is only made up for what it loses when requests depend on it.
  void keep_apart() {
    ServiceDeployment& progress = *turn_.deployment();
    ShiftCounts counts = shift_counts_of(progress, desired_tasks_of(service()));
    if (counts.blue > 0) ensure_blue();
    plan_sides(counts);
    if (progress.production_permille == 0) plan_.start = 0;
    act_on_blue();
    if (turn_.has_acted()) return;
    (void)count_unhealthy();  // it has failed already
    act_on_side(primary(), plan_);
    if (!turn_.has_acted()) conclude_shift();
  }

  std::vector<GradedTask> side_of(const std::string& revision) {
    std::vector<GradedTask> side;
    for (GradedTask each : graded()) {
      if (each.task->revision != revision) continue;
      each.is_new = !turn_.is_draining(*each.task);
      side.push_back(each);
    }
    return side;
  }

  RollingPlan plan_side(const std::string& revision, int count) {
    int lower = 0;
    if (turn_.is_any_draining()) {
      lower = lower_bound_of(count, configuration().deployment.minimum_healthy_percent);
    }
    return plan_rolling(side_of(revision), {.desired = count, .lower = lower, .upper = 2 * count});
  }

  void plan_sides(const ShiftCounts& counts) {
    tasks_ = graded();
    bounds_ = {.desired = desired_tasks_of(service()), .upper = 2 * desired_tasks_of(service())};
    const std::string& blue = service().completed_revision;
    plan_ = plan_side(primary().revision, counts.green);
    blue_plan_ = plan_side(blue, blue.empty() ? 0 : counts.blue);
    for (const GradedTask& each : tasks_) {  // a deployment that was superseded
      bool is_third = each.task->revision != primary().revision && each.task->revision != blue;
      if (is_third && !each.is_protected) {
        blue_plan_.stops.push_back({each.task, StopCause::kReplaced});
      }
    }
  }

  void act_on_blue() {
    for (Deployment& each : service().deployments) {
      if (each.revision == service().completed_revision) act_on_side(each, blue_plan_);
    }
  }

  void act_on_side(Deployment& side, const RollingPlan& plan) {
    bool is_idle = plan.start == 0 && plan.stops.empty();
    std::string cause =
        is_idle ? std::string() : fmt::format("{}: {}", turn_.occasion(), arithmetic());
    turn_.launch({.revision = side.revision,
                  .started_by = side.id,
                  .providers = configuration().providers,
                  .count = plan.start,
                  .backoff = side.backoff,
                  .cause = cause});
    std::vector<ServiceTurn::Halt> halts;
    for (const PlannedStop& stop : plan.stops) {
      bool is_unhealthy = stop.cause == StopCause::kUnhealthy;
      if (is_unhealthy && unhealthy_.count(stop.task->id) == 0) {
        turn_.tell(service_text::failed_health_check(turn_.name(), stop.task->id), "", cause);
      }
      halts.push_back({stop.task->id, is_unhealthy ? service_text::kUnhealthyReason
                                                   : service_text::scaling_reason(primary().id)});
    }
    turn_.halt(halts, cause);
  }

  ShiftFacts shift_facts() {
    ShiftFacts facts{.is_reconciled = true, .is_scaled_up = false, .is_cleaned_up = true};
    int healthy = 0;
    for (const ServiceTask& task : turn_.facts().tasks) {
      bool is_green = task.revision == primary().revision;
      bool is_blue = task.revision == service().completed_revision;
      if (is_blue) facts.is_cleaned_up = false;
      if (!is_green && !is_blue) facts.is_reconciled = false;
      if (is_green && task.phase != TaskPhase::kStopping &&
          turn_.grade_of(task) == TaskGrade::kHealthy) {
        ++healthy;
      }
    }
    facts.is_scaled_up = healthy >= desired_tasks_of(service());
    return facts;
  }

  void conclude_shift() {
    service().is_steady = false;
    for (const GradedTask& each : tasks_) {
      if (each.grade == TaskGrade::kSettling) turn_.look_again_at(*each.task);
      if (each.is_protected) turn_.look_again(*each.task->protected_until);
    }
    std::set<std::string> revisions = {primary().revision, service().completed_revision};
    for (const ServiceTask& task : turn_.facts().tasks) revisions.insert(task.revision);
    std::erase_if(service().deployments,
                  [&](const Deployment& each) { return revisions.count(each.revision) == 0; });
  }

  ServiceTurn& turn_;
  RollingPlan blue_plan_{};
  std::vector<GradedTask> tasks_{};
  RollingBounds bounds_{};
  RollingPlan plan_{};
  std::set<std::string> unhealthy_{};  // that count as failures in this turn
};

}  // namespace

ServiceDeployment begin_deployment(Service& service, const NewDeployment& wanted, Rng& rng) {
  const DeploymentConfiguration& rules = service.configuration.deployment;
  ServiceDeployment progress;
  progress.id = make_service_deployment_id(rng);
  progress.service = service.key;
  progress.target_revision = wanted.revision;
  for (const Deployment& each : service.deployments) {
    progress.source_revisions.push_back(each.revision);
  }
  progress.configuration = rules;
  progress.created_at = wanted.now;
  progress.updated_at = wanted.now;
  progress.are_alarms_watched = watches_alarms(rules.alarms, wanted.raised_alarms);
  service.current_service_deployment = progress.id;
  service.is_steady = false;
  put_primary(service, make_deployment(wanted.revision, progress.id, wanted.now, rng));
  return progress;
}

void supersede(ServiceDeployment& deployment, const std::string& reason, WallTime now) {
  if (is_over(deployment.status)) return;
  deployment.status = ServiceDeploymentStatus::kStopped;
  deployment.status_reason = reason;
  close_hooks(deployment);
  deployment.updated_at = now;
  deployment.stopped_at = now;
  deployment.finished_at = now;
}

void decide_deployments(ServiceTurn& turn) {
  CHECK(!turn.service().deployments.empty());
  DeploymentDecider(turn).decide();
}

}  // namespace berth::scheduler
