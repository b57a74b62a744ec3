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

// An alarm "both" about cpu that disk suppresses, and what of its actions was told in the history.
class SuppressedAlarmTest : public CompositeAlarmTest {
 protected:
  SuppressedAlarmTest() {
    set("cpu", AlarmState::kOk);
    set("disk", AlarmState::kOk);
    CompositeAlarm both = composite("both", "ALARM(cpu)");
    both.suppressor = {.alarm = "disk", .wait_seconds = 60, .extension_seconds = 30};
    both.alarm_actions = {"alarm"};
    both.ok_actions = {"ok"};
    EXPECT_TRUE(book_.put(both, now_));
    seen_ = book_.history().items().size();
  }
  void set(const std::string& name, AlarmState state) {
    ASSERT_TRUE(book_.set_state(name, {.state = state, .reason = "by hand"}, now_));
  }
  void pass(int64_t seconds) {
    now_ += seconds;
    ASSERT_TRUE(book_.end_suppressions(WallTime(std::chrono::seconds(now_))));
  }
  std::string by() { return name_of(book_.composites().at("both").suppression.by); }
  // Since it was last asked.
  std::vector<std::string> called() {
    std::vector<std::string> actions;
    const auto& items = book_.history().items();
    for (; seen_ < items.size(); ++seen_) {
      bool is_action = items[seen_].alarm == "both" && items[seen_].kind == "Action";
      if (!is_action) continue;
      std::string words = items[seen_].summary.substr(items[seen_].summary.find("action ") + 7);
      actions.push_back(words.substr(0, words.find('.')));
    }
    return actions;
  }

  int64_t now_ = kCompositeNow;
  size_t seen_ = 0;
};

TEST_F(SuppressedAlarmTest, ActsWhenTheWaitIsOver) {
  set("cpu", AlarmState::kAlarm);
  EXPECT_EQ(by(), "WaitPeriod");
  EXPECT_EQ(book_.composites().at("both").suppression.reason(), "Actions suppressed by WaitPeriod");
  EXPECT_THAT(book_.history().items().back().data,
              HasSubstr(R"("actionsSuppressedBy":"WaitPeriod")"));
  pass(59);
  EXPECT_EQ(by(), "WaitPeriod");
  EXPECT_THAT(called(), ElementsAre());
  pass(1);
  EXPECT_EQ(by(), "");
  EXPECT_THAT(called(), ElementsAre("alarm"));
  pass(1000);
  set("cpu", AlarmState::kOk);
  EXPECT_EQ(by(), "") << "only who comes to ALARM waits";
  EXPECT_THAT(called(), ElementsAre("ok"));
}

TEST_F(SuppressedAlarmTest, DoesNotActWhenItIsBackBeforeTheWaitIsOver) {
  set("cpu", AlarmState::kAlarm);
  pass(30);
  set("cpu", AlarmState::kOk);
  EXPECT_EQ(by(), "");
  pass(60);
  EXPECT_THAT(called(), ElementsAre());
  set("cpu", AlarmState::kAlarm);
  pass(59);
  EXPECT_EQ(by(), "WaitPeriod") << "a whole one";
}

TEST_F(SuppressedAlarmTest, IsHeldBackByItsSuppressorAndForAWhileBehindIt) {
  set("cpu", AlarmState::kAlarm);
  set("disk", AlarmState::kAlarm);
  EXPECT_EQ(by(), "Alarm");
  pass(100000);
  EXPECT_EQ(by(), "Alarm");
  set("disk", AlarmState::kInsufficientData);
  EXPECT_EQ(by(), "ExtensionPeriod");
  pass(29);
  EXPECT_EQ(by(), "ExtensionPeriod");
  EXPECT_THAT(called(), ElementsAre());
  book_ = AlarmBook::open(directory_.path()).value();
  EXPECT_EQ(by(), "ExtensionPeriod") << "over a death, too";
  pass(1);
  EXPECT_EQ(by(), "");
  EXPECT_THAT(called(), ElementsAre("alarm")) << "it is still in ALARM";
}

TEST_F(SuppressedAlarmTest, HasNothingToCallWhenItIsBackBehindItsSuppressor) {
  set("disk", AlarmState::kAlarm);
  EXPECT_EQ(by(), "Alarm");
  set("cpu", AlarmState::kAlarm);
  set("disk", AlarmState::kOk);
  set("cpu", AlarmState::kOk);
  EXPECT_EQ(by(), "ExtensionPeriod");
  set("disk", AlarmState::kAlarm);
  EXPECT_EQ(by(), "Alarm") << "again";
  set("disk", AlarmState::kOk);
  pass(30);
  EXPECT_EQ(by(), "");
  EXPECT_THAT(called(), ElementsAre());
}

TEST_F(SuppressedAlarmTest, ActsAtOnceWhenItHasNoSuppressorAnyMore) {
  set("disk", AlarmState::kAlarm);
  set("cpu", AlarmState::kAlarm);
  CompositeAlarm both = book_.composites().at("both");
  both.description = "the same";
  ASSERT_TRUE(book_.put(both, now_));
  EXPECT_EQ(by(), "Alarm");
  EXPECT_THAT(called(), ElementsAre());
  both.suppressor = {};
  ASSERT_TRUE(book_.put(both, now_));
  EXPECT_EQ(by(), "");
  EXPECT_THAT(called(), ElementsAre("alarm"));
}

TEST_F(SuppressedAlarmTest, PeriodsOfNoSecondsAreOverAtOnce) {
  CompositeAlarm both = book_.composites().at("both");
  both.suppressor.wait_seconds = both.suppressor.extension_seconds = 0;
  ASSERT_TRUE(book_.put(both, now_));
  set("cpu", AlarmState::kAlarm);
  EXPECT_EQ(by(), "");
  EXPECT_THAT(called(), ElementsAre("alarm"));
  set("disk", AlarmState::kAlarm);
  set("cpu", AlarmState::kOk);
  EXPECT_THAT(called(), ElementsAre());
  set("disk", AlarmState::kOk);
  EXPECT_EQ(by(), "");
  EXPECT_THAT(called(), ElementsAre("ok"));
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
