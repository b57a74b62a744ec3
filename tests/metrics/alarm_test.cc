#include "metrics/alarm.h"

#include "metrics/alarm_book.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace berth::metrics {
namespace {

constexpr int64_t kNowSeconds = 1700000040;
const WallTime kNow{std::chrono::seconds(kNowSeconds)};

class AlarmTest : public testing::Test {
 protected:
  AlarmTest() {
    alarm_.name = "high";
    alarm_.metric = {"App", "Load", {}};
    alarm_.statistic = "Average";
    alarm_.evaluation_periods = 3;
    alarm_.datapoints_to_alarm = 2;
    alarm_.threshold = 10;
    alarm_.comparison = "GreaterThanThreshold";
  }
  void add(int minutes_ago, double value) {
    Datum datum;
    datum.name = alarm_.metric;
    datum.at = kNowSeconds - minutes_ago * 60;
    datum.statistics = statistics_of(value, 1);
    ASSERT_TRUE(store_.add({datum}, Durability::kWritten, kNow));
  }
  std::string verdict() {
    auto found = evaluate(alarm_, store_, kNowSeconds);
    return found ? name_of(found->state) : "";
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-alarms-").value();
  MetricStore store_ = MetricStore::open(directory_.path(), kNow).value();
  Alarm alarm_;
};

TEST_F(AlarmTest, SoManyOfTheLastPeriodsMustBreach) {
  EXPECT_EQ(verdict(), "") << "insufficient data, as before";
  add(1, 11);
  EXPECT_EQ(verdict(), "OK");
  add(3, 11);
  EXPECT_EQ(verdict(), "ALARM");
  alarm_.state = AlarmState::kAlarm;
  EXPECT_EQ(verdict(), "");
  alarm_.threshold = 11;
  EXPECT_EQ(verdict(), "OK");
  alarm_.comparison = "GreaterThanOrEqualToThreshold";
  EXPECT_EQ(verdict(), "");
  alarm_.comparison = "LessThanThreshold";
  EXPECT_EQ(verdict(), "OK");
  alarm_.comparison = "LessThanOrEqualToThreshold";
  EXPECT_EQ(verdict(), "");
  add(0, 100);
  EXPECT_EQ(verdict(), "") << "the period that is not over counts for nothing";
}

TEST_F(AlarmTest, MissingDataCountAsTheAlarmSays) {
  alarm_.state = AlarmState::kOk;
  alarm_.treat_missing_data = "missing";
  EXPECT_EQ(verdict(), "INSUFFICIENT_DATA");
  alarm_.treat_missing_data = "ignore";
  EXPECT_EQ(verdict(), "");
  alarm_.treat_missing_data = "breaching";
  EXPECT_EQ(verdict(), "ALARM");
  alarm_.state = AlarmState::kAlarm;
  alarm_.treat_missing_data = "notBreaching";
  EXPECT_EQ(verdict(), "OK");
}

TEST_F(AlarmTest, APercentileOfFewFiguresMayCountForNothing) {
  alarm_.statistic = "p90";
  alarm_.evaluation_periods = 1;
  alarm_.datapoints_to_alarm = 1;
  for (int i = 0; i < 99; ++i) add(1, i < 80 ? 1 : 20);
  EXPECT_EQ(verdict(), "ALARM");
  alarm_.low_sample_count = "ignore";
  EXPECT_EQ(verdict(), "") << "10 / (1 - 0.9) are enough";
  add(1, 20);
  EXPECT_EQ(verdict(), "ALARM");
  alarm_.statistic = "p1";
  EXPECT_EQ(verdict(), "") << "10 / 0.01 are enough";
  alarm_.low_sample_count = "evaluate";
  EXPECT_EQ(verdict(), "OK");
  AlarmBook book = AlarmBook::open(directory_.path()).value();
  ASSERT_TRUE(book.put(alarm_));
  EXPECT_EQ(AlarmBook::open(directory_.path())->alarms().at("high").low_sample_count, "evaluate");
}

TEST_F(AlarmTest, APercentileThatIsNotKnownIsMissing) {
  alarm_.statistic = "p50";
  alarm_.state = AlarmState::kOk;
  Datum datum;
  datum.name = alarm_.metric;
  datum.at = kNowSeconds - 60;
  datum.statistics = {.count = 2, .sum = 30, .min = 10, .max = 20};
  ASSERT_TRUE(store_.add({datum}, Durability::kWritten, kNow));
  EXPECT_EQ(verdict(), "INSUFFICIENT_DATA");
}

TEST_F(AlarmTest, ABookKeepsThem) {
  AlarmBook book = AlarmBook::open(directory_.path()).value();
  ASSERT_TRUE(book.put(alarm_));
  add(1, 20);
  add(2, 20);
  ASSERT_TRUE(book.evaluate(store_, kNow));
  AlarmBook again = AlarmBook::open(directory_.path()).value();
  EXPECT_EQ(again.alarms().at("high").state, AlarmState::kAlarm);
  EXPECT_THAT(again.alarms().at("high").state_reason, testing::HasSubstr("2 out of the last 3"));
  ASSERT_TRUE(again.remove({"high"}, kNowSeconds));
  EXPECT_TRUE(AlarmBook::open(directory_.path())->alarms().empty());
}

TEST_F(AlarmTest, ABookTakesNoMoreThanItReadsAgain) {
  constexpr size_t kSmall = 64 * 1024;
  AlarmBook book = AlarmBook::open(directory_.path(), kSmall).value();
  alarm_.description.assign(kSmall / 2, 'x');
  ASSERT_TRUE(book.put(alarm_)) << "its history has no room beside it";
  alarm_.name = "second";
  auto put = book.put(alarm_);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::kExhausted);
  EXPECT_EQ(book.alarms().size(), 1U) << "nothing has changed";
  EXPECT_EQ(AlarmBook::open(directory_.path(), kSmall)->alarms().size(), 1U);
  ASSERT_TRUE(book.remove({"high"}, kNowSeconds));
  EXPECT_EQ(AlarmBook::open(directory_.path(), kSmall)->alarms().size(), 0U);
}

TEST_F(AlarmTest, TheExpressionsOfAllAlarmsHaveABound) {
  AlarmBook book = AlarmBook::open(directory_.path()).value();
  constexpr size_t kQueries = 64;
  std::string text = "TIME_SERIES(1)";
  text.resize(kMathTextMax, ' ');
  for (size_t i = 0; i < kQueries; ++i) {
    alarm_.queries.push_back({.id = "e" + std::to_string(i),
                              .expression_text = text,
                              .expression = MathExpression::parse(text).value()});
  }
  size_t fit = kAlarmExpressionsMax / (kQueries * kMathTextMax);
  for (size_t i = 0; i < fit; ++i) {
    alarm_.name = "of expressions " + std::to_string(i);
    ASSERT_TRUE(book.put(alarm_));
  }
  ASSERT_TRUE(book.put(alarm_)) << "in the place of itself";
  alarm_.name = "one more";
  auto put = book.put(alarm_);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::kExhausted);
  EXPECT_EQ(AlarmBook::open(directory_.path())->alarms().size(), fit);
  ASSERT_TRUE(book.remove({"of expressions 0"}, kNowSeconds));
  EXPECT_TRUE(book.put(alarm_));
}

}  // namespace
}  // namespace berth::metrics
