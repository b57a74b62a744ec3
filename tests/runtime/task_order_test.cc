#include "runtime/task_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Condition = DependencyCondition;
using Phase = ContainerPhase;

const Instant kNow{seconds(1000)};

ContainerPlan container(const std::string& name, std::vector<ContainerDependency> depends_on = {},
                        bool essential = false) {
  ContainerPlan plan;
  plan.name = name;
  plan.essential = essential;
  plan.depends_on = std::move(depends_on);
  return plan;
}

ContainerProgress running_since(seconds ago) {
  return {Phase::kRunning, std::nullopt, kNow - ago};
}
ContainerProgress running() {
  return running_since(seconds(1));
}
ContainerProgress healthy() {
  ContainerProgress progress = running();
  progress.health = HealthStatus::kHealthy;
  return progress;
}
ContainerProgress unhealthy() {
  ContainerProgress progress = running();
  progress.health = HealthStatus::kUnhealthy;
  return progress;
}
ContainerProgress stopping() {
  return {Phase::kStopping, std::nullopt, kNow - seconds(1)};
}
ContainerProgress exited(int code) {
  return {Phase::kStopped, code, kNow - seconds(1)};
}
ContainerProgress never_ran() {
  return {Phase::kStopped, std::nullopt, {}};
}

// "db" and "web", which depends on it; "other" keeps the task from being finished.
TaskActions when_db_is(ContainerProgress db, Condition condition,
                       std::optional<uint32_t> start_timeout = std::nullopt) {
  std::vector<ContainerPlan> plan = {container("web", {{"db", condition}}), container("db"),
                                     container("other")};
  plan[1].start_timeout_seconds = start_timeout;
  return next_actions(plan, {{}, db, running()}, TaskGoal::kRun, kNow);
}

TEST(TaskOrder, ConditionMeetsEveryState) {
  enum class Expected { kStart, kWait, kNever };
  struct Case {
    const char* name;
    ContainerProgress db;
    Expected start;
    Expected complete;
    Expected success;
    Expected healthy;
  };
  constexpr auto kStart = Expected::kStart;
  constexpr auto kWait = Expected::kWait;
  constexpr auto kNever = Expected::kNever;
  const Case kCases[] = {
      {"waiting", {}, kWait, kWait, kWait, kWait},
      {"running", running(), kStart, kWait, kWait, kWait},
      {"healthy", healthy(), kStart, kWait, kWait, kStart},
      {"unhealthy", unhealthy(), kStart, kWait, kWait, kWait},
      {"stopping", stopping(), kStart, kWait, kWait, kWait},
      {"exited with 0", exited(0), kStart, kStart, kStart, kNever},
      {"exited with 3", exited(3), kStart, kStart, kNever, kNever},
      {"killed", exited(137), kStart, kStart, kNever, kNever},
      {"never ran", never_ran(), kNever, kNever, kNever, kNever},
  };
  for (const Case& one : kCases) {
    const std::pair<Condition, Expected> kConditions[] = {{Condition::kStart, one.start},
                                                          {Condition::kComplete, one.complete},
                                                          {Condition::kSuccess, one.success},
                                                          {Condition::kHealthy, one.healthy}};
    for (auto [condition, expected] : kConditions) {
      SCOPED_TRACE(fmt::format("{}, condition {}", one.name, static_cast<int>(condition)));
      TaskActions actions = when_db_is(one.db, condition);
      bool web_starts =
          std::find(actions.start.begin(), actions.start.end(), 0U) != actions.start.end();
      EXPECT_EQ(web_starts, expected == kStart);
      EXPECT_EQ(actions.refuse.size(), expected == kNever ? 1U : 0U);
      EXPECT_FALSE(actions.finished);
      EXPECT_FALSE(actions.wake_at);
    }
  }
}

