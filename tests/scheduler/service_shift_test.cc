// Blue/green, linear and canary deployments, their hooks, and task sets.
#include "service_fixture.h"

#include <chrono>

namespace berth::scheduler {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

ServiceConfiguration shifting(DeploymentStrategy strategy) {
  ServiceConfiguration configuration;
  configuration.desired_count = 2;
  configuration.deployment.strategy = strategy;
  configuration.deployment.bake_minutes = 5;
  return configuration;
}

class Shifting : public testing::Test {
 protected:
  // With its first revision complete.
  void begin(ServiceConfiguration configuration) {
    world_.core().attach(plane_);
    world_.create(std::move(configuration), plain_spec("blue"));
    world_.settle();
    blue_ = world_.primary().revision;
    EXPECT_EQ(plane_.of(world_.key()).production, (std::map<std::string, int>{{blue_, 1000}}));
  }
  // Its hooks are for what comes after.
  void begin_without(const ServiceConfiguration& configuration) {
    ServiceConfiguration first = configuration;
    first.deployment.hooks.clear();
    begin(first);
    world_.update(configuration, {});
  }
  void deploy() {
    world_.deploy(plain_spec("green"));
    green_ = world_.primary().revision;
  }
  void scale_up() {
    world_.run_pending();
    world_.pass(seconds(41));
  }
  std::map<std::string, int> production() { return plane_.of(world_.key()).production; }
  LifecycleStage stage() { return *world_.progress().stage; }
  void answer(bool is_success) {
    world_.core().submit(
        HookAnswered{.service_deployment = world_.progress().id, .is_success = is_success});
    world_.step();
  }

  MemoryTrafficPlane plane_;
  ServiceWorld world_;
  std::string blue_;
  std::string green_;
};

TEST_F(Shifting, BlueGreenScalesUpShiftsBakesAndCleansUp) {
  begin(shifting(DeploymentStrategy::kBlueGreen));
  deploy();
  EXPECT_EQ(stage(), LifecycleStage::kScaleUp);
  EXPECT_EQ(world_.live(blue_).size(), 2u);
  EXPECT_EQ(world_.live(green_).size(), 2u);
  EXPECT_EQ(production(), (std::map<std::string, int>{{blue_, 1000}}));
  std::string lost = world_.live(blue_)[0];
  world_.exit(lost);
  EXPECT_EQ(world_.live(blue_).size(), 2u);  // blue serves: it is kept whole
  scale_up();
  EXPECT_EQ(stage(), LifecycleStage::kBakeTime);
  EXPECT_EQ(production(), (std::map<std::string, int>{{green_, 1000}}));
  EXPECT_EQ(plane_.of(world_.key()).test, (std::map<std::string, int>{{green_, 1000}}));
  EXPECT_EQ(world_.live(blue_).size(), 2u);  // both are there
  world_.pass(minutes(5));
  EXPECT_EQ(stage(), LifecycleStage::kCleanUp);
  EXPECT_TRUE(world_.live(blue_).empty());
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kInProgress);
  world_.release_stopping();
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kSuccessful);
  EXPECT_TRUE(world_.service().is_steady);
  EXPECT_EQ(world_.service().deployments.size(), 1u);
  EXPECT_EQ(production(), (std::map<std::string, int>{{green_, 1000}}));
}

TEST_F(Shifting, LinearGoesInEqualSteps) {
  ServiceConfiguration configuration = shifting(DeploymentStrategy::kLinear);
  configuration.deployment.linear = {.step_permille = 300, .step_bake_minutes = 6};
  begin(configuration);
  deploy();
  scale_up();
  for (int step : {300, 600, 900}) {
    EXPECT_EQ(stage(), LifecycleStage::kProductionTrafficShift);
    EXPECT_EQ(production(), (std::map<std::string, int>{{blue_, 1000 - step}, {green_, step}}));
    world_.pass(minutes(6));
  }
  EXPECT_EQ(production(), (std::map<std::string, int>{{green_, 1000}}));
  EXPECT_EQ(stage(), LifecycleStage::kBakeTime);  // no bake of the last step
}

TEST_F(Shifting, CanaryGoesInTwo) {
  ServiceConfiguration configuration = shifting(DeploymentStrategy::kCanary);
  configuration.deployment.canary = {.canary_permille = 50, .canary_bake_minutes = 10};
  begin(configuration);
  deploy();
  scale_up();
  EXPECT_EQ(production(), (std::map<std::string, int>{{blue_, 950}, {green_, 50}}));
  world_.pass(minutes(10));
  EXPECT_EQ(production(), (std::map<std::string, int>{{green_, 1000}}));
}

