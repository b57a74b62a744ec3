#include "metrics/metric_store.h"

#include "sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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
  EXPECT_EQ(found[0].statistics,
            (Statistics{.count = 2, .sum = 6, .min = 1, .max = 5, .samples = {{1, 1}, {5, 1}}}));
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

TEST_F(MetricStoreTest, ValuesAreThereAfterADeathAndInAFileOfBefore) {
  std::string line = R"(["App","Latency",{"Host":"a"},"None",1700000040,2,9,4,5])";
  ASSERT_TRUE(sys::make_directories(directory_.path() + "/metrics", 0700));
  ASSERT_TRUE(sys::write_atomic(directory_.path() + "/metrics/data.log", line + "\n", 0600));
  {
    MetricStore store = open();
    Statistics statistics = statistics_of(0.1, 2);
    statistics.merge(statistics_of(-7, 1.5));
    Datum values = datum(kAtSeconds + 60, 0);
    values.statistics = statistics;
    ASSERT_TRUE(store.add({values, datum(kAtSeconds + 60, 3)}, Durability::kWritten, kAt));
  }
  for (int i = 0; i < 2; ++i) {  // what was appended, and what was written anew
    auto found = points(open());
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0].statistics.samples.empty()) << "not known";
    EXPECT_THAT(found[1].statistics.samples,
                testing::ElementsAre(Sample{-7, 1.5}, Sample{0.1, 2}, Sample{3, 1}));
  }
  auto fd = sys::open(directory_.path() + "/metrics/data.log", O_WRONLY | O_APPEND).value();
  for (const char* damaged : {"[1]", "[5,1,4,1]", "[4,0]", "{}", "[4,1],1"}) {
    std::string more = line;
    more.insert(more.size() - 1, std::string(",") + damaged);
    ASSERT_TRUE(sys::write_all(fd.get(), more + "\n"));
  }
  EXPECT_EQ(points(open())[0].statistics.count, 2) << "damaged lines count for nothing";
}

TEST_F(MetricStoreTest, TheOldestPeriodsLoseTheirValuesWhenThereAreTooMany) {
  MetricStore store = open();
  Statistics full;
  for (size_t i = 0; i < kSamplesMax; ++i) {
    full.merge(statistics_of(static_cast<double>(i) / 4, 1));
  }
  std::vector<Datum> data;
  for (size_t i = 0; i < kStoredSamplesMax / kSamplesMax; ++i) {
    data.push_back(datum(kAtSeconds + static_cast<int64_t>(i) * 60, 0));
    data.back().statistics = full;
  }
  WallTime later = kAt + std::chrono::hours(36);
  ASSERT_TRUE(store.add(data, Durability::kWritten, later));
  auto known = [&](const MetricStore& of) {
    auto found = of.read(data[0].name, "", {.start = kAtSeconds, .end = kAtSeconds + 200000});
    return std::ranges::count_if(found,
                                 [](const Point& p) { return !p.statistics.samples.empty(); });
  };
  EXPECT_EQ(known(store), std::ssize(data));
  ASSERT_TRUE(store.add({data[0]}, Durability::kWritten, later));
  EXPECT_EQ(known(store), std::ssize(data)) << "no value that was not there";
  Datum more = datum(kAtSeconds + std::ssize(data) * 60, 0);
  more.statistics = full;
  ASSERT_TRUE(store.add({more}, Durability::kWritten, later));
  EXPECT_EQ(known(store), std::ssize(data) / 8 * 7);
  auto first = store.read(data[0].name, "", {.start = kAtSeconds, .end = kAtSeconds + 60});
  EXPECT_EQ(first.at(0).statistics.count, 2.0 * kSamplesMax);
  EXPECT_TRUE(first.at(0).statistics.samples.empty());
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
  EXPECT_EQ(points(later)[1].statistics.samples.size(), 5U);
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
