#include "scheduler/service.h"

#include "scheduler/service_request.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace berth::scheduler {
namespace {

constexpr int kPercent = 100;
constexpr int kBreakerMin = 3;
constexpr int kBreakerMax = 200;
constexpr size_t kDeploymentIdLength = 21;
constexpr uint64_t kNumberMin = 1'000'000'000'000'000'000;   // 19 digits
constexpr uint64_t kNumberSpan = 8'223'372'036'854'775'807;  // up to what an int64_t holds

int rounded_up(int64_t count, int percent) {
  return static_cast<int>((count * percent + kPercent - 1) / kPercent);
}

struct RequestName {
  const char* operator()(const ServiceCreated&) const { return "ServiceCreated"; }
  const char* operator()(const ServiceUpdated&) const { return "ServiceUpdated"; }
  const char* operator()(const ServiceScaled&) const { return "ServiceScaled"; }
  const char* operator()(const ServiceDeleted&) const { return "ServiceDeleted"; }
  const char* operator()(const DeploymentStopRequested&) const { return "DeploymentStopRequested"; }
  const char* operator()(const HookAnswered&) const { return "HookAnswered"; }
  const char* operator()(const AlarmChanged&) const { return "AlarmChanged"; }
  const char* operator()(const TaskSetCreated&) const { return "TaskSetCreated"; }
  const char* operator()(const TaskSetScaled&) const { return "TaskSetScaled"; }
  const char* operator()(const TaskSetDeleted&) const { return "TaskSetDeleted"; }
  const char* operator()(const TaskSetTagged&) const { return "TaskSetTagged"; }
  const char* operator()(const PrimaryTaskSetChanged&) const { return "PrimaryTaskSetChanged"; }
  const char* operator()(const NodeChanged&) const { return "NodeChanged"; }
};

}  // namespace

const char* name_of(const ServiceRequest& request) {
  return std::visit(RequestName{}, request);
}

bool is_over(ServiceDeploymentStatus status) {
  switch (status) {
    case ServiceDeploymentStatus::kPending:
    case ServiceDeploymentStatus::kInProgress:
    case ServiceDeploymentStatus::kStopRequested:
    case ServiceDeploymentStatus::kRollbackRequested:
    case ServiceDeploymentStatus::kRollbackInProgress:
      return false;
    case ServiceDeploymentStatus::kSuccessful:
    case ServiceDeploymentStatus::kStopped:
    case ServiceDeploymentStatus::kRollbackSuccessful:
    case ServiceDeploymentStatus::kRollbackFailed:
      return true;
  }
  return true;
}

std::string make_service_number(Rng& rng) {
  return std::to_string(kNumberMin + rng.next() % kNumberSpan);
}

std::string make_service_deployment_id(Rng& rng) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string id;
  while (id.size() < kDeploymentIdLength) id += kAlphabet[rng.next() % kAlphabet.size()];
  return id;
}

int lower_bound_of(int desired, int minimum_healthy_percent) {
  return rounded_up(desired, minimum_healthy_percent);
}

int upper_bound_of(int desired, int maximum_percent) {
  return static_cast<int>(int64_t{desired} * maximum_percent / kPercent);
}

int breaker_threshold_of(const CircuitBreaker& breaker, int desired) {
  switch (breaker.threshold_type) {
    case ThresholdType::kCount:
      return std::max(breaker.threshold_value, 1);
    case ThresholdType::kBoundedPercent:
      return std::clamp(rounded_up(desired, breaker.threshold_value), kBreakerMin, kBreakerMax);
    case ThresholdType::kUnboundedPercent:
      return std::max(rounded_up(desired, breaker.threshold_value), 1);
  }
  return kBreakerMin;
}

int desired_tasks_of(const Service& service) {
  if (service.status != ServiceStatus::kActive) return 0;
  bool is_daemon = service.configuration.scheduling == SchedulingStrategy::kDaemon;
  return is_daemon ? 1 : service.configuration.desired_count;
}

const char* name_of(SchedulingStrategy strategy) {
  return strategy == SchedulingStrategy::kReplica ? "REPLICA" : "DAEMON";
}

const char* name_of(DeploymentController controller) {
  return controller == DeploymentController::kEcs ? "ECS" : "EXTERNAL";
}

const char* name_of(DeploymentStrategy strategy) {
  switch (strategy) {
    case DeploymentStrategy::kRolling:
      return "ROLLING";
    case DeploymentStrategy::kBlueGreen:
      return "BLUE_GREEN";
    case DeploymentStrategy::kLinear:
      return "LINEAR";
    case DeploymentStrategy::kCanary:
      return "CANARY";
  }
  return "";
}

const char* name_of(ServiceStatus status) {
  switch (status) {
    case ServiceStatus::kActive:
      return "ACTIVE";
    case ServiceStatus::kDraining:
      return "DRAINING";
    case ServiceStatus::kInactive:
      return "INACTIVE";
  }
  return "";
}

const char* name_of(PropagateTags propagate) {
  switch (propagate) {
    case PropagateTags::kNone:
      return "NONE";
    case PropagateTags::kTaskDefinition:
      return "TASK_DEFINITION";
    case PropagateTags::kService:
      return "SERVICE";
  }
  return "";
}

const char* name_of(ThresholdType type) {
  switch (type) {
    case ThresholdType::kCount:
      return "COUNT";
    case ThresholdType::kBoundedPercent:
      return "BOUNDED_PERCENT";
    case ThresholdType::kUnboundedPercent:
      return "UNBOUNDED_PERCENT";
  }
  return "";
}

const char* name_of(LifecycleStage stage) {
  constexpr auto kNames = std::to_array(
      {"RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT",
       "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT",
       "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"});
  return kNames.at(static_cast<size_t>(stage));
}

const char* name_of(HookTarget target) {
  return target == HookTarget::kPause ? "PAUSE" : "AWS_LAMBDA";
}

const char* name_of(HookTimeoutAction action) {
  return action == HookTimeoutAction::kRollback ? "ROLLBACK" : "CONTINUE";
}

const char* name_of(RolloutState state) {
  switch (state) {
    case RolloutState::kInProgress:
      return "IN_PROGRESS";
    case RolloutState::kCompleted:
      return "COMPLETED";
    case RolloutState::kFailed:
      return "FAILED";
  }
  return "";
}

const char* name_of(StabilityStatus status) {
  return status == StabilityStatus::kSteadyState ? "STEADY_STATE" : "STABILIZING";
}

const char* name_of(TaskSetStatus status) {
  switch (status) {
    case TaskSetStatus::kPrimary:
      return "PRIMARY";
    case TaskSetStatus::kActive:
      return "ACTIVE";
    case TaskSetStatus::kDraining:
      return "DRAINING";
  }
  return "";
}

const char* name_of(ServiceDeploymentStatus status) {
  constexpr auto kNames = std::to_array({"PENDING", "IN_PROGRESS", "SUCCESSFUL", "STOP_REQUESTED",
                                         "STOPPED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS",
                                         "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"});
  return kNames.at(static_cast<size_t>(status));
}

const char* name_of(BreakerStatus status) {
  constexpr auto kNames =
      std::to_array({"DISABLED", "MONITORING", "MONITORING_COMPLETE", "TRIGGERED"});
  return kNames.at(static_cast<size_t>(status));
}

const char* name_of(HookStatus status) {
  constexpr auto kNames =
      std::to_array({"IN_PROGRESS", "AWAITING_ACTION", "SUCCEEDED", "FAILED", "TIMED_OUT"});
  return kNames.at(static_cast<size_t>(status));
}

}  // namespace berth::scheduler
