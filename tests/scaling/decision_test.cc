// What policies make of readings.
#include "scaling/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::scaling {
namespace {

using testing::HasSubstr;

constexpr auto kMinute = std::chrono::minutes(1);

ScalingFacts facts(int desired, int running) {
  ScalingFacts facts;
  facts.target.service = {"default", "web"};
  facts.target.min = 1;
  facts.target.max = 10;
  facts.desired = desired;
  facts.running = running;
  facts.now = WallTime(std::chrono::hours(1000));
  return facts;
}

TrackingReading cpu(double value, double target) {
  TrackingReading reading{.policy = "cpu"};
  reading.rule.target = target;
  reading.rule.predefined = "ECSServiceAverageCPUUtilization";
  reading.high_alarm = "high";
  reading.low_alarm = "low";
  reading.value = value;
  reading.is_high = value > target;
  reading.is_low = value < 0.9 * target;
  return reading;
}

StepReading steps(AdjustmentType type, std::vector<Step> all, double offset) {
  StepReading reading{.policy = "steps"};
  reading.rule.type = type;
  reading.rule.steps = std::move(all);
  reading.alarm = "alarm";
  reading.threshold = 50;
  reading.value = 50 + offset;
  reading.is_above = offset >= 0;
  return reading;
}

TEST(TargetTracking, IsProportionalAndRoundsUp) {
  struct {
    int current;
    double value;
    double target;
    int wanted;
  } const kRows[] = {{1, 100, 50, 2}, {2, 90, 50, 4},  {4, 50, 50, 4},    {4, 50.1, 50, 5},
                     {10, 45, 50, 9}, {10, 1, 50, 1},  {3, 0, 50, 0},     {10, 44.9, 50, 9},
                     {3, 30, 90, 1},  {7, 70, 10, 49}, {1, 1e9, 1, 5000}, {0, 50, 10, 0}};
  for (const auto& row : kRows) {
    EXPECT_EQ(tracked(row.current, row.value, row.target), row.wanted)
        << row.current << " x " << row.value << " / " << row.target;
  }
}

TEST(TargetTracking, ScalesOutWithinTheMaximumAndSaysWhy) {
  ScalingFacts now = facts(2, 2);
  now.tracking = {cpu(90, 50)};
  Decision decision = decide(now);
  EXPECT_EQ(decision.desired, 4);
  EXPECT_EQ(decision.alarm, "high");
  EXPECT_THAT(decision.why, HasSubstr("2 x 90.0 / 50 makes 4"));
  EXPECT_EQ(decision.target.out_base, 2);
  EXPECT_EQ(decision.target.out_until, now.now + 5 * kMinute);
  now.target.max = 3;
  EXPECT_EQ(decide(now).desired, 3);
  now.target.max = 2;
  decision = decide(now);
  EXPECT_FALSE(decision.desired);
  EXPECT_EQ(decision.not_scaled->code, "AlreadyAtMaxCapacity");
  EXPECT_EQ(decision.not_scaled->max, 2);
}

TEST(TargetTracking, AddsInACooldownOnlyWhatIsMoreThanWhatItAdded) {
  ScalingFacts now = facts(4, 4);
  now.target.out_base = 2;
  now.target.out_until = now.now + kMinute;
  now.tracking = {cpu(60, 50)};  // wants 5: one more, and two were added
  EXPECT_FALSE(decide(now).desired);
  EXPECT_FALSE(decide(now).not_scaled);
  now.tracking = {cpu(100, 50)};  // wants 8: four more, of which two are there
  Decision decision = decide(now);
  EXPECT_EQ(decision.desired, 6);
  EXPECT_EQ(decision.target.out_base, 2);
  now.target.out_until = now.now;  // over
  EXPECT_EQ(decide(now).desired, 8);
}

TEST(TargetTracking, WaitsForTasksThatStart) {
  ScalingFacts now = facts(4, 2);
  now.tracking = {cpu(90, 50)};  // two tasks want four, and four are desired
  EXPECT_FALSE(decide(now).desired);
  EXPECT_FALSE(decide(now).not_scaled);
}

TEST(TargetTracking, BeginsFromNothingWithTheLeast) {
  ScalingFacts now = facts(0, 0);
  now.target.min = 0;
  now.tracking = {cpu(90, 50)};
  EXPECT_EQ(decide(now).desired, 1);
  now.target.min = 3;
  EXPECT_EQ(decide(now).desired, 3);
  now.desired = 1;  // it is on its way
  EXPECT_FALSE(decide(now).desired);
}

TEST(TargetTracking, ScalesInWhenAllAgreeAndNobodyDeploys) {
  ScalingFacts now = facts(8, 8);
  TrackingReading memory = cpu(40, 50);
  memory.policy = "memory";
  now.tracking = {cpu(10, 50), memory};
  Decision decision = decide(now);
  EXPECT_EQ(decision.desired, 7);  // what memory needs
  EXPECT_EQ(decision.policy, "memory");
  EXPECT_EQ(decision.target.in_until, now.now + 5 * kMinute);

  now.tracking[1] = cpu(48, 50);  // neither high nor low
  EXPECT_FALSE(decide(now).desired);
  now.tracking[1].rule.is_scale_in_disabled = true;  // then it has no say
  EXPECT_EQ(decide(now).desired, 2);
  now.is_deploying = true;
  EXPECT_FALSE(decide(now).desired);
  now.is_deploying = false;
  now.target.in_until = now.now + kMinute;
  EXPECT_FALSE(decide(now).desired);
  now.target.in_until = now.now;
  now.target.suspended.scale_in = true;
  EXPECT_FALSE(decide(now).desired);
}

TEST(TargetTracking, DoesNothingWithoutFigures) {
  ScalingFacts now = facts(8, 8);
  now.tracking = {cpu(10, 50)};
  now.tracking[0].value.reset();
  EXPECT_FALSE(decide(now).desired);
  now.tracking = {cpu(90, 50), cpu(10, 50)};
  now.tracking[0].value.reset();  // high without a figure: nobody takes anything away
  EXPECT_FALSE(decide(now).desired);
}

TEST(TargetTracking, OutWinsAndEndsTheCooldownOfIn) {
  ScalingFacts now = facts(4, 4);
  now.target.in_until = now.now + kMinute;
  now.tracking = {cpu(10, 50), cpu(75, 50)};
  Decision decision = decide(now);
  EXPECT_EQ(decision.desired, 6);
  EXPECT_FALSE(decision.target.in_until);
  now.target.suspended.scale_out = true;
  EXPECT_FALSE(decide(now).desired);
}

TEST(TargetTracking, GoesToItsBoundsFromOutside) {
  ScalingFacts now = facts(1, 1);
  now.target.min = 5;
  now.tracking = {cpu(60, 50)};
  EXPECT_EQ(decide(now).desired, 5);
  now.desired = now.running = 20;
  now.tracking = {cpu(44, 50)};
  EXPECT_EQ(decide(now).desired, 10);
  now.tracking = {cpu(60, 50)};  // out, but above the maximum: it stays
  EXPECT_EQ(decide(now).not_scaled->code, "AlreadyAtMaxCapacity");
  now.desired = now.running = 3;
  now.tracking = {cpu(10, 50)};  // in, but below the minimum: likewise
  EXPECT_EQ(decide(now).not_scaled->code, "AlreadyAtMinCapacity");
}

TEST(StepScaling, ChoosesItsStepByTheSideOfTheThreshold) {
  StepScaling rule;
  rule.steps = {{{}, -10, -2}, {-10, 0, -1}, {0, 10, 1}, {10, {}, 2}};
  struct {
    double offset;
    bool is_above;
    int wanted;
  } const kRows[] = {{0, true, 6},   {9.9, true, 6},   {10, true, 7},   {1000, true, 7},
                     {0, false, 4},  {-9.9, false, 4}, {-10, false, 3}, {-1000, false, 3},
                     {-10, true, 4}, {-1, true, 4},    {10, false, 6}};
  for (const auto& row : kRows) {
    EXPECT_EQ(stepped(rule, 5, row.offset, row.is_above), row.wanted)
        << row.offset << (row.is_above ? " above" : " below");
  }
  rule.steps = {{5, 10, 1}};
  EXPECT_FALSE(stepped(rule, 5, 1, true));
}

TEST(StepScaling, RoundsPercentsAwayFromNothing) {
  struct {
    int current;
    int percent;
    std::optional<int> least;
    int wanted;
  } const kRows[] = {{10, 25, {}, 12}, {10, 5, {}, 11}, {10, -5, {}, 9}, {10, -25, {}, 8},
                     {10, 10, 3, 13},  {10, -10, 3, 7}, {3, 100, {}, 6}, {2, -100, {}, 0},
                     {0, 50, {}, 0},   {0, 50, 2, 2},   {1, -100, 5, 0}};
  for (const auto& row : kRows) {
    StepScaling rule;
    rule.type = AdjustmentType::kPercentChangeInCapacity;
    rule.steps = {{{}, {}, row.percent}};
    rule.min_magnitude = row.least;
    EXPECT_EQ(stepped(rule, row.current, 0, true), row.wanted) << row.current << " " << row.percent;
  }
}

TEST(StepScaling, HasNoGapsAndNoOverlaps) {
  EXPECT_EQ(problem_of({{0, 10, 1}, {10, {}, 2}}), "");
  EXPECT_EQ(problem_of({{10, {}, 2}, {0, 10, 1}}), "");
  EXPECT_THAT(problem_of({{0, 10, 1}, {11, {}, 2}}), HasSubstr("gap"));
  EXPECT_THAT(problem_of({{0, 10, 1}, {9, {}, 2}}), HasSubstr("overlap"));
  EXPECT_THAT(problem_of({{0, {}, 1}, {0, {}, 2}}), HasSubstr("overlap"));
  EXPECT_THAT(problem_of({{5, 5, 1}}), HasSubstr("below"));
}

TEST(StepScaling, CountsWhatACooldownAddedAlready) {
  ScalingFacts now = facts(4, 4);
  now.steps = {steps(AdjustmentType::kChangeInCapacity, {{0, {}, 3}}, 5)};
  EXPECT_EQ(decide(now).desired, 7);
  now.target.out_base = 2;
  now.target.out_until = now.now + kMinute;
  EXPECT_EQ(decide(now).desired, 5);  // three more than before the first
  now.steps[0].rule.steps[0].adjustment = 2;
  EXPECT_FALSE(decide(now).desired);
}

TEST(StepScaling, TakesAwayByItself) {
  ScalingFacts now = facts(4, 4);
  now.steps = {steps(AdjustmentType::kExactCapacity, {{{}, 0, 2}}, -5)};
  now.tracking = {cpu(48, 50)};
  EXPECT_FALSE(decide(now).not_scaled);
  EXPECT_EQ(decide(now).desired, 2);
  now.tracking = {cpu(75, 50)};  // out wins
  EXPECT_EQ(decide(now).desired, 6);
}

}  // namespace
}  // namespace berth::scaling
