// What is remembered of scaling, and read again.
#include "scaling/book.h"

#include "scaling/record.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace berth::scaling {
namespace {

const ServiceKey kWeb{"default", "web"};

WallTime at(int seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

Activity activity(const std::string& id, int seconds) {
  return {.service = kWeb, .id = id, .description = "d", .started_at = at(seconds)};
}

TEST(ScalingBook, IsReadAgainAsItWas) {
  scheduler::MemoryRecords records;
  ScalingBook book = ScalingBook::open(records).value();
  Changes changes;
  ScalableTarget target{.service = kWeb, .id = "0ec5", .min = 1, .max = 9};
  target.suspended.scale_out = true;
  target.tags = {{"team", "blue"}};
  target.out_until = at(70);
  target.out_base = 3;
  target.created_at = at(5);
  changes.targets = {target};
  Policy tracking{.service = kWeb, .name = "cpu", .id = "p1", .created_at = at(6)};
  TargetTracking rule{.target = 62.5, .in_cooldown = 7, .is_scale_in_disabled = true};
  rule.customized = {"App", "Load", {{"Host", "h"}}, "Sum", "Count"};
  tracking.rule = rule;
  tracking.high_alarm = "h";
  tracking.low_alarm = "l";
  Policy steps{.service = kWeb, .name = "steps", .id = "p2"};
  steps.rule = StepScaling{.type = AdjustmentType::kPercentChangeInCapacity,
                           .steps = {{{}, 0.5, -3}, {0.5, {}, 4}},
                           .min_magnitude = 2,
                           .cooldown = 0,
                           .aggregation = "Maximum"};
  changes.policies = {tracking, steps};
  ScheduledAction action{.service = kWeb, .name = "night", .id = "a", .schedule = "rate(1 day)"};
  action.time_zone = "Europe/Berlin";
  action.start = at(1);
  action.max = 0;
  action.ran_at = at(2);
  changes.actions = {action};
  Activity done = activity("x", 3);
  done.status = ActivityStatus::kFailed;
  done.not_scaled = NotScaled{.code = "AlreadyAtMaxCapacity", .max = 9, .current = 9};
  done.ended_at = at(4);
  changes.activities = {done};
  ASSERT_TRUE(book.write(changes));

  ScalingBook again = ScalingBook::open(records).value();
  EXPECT_EQ(*again.find_target(kWeb), target);
  ASSERT_EQ(again.policies_of(kWeb).size(), 2U);
  EXPECT_EQ(*again.policies_of(kWeb)[0], tracking);
  EXPECT_EQ(*again.policies_of(kWeb)[1], steps);
  EXPECT_EQ(*again.actions_of(kWeb).at(0), action);
  EXPECT_EQ(again.activities_of(kWeb), std::vector<Activity>{done});
  EXPECT_EQ(again.find_target({"default", "we"}), nullptr);
  EXPECT_TRUE(again.policies_of({"default", "we"}).empty());

  ASSERT_TRUE(again.write(again.without(kWeb)));
  ScalingBook emptied = ScalingBook::open(records).value();
  EXPECT_TRUE(emptied.targets().empty());
  EXPECT_TRUE(emptied.policies().empty());
  EXPECT_TRUE(emptied.actions().empty());
  EXPECT_EQ(emptied.activities_of(kWeb).size(), 1U);  // what happened has happened
}

TEST(ScalingBook, KeepsTheLatestActivities) {
  scheduler::MemoryRecords records;
  ScalingBook book = ScalingBook::open(records).value();
  for (size_t i = 0; i < kActivitiesMax + 2; ++i) {
    Changes changes;
    changes.activities = {activity(fmt::format("{}", i), static_cast<int>(i))};
    ASSERT_TRUE(book.write(changes));
  }
  EXPECT_EQ(book.activities_of(kWeb).size(), kActivitiesMax);
  EXPECT_EQ(records.read(kActivityKind)->size(), kActivitiesMax);
  ScalingBook again = ScalingBook::open(records).value();
  EXPECT_EQ(again.activities_of(kWeb), book.activities_of(kWeb));
  EXPECT_EQ(again.activities_of(kWeb).front().id, "2");
}

TEST(ScalingBook, RefusesARecordThatIsDamaged) {
  for (const char* body : {"{}", "[]", "{\"cluster\": 1}"}) {
    for (const char* kind : {kTargetKind, kPolicyKind, kActionKind, kActivityKind}) {
      scheduler::MemoryRecords records;
      ASSERT_TRUE(records.write({{kind, "key", body}}));
      EXPECT_FALSE(ScalingBook::open(records)) << kind << body;
    }
  }
}

}  // namespace
}  // namespace berth::scaling
