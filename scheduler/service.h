// What the scheduler remembers of a service, with the fields of DescribeServices.
//
//   Service              its configuration (what users asked for) and its state
//     Deployment         one for each revision that has tasks or is to have them; the first is
//                        PRIMARY, the others are being replaced
//     TaskSet            in place of deployments with the controller EXTERNAL
//   ServiceRevision      what its tasks are made of; never changes
//   ServiceDeployment    the way from one revision to the next, as it went
//   ServiceEvent         what was decided, in ECS's words, and why
//
// A task says which revision it is of (TaskRequest::service_revision): which tasks a deployment has
// is asked of the tasks, never counted beside them.
#pragma once

#include "base/env.h"
#include "scheduler/model.h"
#include "scheduler/task_definition.h"
#include "scheduler/task_request.h"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::scheduler {

constexpr size_t kServiceEventsMax = 100;       // that a service keeps
constexpr size_t kServiceDeploymentsMax = 100;  // likewise, and as many revisions
constexpr int kDesiredCountMax = 5000;
constexpr size_t kServicesMax = 5000;  // of a cluster
constexpr size_t kTaskSetsMax = 5;     // of a service
constexpr size_t kDependenciesMax = 20;

enum class SchedulingStrategy : uint8_t { kReplica, kDaemon };
enum class DeploymentController : uint8_t { kEcs, kExternal };
enum class DeploymentStrategy : uint8_t { kRolling, kBlueGreen, kLinear, kCanary };
enum class ServiceStatus : uint8_t { kActive, kDraining, kInactive };
enum class PropagateTags : uint8_t { kNone, kTaskDefinition, kService };
// "REPLICA", "EXTERNAL", "BLUE_GREEN", "ACTIVE", "TASK_DEFINITION".
const char* name_of(SchedulingStrategy strategy);
const char* name_of(DeploymentController controller);
const char* name_of(DeploymentStrategy strategy);
const char* name_of(ServiceStatus status);
const char* name_of(PropagateTags propagate);

struct ServiceKey {
  std::string cluster{};
  std::string name{};
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 means the 0 that <=> is compared with
  auto operator<=>(const ServiceKey&) const = default;
};

// ---- Configuration ----

enum class ThresholdType : uint8_t { kCount, kBoundedPercent, kUnboundedPercent };
// "BOUNDED_PERCENT".
const char* name_of(ThresholdType type);

struct CircuitBreaker {
  bool enable = false;
  bool rollback = false;
  bool reset_on_healthy_task = true;
  ThresholdType threshold_type = ThresholdType::kBoundedPercent;
  int threshold_value = 50;
  bool operator==(const CircuitBreaker&) const = default;
};

struct DeploymentAlarms {
  std::vector<std::string> names{};
  bool enable = false;
  bool rollback = false;
  bool operator==(const DeploymentAlarms&) const = default;
};

// The way of a deployment that is not rolling, in order; a rolling one has none.
enum class LifecycleStage : uint8_t {
  kReconcileService,
  kPreScaleUp,
  kScaleUp,
  kPostScaleUp,
  kTestTrafficShift,
  kPostTestTrafficShift,
  kPreProductionTrafficShift,
  kProductionTrafficShift,
  kPostProductionTrafficShift,
  kBakeTime,
  kCleanUp,
};
// "PRE_SCALE_UP".
const char* name_of(LifecycleStage stage);

enum class HookTarget : uint8_t { kPause, kLambda };
enum class HookTimeoutAction : uint8_t { kRollback, kContinue };
// "PAUSE", "AWS_LAMBDA"; "ROLLBACK".
const char* name_of(HookTarget target);
const char* name_of(HookTimeoutAction action);

// Someone who is asked before a stage is over.
struct LifecycleHook {
  HookTarget target = HookTarget::kPause;
  std::string target_arn{};
  std::string role_arn{};
  std::string details_json{};
  std::vector<LifecycleStage> stages{};
  std::optional<int> timeout_minutes{};  // absent: asked for as long as it takes
  HookTimeoutAction timeout_action = HookTimeoutAction::kRollback;
  bool operator==(const LifecycleHook&) const = default;
};

// Percents of traffic are kept in tenths, as ECS takes them.
struct LinearConfiguration {
  int step_permille = 100;
  int step_bake_minutes = 6;
  bool operator==(const LinearConfiguration&) const = default;
};
struct CanaryConfiguration {
  int canary_permille = 50;
  int canary_bake_minutes = 10;
  bool operator==(const CanaryConfiguration&) const = default;
};

