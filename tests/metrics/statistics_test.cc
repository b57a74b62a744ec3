#include "metrics/statistics.h"

#include "metrics/stat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace berth::metrics {
namespace {

Statistics of_values(const std::vector<double>& values) {
  Statistics statistics;
  for (double value : values) statistics.merge(statistics_of(value, 1));
  return statistics;
}

// Spread over `decades` powers of ten from `least` on, the same each time.
std::vector<double> spread_values(size_t count, double least, double decades) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> power(0, decades);
  std::vector<double> values(count);
  for (double& value : values) value = least * std::pow(10, power(random));
  return values;
}

// The least value that so many percent are at or below.
double plain_percentile(std::vector<double> values, double percent) {
  std::ranges::sort(values);
  auto place =
      static_cast<size_t>(std::ceil(percent * static_cast<double>(values.size()) / 100 - 1e-6));
  return values[std::max<size_t>(place, 1) - 1];
}

TEST(Statistics, ValuesAreKeptAsTheyAreWhileTheyAreFew) {
  Statistics same = of_values({3, 3, 3});
  EXPECT_TRUE(same.samples.empty()) << "the minimum says it all";
  Statistics statistics = of_values({3, 1, 3, -2});
  EXPECT_THAT(statistics.samples, testing::ElementsAre(Sample{-2, 1}, Sample{1, 1}, Sample{3, 2}));
  statistics.merge(same);
  EXPECT_EQ(statistics.samples.back(), (Sample{3, 5}));
  std::vector<double> many(kSamplesMax);
  for (size_t i = 0; i < many.size(); ++i) many[i] = 1.0 + static_cast<double>(i) / 1e6;
  Statistics full = of_values(many);
  ASSERT_EQ(full.samples.size(), kSamplesMax);
  EXPECT_EQ(full.samples[100].value, many[100]);
  full.merge(statistics_of(2, 1));
  EXPECT_LT(full.samples.size(), 5U) << "one more, and close ones are grouped";
  EXPECT_EQ(full.count, kSamplesMax + 1);
}

TEST(Statistics, WhatIsNotKnownOfOneIsNotKnownOfBoth) {
  Statistics set{.count = 3, .sum = 6, .min = 1, .max = 3};
  Sample single;
  EXPECT_TRUE(known_samples(set, single).empty());
  Statistics mixed = of_values({1, 2, 3});
  mixed.merge(set);
  EXPECT_TRUE(known_samples(mixed, single).empty());
  mixed.merge(statistics_of(1, 1));
  EXPECT_TRUE(known_samples(mixed, single).empty());
  Statistics equal{.count = 3, .sum = 6, .min = 2, .max = 2};
  ASSERT_EQ(known_samples(equal, single).size(), 1U);
  EXPECT_EQ(single, (Sample{2, 3}));
  Statistics false_sum{.count = 3, .sum = 60, .min = 2, .max = 2};
  EXPECT_TRUE(known_samples(false_sum, single).empty());
  Statistics added;
  for (int i = 0; i < 1000; ++i) added.merge(statistics_of(0.1, 1));
  EXPECT_EQ(known_samples(added, single).size(), 1U) << "0.1 a thousand times is not quite 100";
}

TEST(Statistics, ManyValuesAreWithinOnePercentInBoundedRoom) {
  for (double sign : {1.0, -1.0}) {
    std::vector<double> values = spread_values(20000, 0.002, 4);
    for (double& value : values) value *= sign;
    Statistics statistics = of_values(values);
    EXPECT_LE(statistics.samples.size(), kSamplesMax);
    EXPECT_TRUE(std::ranges::is_sorted(statistics.samples, std::less<>(), &Sample::value));
    for (double percent : {0.0, 0.5, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
      double exact = plain_percentile(values, percent);
      double found = *value_of(statistics, *parse_stat("p" + std::to_string(percent)));
      EXPECT_NEAR(found, exact, 0.0101 * std::abs(exact)) << "p" << percent;
    }
  }
}

TEST(Statistics, MergingPartsAddsNoError) {
  std::vector<double> values = spread_values(12000, 1, 3);
  Statistics whole;
  for (size_t begin = 0; begin < values.size(); begin += 1000) {
    whole.merge(of_values({values.begin() + static_cast<ptrdiff_t>(begin),
                           values.begin() + static_cast<ptrdiff_t>(begin) + 1000}));
  }
  for (double percent : {1.0, 50.0, 95.0, 99.9}) {
    double exact = plain_percentile(values, percent);
    EXPECT_NEAR(*value_of(whole, *parse_stat("p" + std::to_string(percent))), exact,
                0.0101 * exact);
  }
  EXPECT_EQ(whole.count, 12000);
}

TEST(Statistics, TheSizesOfNumbersHaveNoEnd) {
  std::vector<double> values = {0, 5e-324, -5e-324, 1.7e308, -1.7e308};
  for (int i = 0; i < 2000; ++i) {
    values.push_back(std::pow(10, -300 + 0.3 * i));
    values.push_back(-values.back());
  }
  Statistics statistics = of_values(values);
  EXPECT_LE(statistics.samples.size(), kSamplesMax);
  EXPECT_EQ(value_of(statistics, *parse_stat("p50")), 0);
  double count = 0;
  for (const Sample& sample : statistics.samples) {
    EXPECT_TRUE(std::isfinite(sample.value));
    count += sample.count;
  }
  EXPECT_EQ(count, static_cast<double>(values.size()));
}

}  // namespace
}  // namespace berth::metrics
