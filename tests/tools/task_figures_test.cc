#include "tools/task_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::tools {
namespace {

constexpr uint64_t kGiB = 1024 * 1024 * 1024;
constexpr uint64_t kSecondNs = 1000000000;

Instant after(int seconds) {
  return Instant(std::chrono::seconds(seconds));
}

const metrics::Datum* find(const std::vector<metrics::Datum>& data, const std::string& name,
                           const metrics::Dimensions& dimensions) {
  for (const metrics::Datum& datum : data) {
    if (datum.name == metrics::MetricName{"AWS/ECS", name, dimensions}) return &datum;
  }
  return nullptr;
}

TEST(TaskFigures, AreSharesOfTheHostAndOfWhatServicesHaveReserved) {
  std::vector<ReservingTask> tasks = {{"1", "c", "web", 256, kGiB},
                                      {"2", "c", "web", 256, kGiB},
                                      {"3", "c", "", 0, 0},
                                      {"4", "other", "", 0, 0},
                                      {"gone", "c", "web", 256, kGiB}};
  UsedByTasks before = {{"1", {0, 0, after(0)}}, {"2", {0, 0, after(0)}}, {"3", {5, 0, after(0)}}};
  UsedByTasks now = {{"1", {15 * kSecondNs, kGiB / 2, after(60)}},
                     {"2", {0, kGiB / 4, after(60)}},
                     {"3", {60 * kSecondNs + 5, kGiB, after(60)}},
                     {"4", {7, kGiB, after(60)}}};
  auto data = figures_of(tasks, before, now, {2048, 8 * kGiB}, 1700000000);
  const metrics::Dimensions web = {{"ClusterName", "c"}, {"ServiceName", "web"}};
  // A quarter of a processor for a minute is all that task 1 has reserved.
  ASSERT_NE(find(data, "CPUUtilization", web), nullptr);
  EXPECT_EQ(find(data, "CPUUtilization", web)->statistics,
            (metrics::Statistics{
                .count = 2, .sum = 100, .min = 0, .max = 100, .samples = {{0, 1}, {100, 1}}}));
  EXPECT_EQ(find(data, "MemoryUtilization", web)->statistics,
            (metrics::Statistics{
                .count = 2, .sum = 75, .min = 25, .max = 50, .samples = {{25, 1}, {50, 1}}}));
  // 256 units and 1024 of 2048.
  EXPECT_EQ(find(data, "CPUUtilization", {{"ClusterName", "c"}})->statistics.sum, 62.5);
  EXPECT_EQ(find(data, "MemoryUtilization", {{"ClusterName", "c"}})->statistics.sum, 21.875);
  EXPECT_EQ(find(data, "CPUUtilization", {{"ClusterName", "other"}}), nullptr) << "new";
  EXPECT_EQ(find(data, "MemoryUtilization", {{"ClusterName", "other"}})->unit, "Percent");
  EXPECT_EQ(data.size(), 5U);
}

}  // namespace
}  // namespace berth::tools