TEST(TaskOrder, RefusalSaysWhichDependencyAndWhy) {
  EXPECT_EQ(when_db_is(exited(3), Condition::kSuccess).refuse.at(0).reason,
            "TaskDependencyError: container db exited with 3, SUCCESS needs 0");
  EXPECT_EQ(when_db_is(never_ran(), Condition::kStart).refuse.at(0).reason,
            "TaskDependencyError: container db never started");
  EXPECT_EQ(when_db_is(exited(0), Condition::kHealthy).refuse.at(0).reason,
            "TaskDependencyError: container db stopped, HEALTHY needs it");
}

TEST(TaskOrder, StartTimeoutBoundsTheWaitForHealth) {
  EXPECT_EQ(when_db_is(running_since(seconds(9)), Condition::kHealthy, 10).wake_at,
            kNow + seconds(1));
  ContainerProgress sick = unhealthy();
  sick.started_at = kNow - seconds(10);
  auto due = when_db_is(sick, Condition::kHealthy, 10);
  ASSERT_EQ(due.refuse.size(), 1U);
  EXPECT_EQ(
      due.refuse[0].reason,
      "TaskDependencyError: container db did not become HEALTHY within its startTimeout of 10 s");
  sick.health = HealthStatus::kHealthy;
  EXPECT_THAT(when_db_is(sick, Condition::kHealthy, 10).start, ElementsAre(0));
}

TEST(TaskOrder, StartTimeoutBoundsTheWaitForTheEnd) {
  for (Condition condition : {Condition::kComplete, Condition::kSuccess}) {
    TaskActions early = when_db_is(running_since(seconds(9)), condition, 10);
    EXPECT_THAT(early.refuse, IsEmpty());
    EXPECT_EQ(early.wake_at, kNow + seconds(1));

    TaskActions due = when_db_is(running_since(seconds(10)), condition, 10);
    ASSERT_EQ(due.refuse.size(), 1U);
    EXPECT_EQ(due.refuse[0].reason,
              "TaskDependencyError: container db did not stop within its startTimeout of 10 s");
    EXPECT_FALSE(due.wake_at);

    EXPECT_FALSE(when_db_is({}, condition, 10).wake_at) << "the time runs from its start";
    EXPECT_THAT(when_db_is(exited(0), condition, 10).start, ElementsAre(0)) << "in time, if late";
  }
  EXPECT_FALSE(when_db_is(running(), Condition::kStart, 10).wake_at);
}

TEST(TaskOrder, WakesAtTheFirstOfManyTimeouts) {
  std::vector<ContainerPlan> plan = {
      container("a"), container("b"),
      container("web", {{"a", Condition::kComplete}, {"b", Condition::kSuccess}}),
      container("job", {{"b", Condition::kComplete}})};
  plan[0].start_timeout_seconds = 30;
  plan[1].start_timeout_seconds = 5;
  auto actions = next_actions(plan, {running(), running(), {}, {}}, TaskGoal::kRun, kNow);
  EXPECT_EQ(actions.wake_at, kNow + seconds(4));
}

TEST(TaskOrder, OneUnsatisfiedDependencyOfManyHoldsBack) {
  std::vector<ContainerPlan> plan = {
      container("a"), container("b"),
      container("web", {{"a", Condition::kStart}, {"b", Condition::kSuccess}})};
  auto step = [&](ContainerProgress a, ContainerProgress b) {
    return next_actions(plan, {a, b, {}}, TaskGoal::kRun, kNow);
  };
  EXPECT_THAT(step({}, {}).start, ElementsAre(0, 1));
  EXPECT_THAT(step(running(), running()).start, IsEmpty());
  EXPECT_THAT(step(running(), exited(0)).start, ElementsAre(2));
  EXPECT_EQ(step({}, exited(1)).refuse.size(), 1U) << "final even while another is pending";
}

