// Services as users see them: what starts, what stops, and what is said about it.
#include "service_fixture.h"

#include "scheduler/service_text.h"

#include <chrono>

namespace berth::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

ServiceConfiguration replicas(int count) {
  ServiceConfiguration configuration;
  configuration.desired_count = count;
  return configuration;
}

ServiceConfiguration with_breaker(int count) {
  ServiceConfiguration configuration = replicas(count);
  configuration.deployment.circuit_breaker = {.enable = true, .rollback = true};
  return configuration;
}

TEST(Service, StartsItsTasksAndIsSteadyOnceTheyAreHealthy) {
  ServiceWorld world;
  world.create(replicas(2), plain_spec("v1"));
  EXPECT_EQ(world.service().status, ServiceStatus::kActive);
  ASSERT_EQ(world.service().deployments.size(), 1u);
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kInProgress);
  EXPECT_EQ(world.primary().rollout_reason,
            "ECS deployment " + world.primary().id + " in progress.");
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kInProgress);
  auto tasks = world.with_phase(TaskPhase::kPending);
  ASSERT_EQ(tasks.size(), 2u);
  const Task& task = *world.core().find_task(tasks[0]);
  EXPECT_EQ(task.group, "service:web");
  EXPECT_EQ(task.request.started_by, world.primary().id);
  world.run_pending();
  world.pass(seconds(39));
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kInProgress);
  world.pass(seconds(1));
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kCompleted);
  EXPECT_EQ(world.primary().rollout_reason, "ECS deployment " + world.primary().id + " completed.");
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kSuccessful);
  EXPECT_TRUE(world.service().is_steady);
  auto said = world.messages();
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[0].rfind("(service web) has started 2 tasks: (task ", 0), 0u) << said[0];
  EXPECT_EQ(said[1], "(service web) (deployment " + world.primary().id + ") deployment completed.");
  EXPECT_EQ(said[2], "(service web) has reached a steady state.");
}

TEST(Service, InSteadyStateNothingHappensForHours) {
  ServiceWorld world;
  world.create(replicas(2), plain_spec("v1"));
  world.settle();
  ASSERT_EQ(world.core().next_deadline(), *world.service().steady_told_at + kSteadyToldAgain);
  Service before = world.service();
  world.step();
  EXPECT_EQ(world.service(), before);
  world.pass(kSteadyToldAgain);
  EXPECT_EQ(world.messages().size(), 4u);  // said again
}

TEST(Service, ATaskThatRanIsReplacedAtOnceInTheSameStep) {
  ServiceWorld world;
  world.create(replicas(2), plain_spec("v1"));
  world.settle();
  std::string lost = world.with_phase(TaskPhase::kRunning)[0];
  world.exit(lost);
  EXPECT_EQ(world.fresh(), 2);
  EXPECT_FALSE(world.service().is_steady);
  EXPECT_EQ(world.with_phase(TaskPhase::kPending).size(), 1u);
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kCompleted);  // no deployment
  auto events = world.core().services().events_of(world.key());
  EXPECT_NE(events[0].cause.find("task " + lost + " ended: Essential container"), std::string::npos)
      << events[0].cause;
  for (int i = 0; i < 5; ++i) {  // again and again: no back-off
    world.run_pending();
    world.pass(seconds(2));
    world.exit(world.with_phase(TaskPhase::kRunning)[0]);
    EXPECT_EQ(world.fresh(), 2);
  }
}

