#include "metrics/stat.h"

#include <gtest/gtest.h>

namespace berth::metrics {
namespace {

Statistics one_to(int last) {
  Statistics statistics;
  for (int i = 1; i <= last; ++i) statistics.merge(statistics_of(i, 1));
  return statistics;
}

TEST(Stat, IsWhatItsNameSays) {
  struct Case {
    const char* name;
    double of_ten;  // of 1, 2, ..., 10
  };
  for (const Case& each : {
           Case{"SampleCount", 10},
           {"Average", 5.5},
           {"Sum", 55},
           {"Minimum", 1},
           {"Maximum", 10},
           {"p0", 1},
           {"p0.0", 1},
           {"p10", 1},
           {"p10.1", 2},
           {"p50", 5},
           {"p90", 9},
           {"p99.9", 10},
           {"p100", 10},
           {"tm90", 5},
           {"tm100", 5.5},
           {"tc90", 9},
           {"ts90", 45},
           {"wm90", 5.4},
           {"TM(10%:90%)", 5.5},
           {"TC(10%:90%)", 8},
           {"TS(80%:)", 19},
           {"TS(:20%)", 3},
           {"TM(2:5)", 4},
           {"TC(2:5)", 3},
           {"TS(:3)", 6},
           {"TM(8:)", 9.5},
           {"WM(10%:90%)", 5.5},
           {"WM(3:8)", 5.5},
           {"PR(:3)", 30},
           {"PR(2:5)", 30},
           {"PR(9:)", 10},
           {"IQM", 5.5},
           {"TC(15%:90%)", 7.5},
           {"TM(15%:25%)", 2.5},
           {"TC(20:30)", 0},
           {"PR(20:)", 0},
           {"TM(-5:1)", 1},
           {"TC(0.5:2.5)", 2},
       }) {
    auto stat = parse_stat(each.name);
    ASSERT_TRUE(stat) << each.name;
    auto value = value_of(one_to(10), *stat);
    ASSERT_TRUE(value) << each.name;
    EXPECT_NEAR(*value, each.of_ten, 1e-12) << each.name;
  }
  EXPECT_EQ(statistic_of(one_to(10), "TM(20:30)"), std::nullopt) << "the mean of nothing";
  EXPECT_EQ(statistic_of(one_to(1000), "p99.9"), 999) << "and not the next, for rounding";
  EXPECT_EQ(statistic_of(one_to(100), "p29"), 29);
}

TEST(Stat, OtherNamesAreNone) {
  for (const char* name :
       {"",      "average", "p",        "p101",        "p-1",       "p1e1",      "pinf",
        "p1.",   "P99",     "tm",       "tm101",       "TM",        "TM()",      "TM(:)",
        "TM(1)", "TM(5:1)", "TM(1%:2)", "TM(1%:101%)", "TM(1:2",    "PR(1%:2%)", "PR()",
        "IQM5",  "iqm",     "p9 ",      "TM(%:)",      "TM(--1:2)", "xx90"}) {
    EXPECT_FALSE(parse_stat(name)) << name;
  }
}

TEST(Stat, NeedsValues) {
  Statistics set{.count = 3, .sum = 6, .min = 1, .max = 3};
  EXPECT_EQ(statistic_of(set, "Average"), 2);
  EXPECT_EQ(statistic_of(set, "p50"), std::nullopt);
  EXPECT_EQ(statistic_of(set, "PR(:3)"), std::nullopt);
  EXPECT_EQ(statistic_of({}, "p50"), std::nullopt);
  EXPECT_EQ(statistic_of(statistics_of(4, 1000), "p99"), 4);
  EXPECT_EQ(statistic_of(statistics_of(4, 1000), "TC(:50%)"), 500);
  EXPECT_EQ(statistic_of(set, "p101"), std::nullopt);
}

}  // namespace
}  // namespace berth::metrics