TEST_F(Shifting, APauseWaitsForItsAnswer) {
  ServiceConfiguration configuration = shifting(DeploymentStrategy::kBlueGreen);
  configuration.deployment.hooks = {
      {.stages = {LifecycleStage::kPreScaleUp, LifecycleStage::kPostTestTrafficShift},
       .timeout_minutes = 60}};
  begin_without(configuration);
  deploy();
  EXPECT_EQ(stage(), LifecycleStage::kPreScaleUp);
  EXPECT_TRUE(world_.live(green_).empty());
  ASSERT_EQ(world_.progress().hooks.size(), 1u);
  EXPECT_EQ(world_.progress().hooks[0].status, HookStatus::kAwaitingAction);
  world_.open();  // a death does not answer it
  world_.core().attach(plane_);
  world_.step();
  EXPECT_EQ(stage(), LifecycleStage::kPreScaleUp);
  answer(true);
  EXPECT_EQ(world_.live(green_).size(), 2u);
  scale_up();
  EXPECT_EQ(stage(), LifecycleStage::kPostTestTrafficShift);
  EXPECT_EQ(production(), (std::map<std::string, int>{{blue_, 1000}}));
  answer(false);
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kRollbackInProgress);
  EXPECT_EQ(world_.primary().revision, blue_);
  EXPECT_EQ(production(), (std::map<std::string, int>{{blue_, 1000}}));
  EXPECT_TRUE(plane_.of(world_.key()).test.empty());
  world_.release_stopping();
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kRollbackSuccessful);
  EXPECT_EQ(world_.live(blue_).size(), 2u);
  EXPECT_TRUE(world_.live(green_).empty());
}

TEST_F(Shifting, AHookThatDoesNotAnswerRollsBackOrGoesOn) {
  for (auto action : {HookTimeoutAction::kRollback, HookTimeoutAction::kContinue}) {
    ServiceWorld world;
    ServiceConfiguration configuration = shifting(DeploymentStrategy::kBlueGreen);
    world.create(configuration, plain_spec("blue"));
    world.settle();
    configuration.deployment.hooks = {
        {.stages = {LifecycleStage::kPreScaleUp}, .timeout_minutes = 60, .timeout_action = action}};
    world.update(configuration, {});
    world.deploy(plain_spec("green"));
    world.pass(minutes(59));
    EXPECT_EQ(world.progress().stage, LifecycleStage::kPreScaleUp);
    world.pass(minutes(1));
    if (action == HookTimeoutAction::kContinue) {
      EXPECT_EQ(world.progress().stage, LifecycleStage::kScaleUp);
    } else {
      EXPECT_EQ(world.progress().status, ServiceDeploymentStatus::kRollbackSuccessful);
      EXPECT_TRUE(world.has_message("deployment failed: lifecycle hook failed."));
    }
  }
}

// Stages and hooks, but neither steps nor bakes: there is nothing to go back to.
TEST_F(Shifting, TheFirstDeploymentAsksItsHooksToo) {
  ServiceConfiguration configuration = shifting(DeploymentStrategy::kCanary);
  configuration.deployment.hooks = {
      {.stages = {LifecycleStage::kPreScaleUp, LifecycleStage::kPreProductionTrafficShift}}};
  world_.core().attach(plane_);
  world_.create(configuration, plain_spec("first"));
  std::string first = world_.primary().revision;
  EXPECT_EQ(stage(), LifecycleStage::kPreScaleUp);
  EXPECT_TRUE(world_.live(first).empty());
  answer(true);
  EXPECT_EQ(world_.live(first).size(), 2u);
  scale_up();
  EXPECT_EQ(stage(), LifecycleStage::kPreProductionTrafficShift);
  EXPECT_EQ(production(), (std::map<std::string, int>{{first, 0}}));
  EXPECT_EQ(plane_.of(world_.key()).test, (std::map<std::string, int>{{first, 1000}}));
  answer(true);
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kSuccessful);
  EXPECT_EQ(world_.progress().steps, 1);
  EXPECT_EQ(production(), (std::map<std::string, int>{{first, 1000}}));
  EXPECT_TRUE(world_.service().is_steady);
}

TEST_F(Shifting, AFirstDeploymentThatAHookRefusesHasNothingToGoBackTo) {
  ServiceConfiguration configuration = shifting(DeploymentStrategy::kBlueGreen);
  configuration.deployment.hooks = {{.stages = {LifecycleStage::kPostScaleUp}}};
  world_.core().attach(plane_);
  world_.create(configuration, plain_spec("first"));
  std::string first = world_.primary().revision;
  scale_up();
  ASSERT_EQ(stage(), LifecycleStage::kPostScaleUp);
  answer(false);
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kRollbackFailed);
  EXPECT_EQ(production(), (std::map<std::string, int>{{first, 0}}));
  // What comes after it rolls, and is asked nothing.
  world_.deploy(plain_spec("second"));
  world_.settle();
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kSuccessful);
  EXPECT_TRUE(world_.progress().hooks.empty());
  EXPECT_EQ(production(), (std::map<std::string, int>{{world_.primary().revision, 1000}}));
}