TEST(Service, TasksThatNeverRunBackOff) {
  ServiceWorld world;
  world.create(replicas(1), plain_spec("v1"));
  for (int wait : {0, 10, 20, 40, 80, 160, 320, 640, 900, 900}) {
    SCOPED_TRACE(wait);
    world.fail_to_start(world.with_phase(TaskPhase::kPending).at(0));
    if (wait > 0) {
      EXPECT_EQ(world.fresh(), 0);
      world.pass(seconds(wait) - milliseconds(1));
      EXPECT_EQ(world.fresh(), 0);
      world.pass(milliseconds(1));
    }
    ASSERT_EQ(world.fresh(), 1);
  }
  auto said = world.messages();
  EXPECT_EQ(std::count(said.begin(), said.end(),
                       "(service web) is unable to consistently start tasks successfully. For more "
                       "information, see the Troubleshooting section of the Amazon ECS Developer "
                       "Guide."),
            1);
  EXPECT_EQ(world.primary().failed_tasks, 10);
  world.fail_to_start(world.with_phase(TaskPhase::kPending).at(0));
  ASSERT_EQ(world.fresh(), 0);
  world.deploy(plain_spec("v2"));  // another task definition resets it
  EXPECT_EQ(world.fresh(), 1);
  world.run_pending();
  world.exit(world.with_phase(TaskPhase::kRunning)[0]);
  EXPECT_EQ(world.fresh(), 1);
}

TEST(Service, ABatchThatFailsIsOneTry) {
  ServiceWorld world;
  world.create(replicas(5), plain_spec("v1"));
  world.pass(seconds(1));
  for (const std::string& id : world.with_phase(TaskPhase::kPending)) world.fail_to_start(id);
  EXPECT_EQ(world.primary().failed_tasks, 5);
  EXPECT_EQ(world.primary().backoff.failures, 1);
  EXPECT_EQ(world.fresh(), 5);
}

TEST(Service, OneThatCrashesWithinASecondIsSlowedDown) {
  ServiceWorld world;
  world.create(replicas(1), plain_spec("v1"));
  for (int i = 0; i < kCrashesAtOnce; ++i) {
    world.run_pending();
    world.exit(world.with_phase(TaskPhase::kRunning).at(0));
    ASSERT_EQ(world.fresh(), 1) << i;
  }
  world.run_pending();
  world.exit(world.with_phase(TaskPhase::kRunning).at(0));
  EXPECT_EQ(world.fresh(), 0);
  EXPECT_TRUE(world.has_message("operations are being throttled. Will try again later."));
  world.pass(kCrashPause);
  EXPECT_EQ(world.fresh(), 1);
}

TEST(Service, ScalesInUnprotectedTasksAndWaitsForTheOthers) {
  ServiceWorld world;
  world.create(replicas(3), plain_spec("v1"));
  world.settle();
  auto running = world.with_phase(TaskPhase::kRunning);
  for (const std::string& id : {running[0], running[1]}) {
    world.tell(ProtectionChanged{.task_id = id, .until = world.now() + minutes(10)});
  }
  world.scale(1);
  EXPECT_EQ(world.with_phase(TaskPhase::kStopping), std::vector<std::string>{running[2]});
  const Task& stopped = *world.core().find_task(running[2]);
  EXPECT_EQ(stopped.stop_code, StopCode::kServiceSchedulerInitiated);
  EXPECT_EQ(stopped.stopped_reason,
            "Scaling activity initiated by (deployment " + world.primary().id + ")");
  EXPECT_TRUE(world.has_message("was unable to reach steady state because task set (" +
                                world.primary().id +
                                ") was unable to scale in. Reason: The number "
                                "of protected tasks are more than the desired count of tasks."));
  world.release_stopping();
  world.pass(minutes(10));
  EXPECT_EQ(world.with_phase(TaskPhase::kStopping).size(), 1u);
  EXPECT_EQ(world.with_phase(TaskPhase::kRunning).size(), 1u);
}

TEST(Service, ScalingIsNoDeployment) {
  ServiceWorld world;
  world.create(replicas(1), plain_spec("v1"));
  world.settle();
  std::string deployment = world.primary().id;
  world.scale(3);
  EXPECT_EQ(world.fresh(), 3);
  EXPECT_EQ(world.primary().id, deployment);
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kCompleted);
  EXPECT_EQ(world.core().services().deployments_of(world.key()).size(), 1u);
  world.settle();
  world.scale(0);
  world.release_stopping();
  EXPECT_TRUE(world.service().is_steady);
}

