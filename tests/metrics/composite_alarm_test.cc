#include "metrics/composite_alarm.h"

#include "metrics/alarm_book.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kCompositeNow = 1700000040;

CompositeAlarm composite(const std::string& name, const std::string& rule) {
  CompositeAlarm alarm;
  alarm.name = name;
  alarm.rule_text = rule;
  alarm.rule = AlarmRule::parse(rule).value();
  return alarm;
}

class CompositeAlarmTest : public testing::Test {
 protected:
  CompositeAlarmTest() {
    for (const char* name : {"cpu", "disk"}) {
      Alarm alarm;
      alarm.name = name;
      alarm.metric = {"App", name, {}};
      alarm.statistic = "Maximum";
      alarm.threshold = 10;
      alarm.comparison = "GreaterThanThreshold";
      EXPECT_TRUE(book_.put(alarm));
    }
  }
  void set(const std::string& name, AlarmState state) {
    ASSERT_TRUE(book_.set_state(name, {.state = state, .reason = "by hand"}, kCompositeNow));
  }
  Status put(const std::string& name, const std::string& rule) {
    return book_.put(composite(name, rule), kCompositeNow);
  }
  std::string state(const std::string& name) { return name_of(book_.find(name)->state); }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-composites-").value();
  AlarmBook book_ = AlarmBook::open(directory_.path()).value();
};

TEST_F(CompositeAlarmTest, FollowThoseThatTheyAreAbout) {
  ASSERT_TRUE(put("both", "ALARM(cpu) AND ALARM(disk)"));
  EXPECT_EQ(state("both"), "OK") << "at once";
  // Of names that are not in the order of the rules.
  EXPECT_EQ(put("above", "ALARM(both) OR ALARM(zone)").error().code, Errc::kNotFound);
  ASSERT_TRUE(put("above", "ALARM(both)"));
  ASSERT_TRUE(put("zone", "NOT ALARM(above)"));
  EXPECT_THAT(book_.raised(), ElementsAre("zone"));
  set("cpu", AlarmState::kAlarm);
  EXPECT_EQ(state("both"), "OK");
  set("disk", AlarmState::kAlarm);
  EXPECT_THAT(book_.raised(), ElementsAre("above", "both", "cpu", "disk"));
  EXPECT_EQ(book_.find("both")->state_reason,
            "The alarm rule is true: cpu is ALARM, disk is ALARM.");
  AlarmBook again = AlarmBook::open(directory_.path()).value();
  EXPECT_EQ(again.raised(), book_.raised());
  EXPECT_TRUE(again.composites().at("zone").is_about("above"));
}

TEST_F(CompositeAlarmTest, StayAsSetUntilSomethingChangesBelow) {
  ASSERT_TRUE(put("both", "ALARM(cpu) AND ALARM(disk)"));
  ASSERT_TRUE(put("above", "ALARM(both)"));
  set("both", AlarmState::kAlarm);
  EXPECT_EQ(state("both"), "ALARM");
  EXPECT_EQ(state("above"), "ALARM") << "others see it";
  set("cpu", AlarmState::kInsufficientData);
  EXPECT_EQ(state("both"), "ALARM") << "nothing has changed";
  set("cpu", AlarmState::kOk);
  EXPECT_EQ(state("both"), "OK");
  EXPECT_EQ(state("above"), "OK");
  ASSERT_TRUE(put("above", "NOT ALARM(both)"));
  EXPECT_EQ(state("above"), "ALARM") << "another rule is looked at";
}

TEST_F(CompositeAlarmTest, FiguresRaiseThem) {
  ASSERT_TRUE(put("any", "ALARM(cpu) OR ALARM(disk)"));
  const WallTime now{std::chrono::seconds(kCompositeNow)};
  MetricStore store = MetricStore::open(directory_.path(), now).value();
  Datum datum;
  datum.name = {"App", "disk", {}};
  datum.at = kCompositeNow - 60;
  datum.statistics = statistics_of(20, 1);
  ASSERT_TRUE(store.add({datum}, Durability::kWritten, now));
  ASSERT_TRUE(book_.evaluate(store, now));
  EXPECT_THAT(book_.raised(), ElementsAre("any", "disk"));
}

TEST_F(CompositeAlarmTest, CirclesAndAbsentOnesAreRefused) {
  EXPECT_THAT(put("a", "ALARM(gone) OR OK(cpu) OR OK(away)").error().text,
              HasSubstr("alarms [away, gone] in the alarm rule do not exist"));
  EXPECT_EQ(put("a", "ALARM(a)").error().code, Errc::kInvalid);
  ASSERT_TRUE(put("a", "ALARM(cpu)"));
  ASSERT_TRUE(put("b", "ALARM(a)"));
  ASSERT_TRUE(put("c", "ALARM(b) OR ALARM(a)")) << "two ways to one are no circle";
  for (const char* rule : {"ALARM(c)", "ALARM(b)", "OK(a)"}) {
    EXPECT_EQ(put("a", rule).error().code, Errc::kInvalid) << rule;
  }
  EXPECT_EQ(book_.composites().at("a").rule_text, "ALARM(cpu)");
  EXPECT_EQ(put("cpu", "TRUE").error().code, Errc::kExists);
  Alarm alarm;
  alarm.name = "a";
  EXPECT_EQ(book_.put(alarm).error().code, Errc::kExists);
}

TEST_F(CompositeAlarmTest, WhatARuleIsAboutStays) {
  ASSERT_TRUE(put("both", "ALARM(cpu) AND ALARM(disk)"));
  CompositeAlarm quiet = composite("quiet", "ALARM(both)");
  quiet.suppressor = {.alarm = "cpu", .wait_seconds = 60, .extension_seconds = 30};
  ASSERT_TRUE(book_.put(quiet, kCompositeNow));
  EXPECT_THAT(book_.parents_of("cpu"), ElementsAre("both", "quiet"));
  EXPECT_THAT(book_.remove({"cpu"}, kCompositeNow).error().text, HasSubstr("[both, quiet]"));
  EXPECT_FALSE(book_.remove({"both"}, kCompositeNow));
  EXPECT_FALSE(book_.remove({"both", "cpu"}, kCompositeNow));
  EXPECT_EQ(AlarmBook::open(directory_.path())->composites().at("quiet").suppressor.wait_seconds,
            60);
  ASSERT_TRUE(book_.remove({"cpu", "quiet", "both"}, kCompositeNow)) << "all of them at once";
  EXPECT_EQ(book_.find("both"), nullptr);
  EXPECT_NE(book_.find("disk"), nullptr);
}

TEST_F(CompositeAlarmTest, OneAlarmIsInSoManyRulesAtMost) {
  for (size_t i = 0; i < kCompositesOfAlarmMax; ++i) {
    ASSERT_TRUE(put("p" + std::to_string(i), "OK(cpu)"));
  }
  EXPECT_EQ(put("more", "OK(cpu)").error().code, Errc::kExhausted);
  EXPECT_TRUE(put("p7", "ALARM(cpu)")) << "one of them may change";
  EXPECT_TRUE(put("more", "OK(disk)"));
}

}  // namespace
}  // namespace berth::metrics