TEST_F(Shifting, AnAlarmWhileItBakesGivesTheTrafficBack) {
  ServiceConfiguration configuration = shifting(DeploymentStrategy::kBlueGreen);
  configuration.deployment.alarms = {.names = {"errors"}, .enable = true, .rollback = true};
  begin(configuration);
  deploy();
  scale_up();
  EXPECT_EQ(production(), (std::map<std::string, int>{{green_, 1000}}));
  world_.core().submit(AlarmChanged{.alarm = "errors", .is_raised = true});
  world_.step();
  EXPECT_EQ(production(), (std::map<std::string, int>{{blue_, 1000}}));
  world_.release_stopping();
  EXPECT_EQ(world_.progress().status, ServiceDeploymentStatus::kRollbackSuccessful);
  EXPECT_EQ(world_.live(blue_).size(), 2u);
}

TEST_F(Shifting, AThirdRevisionGoesFirst) {
  begin(shifting(DeploymentStrategy::kBlueGreen));
  deploy();
  std::string superseded = green_;
  world_.run_pending();
  deploy();
  EXPECT_EQ(stage(), LifecycleStage::kReconcileService);
  EXPECT_TRUE(world_.live(superseded).empty());
  EXPECT_TRUE(world_.live(green_).empty());
  world_.release_stopping();
  EXPECT_EQ(stage(), LifecycleStage::kScaleUp);
  EXPECT_EQ(world_.live(green_).size(), 2u);
}

TEST_F(Shifting, TheBreakerTripsForGreenAlone) {
  ServiceConfiguration configuration = shifting(DeploymentStrategy::kBlueGreen);
  configuration.deployment.circuit_breaker = {.enable = true, .rollback = true};
  begin(configuration);
  deploy();
  for (int i = 0; i < 3; ++i) {
    world_.pass(minutes(1));
    world_.fail_to_start(world_.with_phase(TaskPhase::kPending).at(0));
  }
  EXPECT_EQ(world_.primary().revision, blue_);
  EXPECT_EQ(world_.live(blue_).size(), 2u);
}

TEST(TaskSets, EachHasItsShareOfTheDesiredCount) {
  ServiceWorld world;
  ServiceConfiguration configuration;
  configuration.controller = DeploymentController::kExternal;
  configuration.desired_count = 5;
  world.core().submit(ServiceCreated{.service = world.key(), .configuration = configuration});
  world.step();
  EXPECT_TRUE(world.service().deployments.empty());
  for (auto [id, scale] : {std::pair("ecs-svc/1", 1'000'000), std::pair("ecs-svc/2", 300'000)}) {
    world.core().submit(TaskSetCreated{
        .service = world.key(), .id = id, .revision = plain_spec(id), .scale_ppm = scale});
  }
  world.step();
  ASSERT_EQ(world.service().task_sets.size(), 2u);
  EXPECT_EQ(world.live(world.service().task_sets[0].revision).size(), 5u);
  EXPECT_EQ(world.live(world.service().task_sets[1].revision).size(), 2u);  // 1.5, rounded up
  EXPECT_EQ(world.service().task_sets[0].stability, StabilityStatus::kStabilizing);
  world.run_pending();
  world.pass(seconds(41));
  EXPECT_EQ(world.service().task_sets[0].stability, StabilityStatus::kSteadyState);
  EXPECT_TRUE(world.service().is_steady);
  world.core().submit(PrimaryTaskSetChanged{world.key(), "ecs-svc/2"});
  world.core().submit(TaskSetScaled{world.key(), "ecs-svc/2", 1'000'000});
  world.core().submit(TaskSetDeleted{world.key(), "ecs-svc/1"});
  world.step();
  EXPECT_EQ(world.service().task_sets[0].status, TaskSetStatus::kDraining);
  EXPECT_EQ(world.service().task_sets[1].status, TaskSetStatus::kPrimary);
  EXPECT_EQ(world.live(world.service().task_sets[1].revision).size(), 5u);
  world.release_stopping();
  EXPECT_EQ(world.service().task_sets.size(), 1u);
  world.core().submit(ServiceDeleted{world.key()});
  world.step();
  world.release_stopping();
  EXPECT_EQ(world.service().status, ServiceStatus::kInactive);
}

}  // namespace
}  // namespace berth::scheduler