// Every state between two steps, until the deployment is complete.
TEST(Service, RollsWithinItsBounds) {
  struct Case {
    int desired, minimum, maximum;
  };
  for (const Case& each : {Case{4, 50, 100}, Case{4, 100, 200}, Case{3, 50, 150}, Case{1, 0, 100},
                           Case{10, 33, 133}, Case{1, 100, 200}, Case{7, 100, 115}}) {
    SCOPED_TRACE(each.desired);
    ServiceWorld world;
    ServiceConfiguration configuration = replicas(each.desired);
    configuration.deployment.minimum_healthy_percent = each.minimum;
    configuration.deployment.maximum_percent = each.maximum;
    world.create(configuration, checked_spec("v1"));
    world.run_pending();
    for (const std::string& id : world.with_phase(TaskPhase::kRunning)) {
      world.health(id, HealthStatus::kHealthy);
    }
    ASSERT_TRUE(world.service().is_steady);
    auto check = [&] {
      int healthy = 0;
      for (const auto& [id, task] : world.core().services().tasks_of(world.key())) {
        if (task.phase == TaskPhase::kRunning && task.health == HealthStatus::kHealthy) ++healthy;
      }
      ASSERT_GE(healthy, lower_bound_of(each.desired, each.minimum));
      ASSERT_LE(world.fresh() + world.old(), upper_bound_of(each.desired, each.maximum));
    };
    std::string first = world.primary().id;
    world.deploy(checked_spec("v2"));
    check();
    EXPECT_EQ(world.service().deployments.size(), 2u);
    EXPECT_EQ(world.service().deployments[1].id, first);
    for (int i = 0; i < 50 && !world.service().is_steady; ++i) {
      for (const std::string& id : world.with_phase(TaskPhase::kPending)) {
        world.run(id);
        check();
        world.health(id, HealthStatus::kHealthy);
        check();
      }
      world.release_stopping();
      check();
    }
    EXPECT_TRUE(world.service().is_steady);
    EXPECT_EQ(world.service().deployments.size(), 1u);
    EXPECT_EQ(world.fresh(), each.desired);
    EXPECT_EQ(world.old(), 0);
    auto said = world.messages();
    EXPECT_EQ(said[said.size() - 2],
              "(service web) (deployment " + world.primary().id + ") deployment completed.");
    EXPECT_EQ(said.back(), "(service web) has reached a steady state.");
  }
}

TEST(Service, SaysThatItsBoundsLeaveNothingToDo) {
  ServiceWorld world;
  ServiceConfiguration configuration = replicas(2);
  configuration.deployment = {.minimum_healthy_percent = 75, .maximum_percent = 100};
  world.create(configuration, plain_spec("v1"));
  world.settle();
  world.deploy(plain_spec("v2"));
  EXPECT_EQ(world.messages().back(), service_text::blocked("web"));
  configuration.deployment.minimum_healthy_percent = 50;
  world.update(configuration, {});
  EXPECT_EQ(world.fresh(), 1);
  world.settle();
  EXPECT_EQ(world.old(), 0);
}

TEST(Service, AnotherDeploymentSupersedesTheOneUnderWay) {
  ServiceWorld world;
  world.create(replicas(2), plain_spec("v1"));
  world.settle();
  world.deploy(plain_spec("v2"));
  std::string superseded = world.service().current_service_deployment;
  world.run_pending();
  world.deploy(plain_spec("v3"));
  EXPECT_EQ(world.core().services().find_deployment(superseded)->status,
            ServiceDeploymentStatus::kStopped);
  EXPECT_EQ(world.service().deployments.size(), 3u);
  world.settle();
  EXPECT_EQ(world.service().deployments.size(), 1u);
  EXPECT_EQ(world.core().services().deployments_of(world.key()).size(), 3u);
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kSuccessful);
}