struct DeploymentConfiguration {
  DeploymentStrategy strategy = DeploymentStrategy::kRolling;
  int minimum_healthy_percent = 100;
  int maximum_percent = 200;
  CircuitBreaker circuit_breaker{};
  DeploymentAlarms alarms{};
  int bake_minutes = 0;
  LinearConfiguration linear{};
  CanaryConfiguration canary{};
  std::vector<LifecycleHook> hooks{};
  bool operator==(const DeploymentConfiguration&) const = default;
};

// One item of a capacity provider strategy.
struct ProviderShare {
  std::string provider{};
  int base = 0;
  int weight = 0;
  bool operator==(const ProviderShare&) const = default;
};

// What users say of a service and may change without a deployment: it is about tasks yet to come.
// Members that only go in and out again are JSON; "" for none.
struct ServiceConfiguration {
  SchedulingStrategy scheduling = SchedulingStrategy::kReplica;
  DeploymentController controller = DeploymentController::kEcs;
  int desired_count = 0;  // of REPLICA; a DAEMON has one task here
  DeploymentConfiguration deployment{};
  int health_check_grace_seconds = 0;
  std::vector<ProviderShare> providers{};  // empty: its revision's launch type
  bool distinct_instance = false;          // one task at a time: there is one node
  std::string placement_constraints_json{};
  std::string placement_strategy_json{};
  bool az_rebalancing = true;
  bool enable_execute_command = false;
  bool enable_managed_tags = false;
  PropagateTags propagate_tags = PropagateTags::kNone;
  std::vector<KeyValue> tags{};
  // Those of its task definition, as PropagateTags::kTaskDefinition gives them to tasks.
  std::vector<KeyValue> definition_tags{};
  std::string role_arn{};
  // berth's own: services of its cluster that are to be steady before its first task starts.
  std::vector<std::string> depends_on{};
  // Likewise: its tasks are frozen, and nothing is decided about them until it goes on.
  bool is_held = false;
  bool operator==(const ServiceConfiguration&) const = default;
};

// What the tasks of a service are made of. Another one is a deployment.
struct RevisionSpec {
  TaskDefinition definition{};  // what request.definition_json gives
  // cluster, definition_json, volumes_json, revision, launch_type, platform_version, subnet,
  // security_groups; the scheduler fills in the others for each task.
  TaskRequest request{};
  std::string network_configuration_json{};
  std::string load_balancers_json{};
  std::string service_registries_json{};
  std::string service_connect_json{};
  bool operator==(const RevisionSpec&) const = default;
};

// ---- State ----

struct ServiceRevision {
  std::string id{};  // 19 digits
  ServiceKey service{};
  RevisionSpec spec{};
  WallTime created_at{};
  std::map<std::string, std::string> image_digests{};  // of its first task, by container name
  bool operator==(const ServiceRevision&) const = default;
};

enum class RolloutState : uint8_t { kInProgress, kCompleted, kFailed };
// "IN_PROGRESS".
const char* name_of(RolloutState state);

// When tasks of a deployment may be started, after some that did not run.
struct Backoff {
  int failures = 0;  // launches in a row of which nothing ever ran, each batch one
  int crashes = 0;   // tasks in a row that ran for less than a second
  std::optional<WallTime> since{};
  std::optional<WallTime> until{};
  bool operator==(const Backoff&) const = default;
};

// What DescribeServices shows under `deployments`.
struct Deployment {
  std::string id{};        // "ecs-svc/" and 19 digits: startedBy of its tasks
  std::string revision{};  // of ServiceRevision
  std::string service_deployment{};
  WallTime created_at{};
  WallTime updated_at{};
  int failed_tasks = 0;  // in a row
  std::optional<WallTime> last_failure_at{};
  RolloutState rollout_state = RolloutState::kInProgress;
  std::string rollout_reason{};
  bool is_rollback = false;
  bool is_blocked_told = false;  // "was unable to stop or start tasks"
  Backoff backoff{};
  bool operator==(const Deployment&) const = default;
};

struct ServiceEvent {
  std::string id{};  // a UUID
  int64_t number = 0;
  WallTime created_at{};
  std::string message{};  // ECS's words
  std::string name{};     // as EventBridge has it: "SERVICE_STEADY_STATE"; "" for none
  std::string cause{};    // why, in ours: "task 1234 ended: Essential container in task exited"
  bool operator==(const ServiceEvent&) const = default;
};

enum class StabilityStatus : uint8_t { kStabilizing, kSteadyState };
enum class TaskSetStatus : uint8_t { kPrimary, kActive, kDraining };
// "STEADY_STATE"; "PRIMARY".
const char* name_of(StabilityStatus status);
const char* name_of(TaskSetStatus status);

