#include "metrics/metric_store.h"

#include "sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::metrics {
namespace {

const WallTime kAt{std::chrono::seconds(1700000040)};  // a whole minute, and five of them
constexpr int64_t kAtSeconds = 1700000040;

Datum datum(int64_t at, double value, const std::string& unit = "None") {
  Datum made;
  made.name = {"App", "Latency", {{"Host", "a"}}};
  made.unit = unit;
  made.at = at;
  made.statistics = statistics_of(value, 1);
  return made;
}

class MetricStoreTest : public testing::Test {
 protected:
  MetricStore open(WallTime now = kAt) { return MetricStore::open(directory_.path(), now).value(); }
  static std::vector<Point> points(const MetricStore& store, int64_t period = 60,
                                   const std::string& unit = "") {
    return store.read(
        datum(0, 0).name, unit,
        {.start = kAtSeconds - 40 * 86400, .end = kAtSeconds + 86400, .period = period});
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-metrics-").value();
};

TEST_F(MetricStoreTest, FiguresOfAMinuteAreOne) {
  MetricStore store = open();
  ASSERT_TRUE(store.add({datum(kAtSeconds, 1), datum(kAtSeconds + 59, 5), datum(kAtSeconds + 60, 9),
                         datum(kAtSeconds, 7, "Seconds")},
                        Durability::kSynced, kAt));
  auto found = points(store, 60, "None");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].at, kAtSeconds);
  EXPECT_EQ(found[0].statistics, (Statistics{.count = 2, .sum = 6, .min = 1, .max = 5}));
  EXPECT_EQ(points(store).size(), 3U) << "each unit for itself";
  found = points(store, 3600, "None");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].statistics.sum, 15);
  EXPECT_EQ(store.names().size(), 1U);
}

TEST_F(MetricStoreTest, WhatWasAddedIsThereAfterADeath) {
  {
    MetricStore store = open();
    ASSERT_TRUE(store.add({datum(kAtSeconds, 1)}, Durability::kWritten, kAt));
  }
  auto fd = sys::open(directory_.path() + "/metrics/data.log", O_WRONLY | O_APPEND).value();
  ASSERT_TRUE(sys::write_all(fd.get(), "[\"App\",\"Lat"));  // a power cut
  MetricStore store = open();
  EXPECT_EQ(points(store).size(), 1U);
  ASSERT_TRUE(store.add({datum(kAtSeconds, 3)}, Durability::kSynced, kAt));
  EXPECT_EQ(points(open()).at(0).statistics.sum, 4);
}

TEST_F(MetricStoreTest, OldFiguresArePutTogetherAndGo) {
  MetricStore store = open();
  std::vector<Datum> data;
  for (int i = 0; i < 10; ++i) data.push_back(datum(kAtSeconds + i * 60, i));
  ASSERT_TRUE(store.add(data, Durability::kSynced, kAt));
  EXPECT_EQ(points(store).size(), 10U);
  MetricStore later = open(kAt + std::chrono::hours(30));
  EXPECT_EQ(points(later).size(), 3U) << "by five minutes";
  double sum = 0;
  for (const Point& point : points(later)) sum += point.statistics.sum;
  EXPECT_EQ(sum, 45);
  EXPECT_TRUE(points(open(kAt + std::chrono::hours(16 * 24))).empty());
}

TEST_F(MetricStoreTest, ThereIsALimitOfSeries) {
  MetricStore store = open();
  std::vector<Datum> data;
  for (size_t i = 0; i < kSeriesMax; ++i) {
    data.push_back(datum(kAtSeconds, 1));
    data.back().name.dimensions["Host"] = std::to_string(i);
  }
  ASSERT_TRUE(store.add(data, Durability::kWritten, kAt));
  EXPECT_TRUE(store.add(data, Durability::kWritten, kAt));
  Datum more = datum(kAtSeconds, 1);
  more.name.name = "Other";
  EXPECT_EQ(store.add({more}, Durability::kWritten, kAt).error().code, Errc::kExhausted);
}

}  // namespace
}  // namespace berth::metrics