TEST(Service, TheBreakerTripsAndTheOldRevisionTakesOver) {
  ServiceWorld world;
  world.create(with_breaker(4), plain_spec("v1"));
  world.settle();
  std::string good = world.primary().revision;
  auto kept = world.live(good);
  world.deploy(plain_spec("broken"));
  std::string failed = world.primary().id;
  EXPECT_EQ(world.progress().breaker, BreakerStatus::kMonitoring);
  EXPECT_EQ(world.progress().breaker_threshold, 3);
  for (int i = 0; i < 2; ++i) world.fail_to_start(world.with_phase(TaskPhase::kPending).at(0));
  EXPECT_EQ(world.primary().id, failed);
  EXPECT_EQ(world.primary().failed_tasks, 2);
  world.fail_to_start(world.with_phase(TaskPhase::kPending).at(0));
  const Deployment& rollback = world.primary();
  EXPECT_NE(rollback.id, failed);
  EXPECT_EQ(rollback.revision, good);
  EXPECT_TRUE(world.has_message("(service web) (deployment " + failed +
                                ") deployment failed: tasks failed to start."));
  EXPECT_TRUE(world.has_message("(service web) rolling back to deployment " + rollback.id + "."));
  EXPECT_EQ(world.live(good), kept);  // what serves is not started anew
  world.release_stopping();
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kRollbackSuccessful);
  EXPECT_EQ(world.progress().breaker, BreakerStatus::kTriggered);
  EXPECT_EQ(world.progress().rollback->revision, good);
  EXPECT_EQ(world.progress().rollback->reason,
            "ECS deployment circuit breaker: tasks failed to start.");
  EXPECT_TRUE(world.service().is_steady);
  EXPECT_EQ(world.service().deployments.size(), 1u);
}

TEST(Service, ARollbackSaysSoWhileItGoesOn) {
  ServiceWorld world;
  ServiceConfiguration configuration = with_breaker(2);
  configuration.deployment.minimum_healthy_percent = 0;
  configuration.deployment.maximum_percent = 100;
  world.create(configuration, plain_spec("v1"));
  world.settle();
  world.deploy(plain_spec("broken"));  // both old ones have to go first
  for (int i = 0; i < 3; ++i) {
    world.release_stopping();
    world.pass(minutes(1));
    world.fail_to_start(world.with_phase(TaskPhase::kPending).at(0));
  }
  EXPECT_EQ(
      world.primary().rollout_reason,
      "ECS deployment circuit breaker: rolling back to deploymentId " + world.primary().id + ".");
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kRollbackInProgress);
  EXPECT_EQ(world.service().deployments.back().rollout_state, RolloutState::kFailed);
  EXPECT_EQ(world.service().deployments.back().rollout_reason,
            "ECS deployment circuit breaker: tasks failed to start.");
  world.settle();
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kRollbackSuccessful);
  EXPECT_EQ(world.fresh(), 2);
}

TEST(Service, WithNothingToGoBackToADeploymentStaysFailed) {
  ServiceWorld world;
  world.create(with_breaker(1), plain_spec("broken"));
  for (int i = 0; i < 3; ++i) {
    world.pass(minutes(1));
    world.fail_to_start(world.with_phase(TaskPhase::kPending).at(0));
  }
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kFailed);
  EXPECT_EQ(world.primary().rollout_reason,
            "ECS deployment circuit breaker: tasks failed to start.");
  world.pass(std::chrono::hours(1));
  EXPECT_EQ(world.fresh(), 0);
  EXPECT_EQ(world.core().next_deadline(), std::nullopt);  // no work at all
  world.deploy(plain_spec("mended"));
  world.settle();
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kCompleted);
}

TEST(Service, ACrashLoopTripsTheBreakerAndAHealthyTaskResetsIt) {
  ServiceWorld world;
  world.create(with_breaker(1), plain_spec("v1"));
  for (int i = 0; i < 2; ++i) {
    world.run_pending();
    world.pass(seconds(5));
    world.exit(world.with_phase(TaskPhase::kRunning).at(0));
  }
  EXPECT_EQ(world.primary().failed_tasks, 2);
  world.run_pending();
  world.pass(seconds(41));
  EXPECT_EQ(world.primary().failed_tasks, 0);
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kCompleted);
  world.deploy(plain_spec("crashes"));
  for (int i = 0; i < 3; ++i) {
    world.run_pending();
    world.pass(seconds(5));
    for (const std::string& id : world.live(world.primary().revision)) world.exit(id);
  }
  EXPECT_EQ(world.progress().rollback.has_value(), true);
}