struct TaskSet {
  std::string id{};        // "ecs-svc/" and 19 digits
  std::string revision{};  // of ServiceRevision
  std::string external_id{};
  std::string client_token{};
  TaskSetStatus status = TaskSetStatus::kActive;
  int scale_ppm = 1'000'000;  // of the desired count, in millionths
  StabilityStatus stability = StabilityStatus::kStabilizing;
  WallTime stability_at{};
  WallTime created_at{};
  WallTime updated_at{};
  std::vector<ProviderShare> providers{};
  std::vector<KeyValue> tags{};
  Backoff backoff{};
  bool operator==(const TaskSet&) const = default;
};

struct Service {
  ServiceKey key{};
  ServiceConfiguration configuration{};
  std::string client_token{};
  std::string request_digest{};  // of CreateService, all that was asked
  std::string created_by{};      // an ARN
  WallTime created_at{};

  ServiceStatus status = ServiceStatus::kActive;
  std::optional<WallTime> inactive_at{};  // since when it is INACTIVE
  std::vector<Deployment> deployments{};  // the PRIMARY first; empty for EXTERNAL
  std::vector<TaskSet> task_sets{};       // of EXTERNAL
  std::string completed_revision{};       // what a rollback goes back to; "" for none yet
  std::string completed_deployment{};     // likewise, its Deployment's id
  std::string current_service_deployment{};
  bool is_steady = false;
  std::optional<WallTime> steady_told_at{};
  std::string placement_told{};  // why there was no place, as it was told last
  bool is_scale_in_told = false;
  int64_t events_so_far = 0;
  bool operator==(const Service&) const = default;
};

enum class ServiceDeploymentStatus : uint8_t {
  kPending,
  kInProgress,
  kSuccessful,
  kStopRequested,
  kStopped,
  kRollbackRequested,
  kRollbackInProgress,
  kRollbackSuccessful,
  kRollbackFailed,
};
enum class BreakerStatus : uint8_t { kDisabled, kMonitoring, kMonitoringComplete, kTriggered };
// "ROLLBACK_IN_PROGRESS"; "MONITORING_COMPLETE".
const char* name_of(ServiceDeploymentStatus status);
const char* name_of(BreakerStatus status);
bool is_over(ServiceDeploymentStatus status);

enum class HookStatus : uint8_t { kInProgress, kAwaitingAction, kSucceeded, kFailed, kTimedOut };
// "AWAITING_ACTION".
const char* name_of(HookStatus status);

// A hook that is being asked, or was, at a stage of a deployment.
struct HookRun {
  std::string id{};  // ContinueServiceDeployment names it
  size_t hook = 0;   // its place in DeploymentConfiguration::hooks
  LifecycleStage stage = LifecycleStage::kReconcileService;
  int round = 0;  // of PRODUCTION_TRAFFIC_SHIFT, which has one for each step
  HookStatus status = HookStatus::kInProgress;
  WallTime asked_at{};
  std::optional<WallTime> expires_at{};
  bool operator==(const HookRun&) const = default;
};

struct Rollback {
  std::string reason{};
  WallTime started_at{};
  std::string revision{};
  bool operator==(const Rollback&) const = default;
};

struct ServiceDeployment {
  std::string id{};  // 21 letters and digits
  ServiceKey service{};
  ServiceDeploymentStatus status = ServiceDeploymentStatus::kPending;
  std::string status_reason{};
  std::vector<std::string> source_revisions{};
  std::string target_revision{};
  DeploymentConfiguration configuration{};  // as it was when it began
  WallTime created_at{};
  WallTime updated_at{};
  std::optional<WallTime> started_at{};
  std::optional<WallTime> finished_at{};
  std::optional<WallTime> stopped_at{};
  BreakerStatus breaker = BreakerStatus::kDisabled;
  int breaker_failures = 0;
  int breaker_threshold = 0;
  std::vector<std::string> triggered_alarms{};
  bool are_alarms_watched = false;
  std::optional<Rollback> rollback{};
  // Of a strategy that shifts traffic.
  std::optional<LifecycleStage> stage{};
  WallTime stage_at{};
  std::vector<HookRun> hooks{};
  int production_permille = 0;  // of traffic that the target revision has
  int test_permille = 0;
  int steps = 0;                         // of production traffic, so far
  std::optional<WallTime> bake_until{};  // of the step or of the whole
  bool operator==(const ServiceDeployment&) const = default;
};

// "1234567890123456789": of deployments, task sets and revisions.
std::string make_service_number(Rng& rng);
std::string make_service_deployment_id(Rng& rng);

// desired × percent: what must stay healthy (rounded up), and what may be there at most (rounded
// down).
int lower_bound_of(int desired, int minimum_healthy_percent);
int upper_bound_of(int desired, int maximum_percent);
// Failures at which the circuit breaker trips.
int breaker_threshold_of(const CircuitBreaker& breaker, int desired);
// REPLICA's desired count, or the one task that a DAEMON has on the one node. 0 when it goes.
int desired_tasks_of(const Service& service);

}  // namespace berth::scheduler