TEST(TaskOrder, RefusalPassesDownTheChain) {
  std::vector<ContainerPlan> plan = {container("a"), container("b", {{"a", Condition::kStart}}),
                                     container("c", {{"b", Condition::kStart}})};
  std::vector<ContainerProgress> progress = {never_ran(), {}, {}};
  auto actions = next_actions(plan, progress, TaskGoal::kRun, kNow);
  ASSERT_EQ(actions.refuse.size(), 1U);
  EXPECT_EQ(actions.refuse[0].container, 1U);
  progress[1] = never_ran();
  actions = next_actions(plan, progress, TaskGoal::kRun, kNow);
  ASSERT_EQ(actions.refuse.size(), 1U);
  EXPECT_THAT(actions.refuse[0].reason, HasSubstr("container b never started"));
}

TEST(TaskOrder, EndOfAnEssentialContainerEndsTheTask) {
  std::vector<ContainerPlan> plan = {container("side"), container("main", {}, true),
                                     container("late", {{"side", Condition::kComplete}})};
  auto actions = next_actions(plan, {running(), exited(0), {}}, TaskGoal::kRun, kNow);
  EXPECT_EQ(actions.ended_by, 1U);
  EXPECT_THAT(actions.start, IsEmpty());
  ASSERT_EQ(actions.refuse.size(), 1U);
  EXPECT_EQ(actions.refuse[0].container, 2U);
  EXPECT_EQ(actions.refuse[0].reason, "") << "it was not its fault";

  actions = next_actions(plan, {exited(1), running(), {}}, TaskGoal::kRun, kNow);
  EXPECT_FALSE(actions.ended_by) << "one that is not essential may end";
  EXPECT_THAT(actions.start, ElementsAre(2));

  actions = next_actions(plan, {running(), never_ran(), {}}, TaskGoal::kRun, kNow);
  EXPECT_EQ(actions.ended_by, 1U) << "one that never ran has ended as well";
}

TEST(TaskOrder, StopsInReverseOfTheDependencies) {
  // web -> app -> db, and a sidecar that nobody knows.
  std::vector<ContainerPlan> plan = {container("db"), container("app", {{"db", Condition::kStart}}),
                                     container("web", {{"app", Condition::kStart}}),
                                     container("sidecar")};
  auto stops = [&](std::vector<ContainerProgress> progress) {
    return next_actions(plan, progress, TaskGoal::kStop, kNow).stop;
  };
  EXPECT_THAT(stops({running(), running(), running(), running()}), ElementsAre(2, 3));
  EXPECT_THAT(stops({running(), running(), stopping(), stopping()}), IsEmpty());
  EXPECT_THAT(stops({running(), running(), exited(0), stopping()}), ElementsAre(1));
  EXPECT_THAT(stops({running(), exited(143), exited(0), stopping()}), ElementsAre(0));
  EXPECT_THAT(stops({running(), never_ran(), never_ran(), running()}), ElementsAre(0, 3));
}

TEST(TaskOrder, StoppingRefusesWhatStillWaits) {
  std::vector<ContainerPlan> plan = {container("db"),
                                     container("web", {{"db", Condition::kStart}})};
  auto actions = next_actions(plan, {{}, {}}, TaskGoal::kStop, kNow);
  EXPECT_EQ(actions.refuse.size(), 2U);
  EXPECT_THAT(actions.start, IsEmpty());
  actions = next_actions(plan, {running(), {}}, TaskGoal::kStop, kNow);
  EXPECT_EQ(actions.refuse.size(), 1U);
  EXPECT_THAT(actions.stop, IsEmpty()) << "not before web counts as stopped";
}

TEST(TaskOrder, FinishedWhenAllHaveStopped) {
  std::vector<ContainerPlan> plan = {container("a"), container("b", {}, true)};
  for (TaskGoal goal : {TaskGoal::kRun, TaskGoal::kStop}) {
    auto actions = next_actions(plan, {exited(1), never_ran()}, goal, kNow);
    EXPECT_TRUE(actions.finished);
    EXPECT_TRUE(actions.start.empty() && actions.stop.empty() && actions.refuse.empty());
    EXPECT_EQ(actions.ended_by, 1U);
    EXPECT_FALSE(next_actions(plan, {exited(1), stopping()}, goal, kNow).finished);
  }
}

}  // namespace
}  // namespace berth::runtime