TEST(Service, FailedHealthChecksAreReplacedFirstAndCount) {
  ServiceWorld world;
  ServiceConfiguration configuration = with_breaker(1);
  configuration.health_check_grace_seconds = 30;
  world.create(configuration, checked_spec("v1"));
  std::string first = world.with_phase(TaskPhase::kPending).at(0);
  world.run(first);
  world.health(first, HealthStatus::kUnhealthy);  // within its grace
  EXPECT_EQ(world.fresh(), 1);
  world.pass(seconds(29));
  EXPECT_EQ(world.fresh(), 1);
  world.pass(seconds(1));
  EXPECT_EQ(world.fresh(), 2);  // the replacement comes first
  std::string second = world.with_phase(TaskPhase::kPending).at(0);
  world.run(second);
  world.health(second, HealthStatus::kHealthy);
  EXPECT_EQ(world.core().find_task(first)->stopped_reason, "Task failed container health checks");
  EXPECT_TRUE(
      world.has_message("(service web) (task " + first + ") failed container health checks."));
  world.release_stopping();
  EXPECT_TRUE(world.service().is_steady);
  world.deploy(checked_spec("sick"));
  for (int i = 0; i < 20 && !world.progress().rollback; ++i) {
    for (const std::string& id : world.with_phase(TaskPhase::kPending)) {
      world.run(id);
      world.health(id, HealthStatus::kUnhealthy);
    }
    world.release_stopping();
    world.pass(seconds(31));
  }
  ASSERT_TRUE(world.progress().rollback);
  world.release_stopping();
  EXPECT_EQ(world.live(world.primary().revision), std::vector<std::string>{second});
}

TEST(Service, StopServiceDeploymentRollsBackOrAborts) {
  ServiceWorld world;
  world.create(replicas(2), plain_spec("v1"));
  world.settle();
  std::string good = world.primary().revision;
  world.deploy(plain_spec("v2"));
  world.core().submit(
      DeploymentStopRequested{.service_deployment = world.service().current_service_deployment});
  world.step();
  EXPECT_EQ(world.primary().revision, good);
  world.release_stopping();
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kRollbackSuccessful);
  world.deploy(plain_spec("v3"));
  world.run_pending();
  world.core().submit(DeploymentStopRequested{
      .service_deployment = world.service().current_service_deployment, .type = StopType::kAbort});
  world.step();
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kStopped);
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kFailed);
  world.exit(world.live(world.primary().revision).at(0));
  EXPECT_EQ(world.fresh(), 1);  // it starts no more
  EXPECT_EQ(world.old(), 2);    // and what serves goes on serving
}

TEST(Service, AnAlarmFailsADeploymentUnlessItWasRaisedBefore) {
  ServiceWorld world;
  ServiceConfiguration configuration = replicas(1);
  configuration.deployment.alarms = {.names = {"errors"}, .enable = true, .rollback = true};
  configuration.deployment.bake_minutes = 5;
  world.create(configuration, plain_spec("v1"));
  world.run_pending();
  world.pass(seconds(41));
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kInProgress);  // it bakes
  world.pass(minutes(5));
  EXPECT_EQ(world.primary().rollout_state, RolloutState::kCompleted);
  std::string good = world.primary().revision;
  world.deploy(plain_spec("v2"));
  world.run_pending();
  world.core().submit(AlarmChanged{.alarm = "errors", .is_raised = true});
  world.step();
  EXPECT_EQ(world.primary().revision, good);
  EXPECT_EQ(world.progress().triggered_alarms, std::vector<std::string>{"errors"});
  EXPECT_TRUE(world.has_message("deployment failed: alarm detected."));
  world.settle();
  world.deploy(plain_spec("v3"));
  EXPECT_FALSE(world.progress().are_alarms_watched);
  world.settle();
  EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kSuccessful);
}

