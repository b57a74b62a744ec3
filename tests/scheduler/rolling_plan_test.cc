// The arithmetic of rolling deployments, exactly.
#include "scheduler/rolling_plan.h"

#include <gtest/gtest.h>

#include <memory>

namespace berth::scheduler {
namespace {

TEST(RollingBounds, AreRoundedUpAndDown) {
  struct Case {
    int desired, minimum, maximum, lower, upper;
  };
  for (const Case& each : {Case{4, 50, 200, 2, 8}, Case{2, 75, 100, 2, 2}, Case{3, 100, 125, 3, 3},
                           Case{4, 100, 200, 4, 8}, Case{1, 0, 100, 0, 1}, Case{10, 33, 133, 4, 13},
                           Case{0, 100, 200, 0, 0}, Case{3, 50, 150, 2, 4}}) {
    SCOPED_TRACE(each.desired);
    EXPECT_EQ(lower_bound_of(each.desired, each.minimum), each.lower);
    EXPECT_EQ(upper_bound_of(each.desired, each.maximum), each.upper);
  }
}

TEST(CircuitBreakerThreshold, IsHalfOfTheDesiredCountBetweenThreeAndTwoHundred) {
  CircuitBreaker breaker;
  for (auto [desired, threshold] : std::vector<std::pair<int, int>>{
           {0, 3}, {1, 3}, {6, 3}, {7, 4}, {25, 13}, {399, 200}, {400, 200}, {5000, 200}}) {
    EXPECT_EQ(breaker_threshold_of(breaker, desired), threshold) << desired;
  }
  breaker.threshold_type = ThresholdType::kUnboundedPercent;
  EXPECT_EQ(breaker_threshold_of(breaker, 5000), 2500);
  EXPECT_EQ(breaker_threshold_of(breaker, 1), 1);
  breaker.threshold_type = ThresholdType::kCount;
  breaker.threshold_value = 7;
  EXPECT_EQ(breaker_threshold_of(breaker, 1), 7);
}

// Tasks as letters, in order of their age: the PRIMARY's in upper case, older ones' in lower case.
// H healthy, S settling, P pending, U unhealthy; a ! before one: protected.
struct Drawn {
  std::vector<std::unique_ptr<ServiceTask>> tasks;
  std::vector<GradedTask> graded;
};

TaskGrade grade_of_letter(char letter) {
  switch (std::toupper(letter)) {
    case 'H':
      return TaskGrade::kHealthy;
    case 'S':
      return TaskGrade::kSettling;
    case 'U':
      return TaskGrade::kUnhealthy;
    default:
      return TaskGrade::kPending;
  }
}

Drawn draw(const std::string& picture) {
  Drawn drawn;
  bool is_protected = false;
  for (char letter : picture) {
    if (letter == '!') {
      is_protected = true;
      continue;
    }
    auto task = std::make_unique<ServiceTask>();
    task->id = std::string(1, letter) + std::to_string(drawn.tasks.size());
    task->created_at = WallTime(std::chrono::seconds(drawn.tasks.size()));
    bool is_new = std::isupper(letter) != 0;
    drawn.graded.push_back({.task = task.get(),
                            .grade = grade_of_letter(letter),
                            .is_new = is_new,
                            .age = is_new ? 0 : 1,
                            .is_protected = is_protected});
    drawn.tasks.push_back(std::move(task));
    is_protected = false;
  }
  return drawn;
}

struct PlanCase {
  const char* why;
  const char* tasks;
  int desired, minimum, maximum;
  int start;
  std::vector<std::string> stops;
  bool is_blocked = false;
  bool is_held = false;
};

TEST(RollingPlan, StartsAndStopsWhatTheBoundsAllow) {
  const PlanCase kCases[] = {
      {"a new service", "", 4, 100, 200, 4, {}},
      {"nothing to do", "HHHH", 4, 100, 200, 0, {}},
      {"4, 200 %: four start", "hhhh", 4, 100, 200, 4, {}},
      {"4, 50 %: two may stop first", "hhhh", 4, 50, 100, 0, {"h0", "h1"}},
      {"2, 75 %: none may stop, none may start", "hh", 2, 75, 100, 0, {}, true},
      {"3, 125 %: hi is 3", "hhh", 3, 100, 125, 0, {}, true},
      {"what waits is not blocked", "hhhP", 4, 100, 100, 0, {}},
      {"room after two have stopped", "hh", 4, 50, 100, 2, {}},
      {"one for one", "hhhhHP", 4, 100, 200, 2, {"h0"}},
      {"a settling one does not count", "hhhhSSSS", 4, 100, 200, 0, {}},
      {"all have taken over", "hhhhHHHH", 4, 100, 200, 0, {"h0", "h1", "h2", "h3"}},
      {"old ones that do not serve go first, always", "puhhhhPP", 4, 100, 200, 0, {"p0", "u1"}},
      {"old settling ones serve maybe", "ssss", 4, 100, 200, 4, {}},
      {"old settling ones go before healthy ones", "shhhhHH", 4, 100, 200, 1, {"s0", "h1", "h2"}},
      {"a protected old one stays", "!hhHH", 2, 100, 200, 0, {"h1"}, false, true},
      {"scale in: what does least, then the youngest", "HHSPH", 2, 100, 200, 0, {"P3", "S2", "H4"}},
      {"scale in: protected ones stay", "!H!HH", 1, 100, 200, 0, {"H2"}, false, true},
      {"an unhealthy one stays until another is healthy", "U", 1, 100, 200, 1, {}},
      {"while its replacement settles", "US", 1, 100, 200, 0, {}},
      {"and goes then", "UH", 1, 100, 200, 0, {"U0"}},
      {"without room it goes first", "UHHH", 4, 50, 100, 0, {"U0"}},
      {"two unhealthy ones without room", "UU", 1, 100, 200, 0, {"U0"}},
      {"protection is not for unhealthy ones", "!UH", 1, 100, 200, 0, {"U0"}},
      {"scaled to none", "HPhU", 0, 100, 200, 0, {"P1", "H0", "U3", "h2"}},
  };
  for (const PlanCase& each : kCases) {
    SCOPED_TRACE(each.why);
    Drawn drawn = draw(each.tasks);
    RollingBounds bounds{.desired = each.desired,
                         .lower = lower_bound_of(each.desired, each.minimum),
                         .upper = upper_bound_of(each.desired, each.maximum)};
    RollingPlan plan = plan_rolling(drawn.graded, bounds);
    std::vector<std::string> stops;
    for (const PlannedStop& stop : plan.stops) stops.push_back(stop.task->id);
    EXPECT_EQ(plan.start, each.start);
    EXPECT_EQ(stops, each.stops);
    EXPECT_EQ(plan.is_blocked, each.is_blocked);
    EXPECT_EQ(plan.is_held_by_protection, each.is_held);
  }
}

// Green (a letter of its own, older) runs on and serves nobody: blue is to be whole without it.
TEST(RollingPlan, WhatAloneHasTheTrafficKeepsTheLowerBoundAlone) {
  Drawn drawn = draw("hhhhhhh");
  for (size_t i = 0; i < 5; ++i) drawn.graded[i].has_traffic = true;
  for (size_t i = 0; i < 7; ++i) drawn.graded[i].age = i < 5 ? 1 : 2;
  drawn.graded[5].is_protected = true;
  drawn.graded[6].is_protected = true;
  RollingPlan plan = plan_rolling(drawn.graded, {.desired = 6, .lower = 4, .upper = 12});
  ASSERT_EQ(plan.stops.size(), 1u);
  EXPECT_EQ(plan.stops[0].task->id, "h0");
  for (GradedTask& each : drawn.graded) each.has_traffic = false;
  plan = plan_rolling(drawn.graded, {.desired = 6, .lower = 4, .upper = 12});
  EXPECT_EQ(plan.stops.size(), 3u);
}

TEST(RollingPlan, ADaemonWaitsForTheOneThatStops) {
  Drawn none = draw("");
  EXPECT_EQ(plan_rolling(none.graded, {.desired = 1, .upper = 1, .stopping = 1}).start, 0);
  EXPECT_EQ(plan_rolling(none.graded, {.desired = 1, .upper = 1, .stopping = 0}).start, 1);
}

}  // namespace
}  // namespace berth::scheduler
