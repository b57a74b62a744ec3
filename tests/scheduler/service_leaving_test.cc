// What leaves: tasks of a node that drains, and services that were deleted.
#include "scheduler/service_record.h"
#include "service_fixture.h"

#include <chrono>

namespace berth::scheduler {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class Leaving : public testing::Test {
 protected:
  static ServiceConfiguration of(int desired, int minimum_healthy_percent) {
    ServiceConfiguration configuration;
    configuration.desired_count = desired;
    configuration.deployment.minimum_healthy_percent = minimum_healthy_percent;
    return configuration;
  }
  ServiceSettings settings() {
    ServiceSettings settings;
    settings.drains = [this](const std::string& cluster) {
      return is_draining_ && cluster == "default";
    };
    settings.unsuited = [this](const Service&, const RevisionSpec& revision) {
      bool is_closed = is_draining_ && revision.request.launch_type != "FARGATE";
      return std::string(is_closed ? "No Container Instances were found in your cluster." : "");
    };
    return settings;
  }
  void drain(bool is_draining) {
    is_draining_ = is_draining;
    world_.core().submit(NodeChanged{"default"});
    world_.step();
  }
  size_t running() { return world_.with_phase(TaskPhase::kRunning).size(); }

  bool is_draining_ = false;
  ServiceWorld world_{settings()};
};

TEST_F(Leaving, ADrainingNodeKeepsWhatMinimumHealthyPercentPromises) {
  world_.create(of(4, 50), plain_spec("v1"));
  world_.settle();
  world_.core().submit(RunTaskRequested{.task_id = std::string(32, 'a'),
                                        .definition = plain_spec("v1").definition,
                                        .request = plain_spec("v1").request});
  world_.step();
  drain(true);
  EXPECT_EQ(running(), 2u);
  EXPECT_EQ(world_.core().find_task(std::string(32, 'a'))->desired_status, DesiredStatus::kRunning);
  EXPECT_FALSE(world_.service().is_steady);
  EXPECT_TRUE(world_.has_message("No Container Instances were found in your cluster."));
  auto events = world_.core().services().events_of(world_.key());
  bool is_told = std::any_of(events.begin(), events.end(), [](const ServiceEvent& event) {
    return event.message.find("has stopped 2 running tasks") != std::string::npos &&
           event.cause.find("the container instance drains; desired 4") != std::string::npos;
  });
  EXPECT_TRUE(is_told);
  world_.release_stopping();
  EXPECT_TRUE(world_.with_phase(TaskPhase::kPending).empty());
  world_.scale(2);  // one is enough of two
  EXPECT_EQ(running(), 1u);
  world_.release_stopping();
  world_.scale(0);
  EXPECT_EQ(running(), 0u);
  world_.release_stopping();
  world_.scale(4);
  EXPECT_TRUE(world_.with_phase(TaskPhase::kPending).empty());
  drain(false);
  EXPECT_EQ(world_.with_phase(TaskPhase::kPending).size(), 4u);
  world_.settle();
  EXPECT_TRUE(world_.service().is_steady);
}

TEST_F(Leaving, WhatDoesNotServeLeavesADrainingNodeAtOnceAndWhatIsProtectedLater) {
  world_.create(of(2, 100), plain_spec("v1"));
  world_.settle();
  world_.scale(4);
  ASSERT_EQ(world_.with_phase(TaskPhase::kPending).size(), 2u);
  drain(true);
  EXPECT_EQ(running(), 2u);
  EXPECT_TRUE(world_.with_phase(TaskPhase::kPending).empty());
  world_.release_stopping();
  std::string kept = world_.with_phase(TaskPhase::kRunning)[0];
  world_.tell(ProtectionChanged{kept, world_.now() + minutes(5)});
  world_.scale(0);
  EXPECT_EQ(world_.with_phase(TaskPhase::kRunning), std::vector<std::string>{kept});
  world_.pass(minutes(5));
  EXPECT_EQ(running(), 0u);
}

TEST_F(Leaving, ADaemonLeavesADrainingNodeAndComesBack) {
  ServiceConfiguration daemon = of(0, 0);
  daemon.scheduling = SchedulingStrategy::kDaemon;
  daemon.deployment.maximum_percent = 100;
  world_.create(daemon, plain_spec("v1"));
  world_.settle();
  drain(true);
  EXPECT_EQ(running(), 0u);
  world_.release_stopping();
  EXPECT_TRUE(world_.with_phase(TaskPhase::kPending).empty());
  drain(false);
  EXPECT_EQ(world_.with_phase(TaskPhase::kPending).size(), 1u);
}

TEST_F(Leaving, FargateIsOnNoContainerInstance) {
  RevisionSpec spec = plain_spec("v1");
  spec.request.launch_type = "FARGATE";
  world_.create(of(2, 0), spec);
  world_.settle();
  drain(true);
  EXPECT_EQ(running(), 2u);
  EXPECT_TRUE(world_.service().is_steady);
}

TEST_F(Leaving, TaskSetsStayWhereNothingTakesTheirPlace) {
  ServiceConfiguration external = of(2, 0);
  external.controller = DeploymentController::kExternal;
  world_.core().submit(ServiceCreated{.service = world_.key(), .configuration = external});
  world_.core().submit(TaskSetCreated{.service = world_.key(),
                                      .id = "ecs-svc/1",
                                      .revision = plain_spec("v1"),
                                      .scale_ppm = 1'000'000});
  world_.step();
  world_.run_pending();
  world_.pass(seconds(41));
  ASSERT_EQ(world_.service().task_sets[0].stability, StabilityStatus::kSteadyState);
  drain(true);
  EXPECT_EQ(running(), 2u);
  EXPECT_EQ(world_.service().task_sets[0].stability, StabilityStatus::kStabilizing);
}

TEST_F(Leaving, AProtectedTaskOfBlueGoesWhenItsProtectionEnds) {
  ServiceConfiguration shifting = of(1, 100);
  shifting.deployment.strategy = DeploymentStrategy::kBlueGreen;
  world_.create(shifting, plain_spec("blue"));
  world_.settle();
  std::string blue = world_.with_phase(TaskPhase::kRunning)[0];
  world_.tell(ProtectionChanged{blue, world_.now() + hours(1)});
  world_.deploy(plain_spec("green"));
  world_.run_pending();
  world_.pass(minutes(10));
  ASSERT_EQ(*world_.progress().stage, LifecycleStage::kCleanUp);
  EXPECT_EQ(running(), 2u);
  world_.pass(hours(1));
  EXPECT_EQ(world_.with_phase(TaskPhase::kStopping), std::vector<std::string>{blue});
}

// What green left behind has no traffic: it does not count when blue's tasks are to leave.
TEST_F(Leaving, AShiftThatWasRolledBackAndStoppedKeepsBlueWhole) {
  ServiceConfiguration shifting = of(2, 100);
  shifting.deployment.strategy = DeploymentStrategy::kBlueGreen;
  shifting.deployment.bake_minutes = 60;
  world_.create(shifting, plain_spec("blue"));
  world_.settle();
  std::vector<std::string> blue = world_.with_phase(TaskPhase::kRunning);
  world_.deploy(plain_spec("green"));
  std::string green = world_.primary().revision;
  world_.run_pending();
  world_.pass(minutes(10));
  ASSERT_EQ(*world_.progress().stage, LifecycleStage::kBakeTime);
  for (const std::string& task : world_.live(green)) {
    world_.tell(ProtectionChanged{task, world_.now() + hours(1)});
  }
  for (StopType type : {StopType::kRollback, StopType::kAbort}) {
    world_.core().submit(DeploymentStopRequested{world_.progress().id, type});
    world_.step();
  }
  ASSERT_EQ(world_.progress().status, ServiceDeploymentStatus::kStopped);
  ASSERT_EQ(world_.live(green).size(), 2u);
  drain(true);
  EXPECT_EQ(world_.live(world_.primary().revision), blue);
}

TEST_F(Leaving, ADeletedServiceIsForgottenWithAllThatWasOfIt) {
  world_.create(of(1, 100), plain_spec("v1"));
  world_.settle();
  world_.core().submit(ServiceDeleted{world_.key()});
  world_.step();
  world_.release_stopping();
  ASSERT_EQ(world_.service().status, ServiceStatus::kInactive);
  ASSERT_EQ(world_.core().next_deadline(), world_.now() + kInactiveServiceKept);
  world_.open();  // another process knows when
  world_.step();
  world_.pass(kInactiveServiceKept - seconds(1));
  EXPECT_NE(world_.core().services().find(world_.key()), nullptr);
  EXPECT_FALSE(world_.core().services().events_of(world_.key()).empty());
  world_.pass(seconds(1));
  EXPECT_EQ(world_.core().services().find(world_.key()), nullptr);
  EXPECT_FALSE(world_.core().next_deadline());
  for (const char* kind :
       {kServiceKind, kServiceRevisionKind, kServiceDeploymentKind, kServiceEventKind}) {
    EXPECT_TRUE(world_.store().read(kind)->empty()) << kind;
  }
}

TEST_F(Leaving, ANameThatIsUsedAgainIsKept) {
  world_.create(of(0, 100), plain_spec("v1"));
  world_.core().submit(ServiceDeleted{world_.key()});
  world_.step();
  world_.pass(kInactiveServiceKept - seconds(1));
  world_.create(of(1, 100), plain_spec("v2"));
  world_.settle();
  world_.pass(kInactiveServiceKept);
  EXPECT_TRUE(world_.service().is_steady);
}

// However many are due, a step looks at what its budget has, and the next one follows at once.
TEST(LookBudget, PutsServicesOffToTheNextStepsAndForgetsNone) {
  MemoryStore store;
  SeededRng rng(1);
  Core core(store, rng);
  bool is_draining = false;
  ServiceSettings settings;
  settings.look_budget = 1;
  settings.drains = [&](const std::string&) { return is_draining; };
  settings.unsuited = [&](const Service&, const RevisionSpec&) {
    return std::string(is_draining ? "No Container Instances were found in your cluster." : "");
  };
  ASSERT_TRUE(core.open_services(settings).has_value());
  WallTime now = kServiceStart;
  ServiceConfiguration configuration;
  configuration.desired_count = 1;
  configuration.deployment.minimum_healthy_percent = 0;
  std::vector<ServiceKey> keys = {{"c", "a"}, {"c", "b"}, {"c", "d"}};
  for (const ServiceKey& key : keys) {
    core.submit(ServiceCreated{
        .service = key, .configuration = configuration, .revision = plain_spec("v1")});
  }
  ASSERT_TRUE(core.step(now).has_value());
  auto leaving = [&] {
    std::string names;
    for (const ServiceKey& key : keys) {
      auto counts = core.services().counts_of(key, "");
      if (counts.pending + counts.running == 0) names += key.name;
    }
    return names;
  };
  ASSERT_EQ(leaving(), "");  // what a request is about is looked at in its step
  is_draining = true;
  core.submit(NodeChanged{"c"});
  for (const char* expected : {"a", "ab", "abd"}) {
    ASSERT_TRUE(core.step(now).has_value());
    EXPECT_EQ(leaving(), expected);
    now += std::chrono::milliseconds(1);
  }
  auto deadline = core.next_deadline();
  EXPECT_TRUE(!deadline || *deadline > now);
}

}  // namespace
}  // namespace berth::scheduler