TEST(Service, ADaemonHasOneTaskAndStopsItBeforeTheNextStarts) {
  ServiceWorld world;
  ServiceConfiguration configuration;
  configuration.scheduling = SchedulingStrategy::kDaemon;
  configuration.deployment = {.minimum_healthy_percent = 0, .maximum_percent = 100};
  world.create(configuration, plain_spec("v1"));
  EXPECT_EQ(world.fresh(), 1);
  world.settle();
  world.deploy(plain_spec("v2"));
  EXPECT_EQ(world.with_phase(TaskPhase::kStopping).size(), 1u);
  EXPECT_EQ(world.fresh(), 0);
  world.release_stopping();
  EXPECT_EQ(world.fresh(), 1);
  world.settle();
  EXPECT_TRUE(world.service().is_steady);
}

TEST(Service, WaitsForRoomAndSaysWhatIsShort) {
  ServiceSettings settings;
  settings.cpu_units = 25;
  settings.memory_mib = 1000;
  settings.node_id = "n1";
  ServiceWorld world(settings);
  world.create(replicas(3), plain_spec("v1"));
  EXPECT_EQ(world.fresh(), 2);
  EXPECT_TRUE(world.has_message(
      "(service web) was unable to place a task because no container instance met all of its "
      "requirements. The closest matching (container-instance n1) has insufficient CPU units "
      "available. For more information, see the Troubleshooting section of the Amazon ECS "
      "Developer "
      "Guide."));
  EXPECT_EQ(world.messages().size(), 2u);
  world.run_pending();
  world.pass(minutes(10));
  EXPECT_EQ(world.messages().size(), 2u);            // it is said once
  world.tell(RunTaskRequested{.task_id = "other"});  // takes no room
  std::string gone = world.with_phase(TaskPhase::kRunning).at(0);
  world.tell(StopRequested{.task_id = gone});
  EXPECT_EQ(world.fresh(), 1);  // what stops still has its room
  world.release(gone);
  EXPECT_EQ(world.fresh(), 2);
}

TEST(Service, PortsOfTheHostAreRoomToo) {
  ServiceWorld world;
  world.create(replicas(2), spec_of(R"({"family": "web", "networkMode": "host",
    "containerDefinitions": [{"name": "a", "memory": 10, "image": "i", "portMappings": [{"containerPort": 80}]}]})"));
  EXPECT_EQ(world.fresh(), 1);
  EXPECT_TRUE(world.has_message("is already using a port required by your task."));
}

TEST(Service, IsDeletedOnceNothingOfItRuns) {
  ServiceWorld world;
  world.create(replicas(2), plain_spec("v1"));
  world.settle();
  world.core().submit(ServiceDeleted{world.key()});
  world.step();
  EXPECT_EQ(world.service().status, ServiceStatus::kDraining);
  EXPECT_EQ(world.with_phase(TaskPhase::kStopping).size(), 2u);
  world.release_stopping();
  EXPECT_EQ(world.service().status, ServiceStatus::kInactive);
  EXPECT_TRUE(world.service().deployments.empty());
  world.update(replicas(5), {});  // of no effect
  EXPECT_TRUE(world.with_phase(TaskPhase::kPending).empty());
  world.create(replicas(1), plain_spec("v2"));
  EXPECT_EQ(world.service().status, ServiceStatus::kActive);
  EXPECT_EQ(world.messages().size(), 1u);
  EXPECT_EQ(world.fresh(), 1);
}

