// What is stored of services is read again to the last member.
#include "scheduler/service_record.h"

#include "service_fixture.h"

namespace berth::scheduler {
namespace {

constexpr WallTime kAt = WallTime(std::chrono::nanoseconds(1700000000123456789));

ServiceConfiguration full_configuration() {
  ServiceConfiguration configuration;
  configuration.scheduling = SchedulingStrategy::kDaemon;
  configuration.controller = DeploymentController::kExternal;
  configuration.desired_count = 3;
  configuration.deployment.strategy = DeploymentStrategy::kCanary;
  configuration.deployment.minimum_healthy_percent = 12;
  configuration.deployment.maximum_percent = 345;
  configuration.deployment.circuit_breaker = {.enable = true,
                                              .rollback = true,
                                              .reset_on_healthy_task = false,
                                              .threshold_type = ThresholdType::kCount,
                                              .threshold_value = 9};
  configuration.deployment.alarms = {.names = {"a", "b"}, .enable = true, .rollback = true};
  configuration.deployment.bake_minutes = 4;
  configuration.deployment.linear = {.step_permille = 30, .step_bake_minutes = 1};
  configuration.deployment.canary = {.canary_permille = 1, .canary_bake_minutes = 2};
  configuration.deployment.hooks = {
      {.target = HookTarget::kLambda,
       .target_arn = "arn",
       .role_arn = "role",
       .details_json = "{}",
       .stages = {LifecycleStage::kPreScaleUp, LifecycleStage::kBakeTime},
       .timeout_minutes = 5,
       .timeout_action = HookTimeoutAction::kContinue}};
  configuration.health_check_grace_seconds = 6;
  configuration.providers = {{"FARGATE", 1, 2}};
  configuration.distinct_instance = true;
  configuration.placement_constraints_json = "[1]";
  configuration.placement_strategy_json = "[2]";
  configuration.az_rebalancing = false;
  configuration.enable_execute_command = true;
  configuration.enable_managed_tags = true;
  configuration.propagate_tags = PropagateTags::kService;
  configuration.tags = {{"k", "v"}};
  configuration.definition_tags = {{"d", "w"}};
  configuration.role_arn = "r";
  configuration.depends_on = {"db"};
  configuration.is_held = true;
  return configuration;
}

TEST(ServiceRecord, AServiceIsReadAsItWasWritten) {
  Service service;
  service.key = {"c", "s"};
  service.configuration = full_configuration();
  service.client_token = "t";
  service.request_digest = "d";
  service.created_by = "me";
  service.created_at = kAt;
  service.status = ServiceStatus::kDraining;
  service.inactive_at = kAt;
  Backoff backoff{.failures = 1, .crashes = 2, .since = kAt, .until = kAt};
  service.deployments = {{.id = "ecs-svc/1",
                          .revision = "2",
                          .service_deployment = "x",
                          .created_at = kAt,
                          .updated_at = kAt,
                          .failed_tasks = 3,
                          .last_failure_at = kAt,
                          .rollout_state = RolloutState::kFailed,
                          .rollout_reason = "why",
                          .is_rollback = true,
                          .is_blocked_told = true,
                          .backoff = backoff}};
  service.task_sets = {{.id = "ecs-svc/2",
                        .revision = "3",
                        .external_id = "e",
                        .client_token = "t",
                        .status = TaskSetStatus::kDraining,
                        .scale_ppm = 5,
                        .stability = StabilityStatus::kSteadyState,
                        .stability_at = kAt,
                        .created_at = kAt,
                        .updated_at = kAt,
                        .providers = {{"p", 0, 1}},
                        .tags = {{"a", "b"}},
                        .backoff = backoff}};
  service.completed_revision = "4";
  service.completed_deployment = "ecs-svc/4";
  service.current_service_deployment = "y";
  service.is_steady = true;
  service.steady_told_at = kAt;
  service.placement_told = "RESOURCE:CPU";
  service.is_scale_in_told = true;
  service.events_so_far = 7;
  auto read = parse_service_record(service_record_of(service));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, service);
}

TEST(ServiceRecord, ARevisionIsReadWithTheDefinitionOfItsText) {
  ServiceRevision revision;
  revision.id = "1";
  revision.service = {"c", "s"};
  revision.spec = plain_spec("i");
  revision.spec.request.cluster = "c";
  revision.spec.request.platform_version = "1.4.0";
  revision.spec.request.subnet = "subnet-1";
  revision.spec.request.security_groups = {"sg-1"};
  revision.spec.request.pre_stop = {{"a", {"x", "y"}}};
  revision.spec.network_configuration_json = "1";
  revision.spec.load_balancers_json = "2";
  revision.spec.service_registries_json = "3";
  revision.spec.service_connect_json = "4";
  revision.created_at = kAt;
  revision.image_digests = {{"a", "sha256:1"}};
  auto read = parse_service_revision_record(service_record_of(revision), CpuArchitecture::kX86_64);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, revision);
}

TEST(ServiceRecord, ADeploymentAndAnEventAreReadAsTheyWereWritten) {
  ServiceDeployment deployment;
  deployment.id = "x";
  deployment.service = {"c", "s"};
  deployment.status = ServiceDeploymentStatus::kRollbackInProgress;
  deployment.status_reason = "why";
  deployment.source_revisions = {"1"};
  deployment.target_revision = "2";
  deployment.configuration = full_configuration().deployment;
  deployment.created_at = kAt;
  deployment.updated_at = kAt;
  deployment.started_at = kAt;
  deployment.finished_at = kAt;
  deployment.stopped_at = kAt;
  deployment.breaker = BreakerStatus::kTriggered;
  deployment.breaker_failures = 3;
  deployment.breaker_threshold = 4;
  deployment.triggered_alarms = {"a"};
  deployment.are_alarms_watched = true;
  deployment.rollback = Rollback{"r", kAt, "1"};
  deployment.stage = LifecycleStage::kProductionTrafficShift;
  deployment.stage_at = kAt;
  deployment.hooks = {{.id = "h",
                       .hook = 1,
                       .stage = LifecycleStage::kPostScaleUp,
                       .round = 2,
                       .status = HookStatus::kAwaitingAction,
                       .asked_at = kAt,
                       .expires_at = kAt}};
  deployment.production_permille = 50;
  deployment.test_permille = 1000;
  deployment.steps = 2;
  deployment.bake_until = kAt;
  auto read = parse_service_deployment_record(service_record_of(deployment));
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, deployment);

  ServiceEvent event{
      .id = "e", .number = 12, .created_at = kAt, .message = "m", .name = "n", .cause = "c"};
  Record record = service_record_of({"c", "s"}, event);
  EXPECT_EQ(record.key, "c s 0000000012");
  EXPECT_EQ(parse_service_event_record(record)->event, event);
}

TEST(ServiceRecord, ADamagedOneIsNamed) {
  auto read = parse_service_record({"service", "c s", R"({"cluster": "c", "service": "s"})"});
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().text.find("service c s"), std::string::npos) << read.error().text;
}

}  // namespace
}  // namespace berth::scheduler
