// Stat: a statistic by the name that CloudWatch has for it, of the figures of a period. Pure.
//
//   SampleCount Average Sum Minimum Maximum  always known
//   p99.9                    the least value that so many percent of the figures are at or below
//   tm90 tc90 ts90 wm90      trimmed mean, count, sum, winsorized mean, without the highest 10 %
//   TM(10%:90%) TC(:95%)     the same between two shares of the figures
//   TS(100:) WM(1:9)         the same above one value and up to another
//   IQM                      TM(25%:75%)
//   PR(100:300)              how many percent of the figures are above 100, and up to 300
#pragma once

#include "metrics/statistics.h"

#include <cstdint>
#include <optional>
#include <string>

namespace berth::metrics {

enum class StatKind : uint8_t {
  kSampleCount,
  kAverage,
  kSum,
  kMinimum,
  kMaximum,
  kPercentile,  // `upper` is its percentage
  kTrimmedMean,
  kTrimmedCount,
  kTrimmedSum,
  kWinsorizedMean,
  kPercentileRank,
};

struct Stat {
  StatKind kind = StatKind::kAverage;
  bool is_percent = false;        // what the bounds are; values otherwise
  std::optional<double> lower{};  // without
  std::optional<double> upper{};  // with
  bool operator==(const Stat&) const = default;

  // One of the first five, for which CloudWatch has members of their own.
  bool is_basic() const { return kind <= StatKind::kMaximum; }
};

// Nothing when there is none of that name.
std::optional<Stat> parse_stat(const std::string& name);

// Nothing when it cannot be known of these: there are none, or a client told their sum, count and
// extremes only.
std::optional<double> value_of(const Statistics& statistics, const Stat& stat);
// The same by name; nothing of unknown names too.
std::optional<double> statistic_of(const Statistics& statistics, const std::string& name);

}  // namespace berth::metrics