TEST(Service, TagsAndProvidersOfItsTasks) {
  ServiceWorld world;
  ServiceConfiguration configuration = replicas(4);
  configuration.providers = {{"FARGATE", 1, 1}, {"FARGATE_SPOT", 0, 2}};
  configuration.enable_managed_tags = true;
  configuration.propagate_tags = PropagateTags::kService;
  configuration.tags = {{"team", "a"}};
  world.create(configuration, plain_spec("v1"));
  std::map<std::string, int> given;
  for (const std::string& id : world.with_phase(TaskPhase::kPending)) {
    const Task& task = *world.core().find_task(id);
    ++given[task.request.capacity_provider];
    EXPECT_EQ(task.request.tags, (std::vector<KeyValue>{{"team", "a"},
                                                        {"aws:ecs:clusterName", "default"},
                                                        {"aws:ecs:serviceName", "web"}}));
  }
  EXPECT_EQ(given, (std::map<std::string, int>{{"FARGATE", 2}, {"FARGATE_SPOT", 2}}));
}

std::string digest_of_fresh(ServiceWorld& world) {
  std::string id = world.with_phase(TaskPhase::kPending).at(0);
  return world.core().find_task(id)->containers.at(0).image_digest;
}

// The first task of each revision asks the tag.
TEST(Service, ATagMeansToAllTasksOfARevisionWhatItMeantToTheFirst) {
  const std::string word = R"({"family": "web", "containerDefinitions": [
      {"name": "a", "cpu": 10, "memory": 10, "image": "i", "versionConsistency": ")";
  for (const char* consistency : {"enabled", "disabled"}) {
    ServiceWorld world;
    RevisionSpec spec = spec_of(word + consistency + "\"}]}");
    world.create(replicas(1), spec);
    EXPECT_EQ(digest_of_fresh(world), "");
    std::string first = world.with_phase(TaskPhase::kPending).at(0);
    world.tell(ImagesPulled{.task_id = first, .digests = {{"a", "sha256:1"}}});
    world.settle();
    world.open();
    world.scale(2);
    EXPECT_EQ(digest_of_fresh(world), consistency == std::string("enabled") ? "sha256:1" : "");
    world.settle();
    world.deploy(spec);
    EXPECT_EQ(digest_of_fresh(world), "") << "another deployment asks again";
  }
}

TEST(Service, GoesOnAfterADeathOfTheProcess) {
  ServiceWorld world;
  world.create(with_breaker(3), plain_spec("v1"));
  world.settle();
  world.deploy(plain_spec("v2"));
  world.run_pending();
  Service before = world.service();
  auto events = world.core().services().events_of(world.key());
  auto tasks = world.core().services().tasks_of(world.key());
  ServiceDeployment progress = world.progress();
  world.open();
  EXPECT_EQ(world.service(), before);
  EXPECT_EQ(world.core().services().events_of(world.key()), events);
  EXPECT_EQ(world.core().services().tasks_of(world.key()), tasks);
  EXPECT_EQ(world.progress(), progress);
  const ServiceRevision* revision =
      world.core().services().find_revision(before.deployments[0].revision);
  ASSERT_NE(revision, nullptr);
  EXPECT_EQ(revision->spec.definition, plain_spec("v2").definition);
  world.step();
  EXPECT_EQ(world.service(), before);  // looking again changes nothing
  world.settle();
  EXPECT_EQ(world.old(), 0);
}

TEST(Service, KeepsOnlySoManyEventsDeploymentsAndRevisions) {
  ServiceWorld world;
  world.create(replicas(0), plain_spec("v0"));
  for (int i = 1; i < 130; ++i) world.deploy(plain_spec("v" + std::to_string(i)));
  const Services& services = world.core().services();
  EXPECT_LE(services.events_of(world.key()).size(), kServiceEventsMax);
  EXPECT_LE(services.deployments_of(world.key()).size(), kServiceDeploymentsMax + 1);
  EXPECT_LE(services.revisions_of(world.key()).size(), kServiceDeploymentsMax + 1);
  EXPECT_EQ(world.store().read("service-event")->size(), services.events_of(world.key()).size());
  EXPECT_EQ(world.store().read("service-deployment")->size(),
            services.deployments_of(world.key()).size());
  EXPECT_EQ(world.store().read("service-revision")->size(),
            services.revisions_of(world.key()).size());
  EXPECT_NE(services.find_revision(world.primary().revision), nullptr);
}

}  // namespace
}  // namespace berth::scheduler
