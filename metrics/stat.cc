#include "metrics/stat.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace berth::metrics {
namespace {

constexpr double kWhole = 100;            // percent
constexpr double kPlaceTolerance = 1e-9;  // of the count: 29 % of 100 is 28.999999999999996
constexpr double kMiddleFrom = 25;        // percent, of IQM
constexpr double kMiddleTo = 75;
constexpr size_t kStatNameMax = 64;

constexpr auto kBasicStats = std::to_array<std::pair<std::string_view, StatKind>>({
    {"SampleCount", StatKind::kSampleCount},
    {"Average", StatKind::kAverage},
    {"Sum", StatKind::kSum},
    {"Minimum", StatKind::kMinimum},
    {"Maximum", StatKind::kMaximum},
});
// Before a percentage.
constexpr auto kShortStats = std::to_array<std::pair<std::string_view, StatKind>>({
    {"p", StatKind::kPercentile},
    {"tm", StatKind::kTrimmedMean},
    {"tc", StatKind::kTrimmedCount},
    {"ts", StatKind::kTrimmedSum},
    {"wm", StatKind::kWinsorizedMean},
});
// Before a range.
constexpr auto kRangeStats = std::to_array<std::pair<std::string_view, StatKind>>({
    {"TM", StatKind::kTrimmedMean},
    {"TC", StatKind::kTrimmedCount},
    {"TS", StatKind::kTrimmedSum},
    {"WM", StatKind::kWinsorizedMean},
    {"PR", StatKind::kPercentileRank},
});

std::optional<double> parse_plain(std::string_view text) {
  double value = 0;
  bool is_plain = !text.empty() && text.back() != '.' &&
                  text.find_first_not_of("-.0123456789") == std::string_view::npos;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!is_plain || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_percentage(std::string_view text) {
  auto value = parse_plain(text);
  return value && *value >= 0 && *value <= kWhole ? value : std::nullopt;
}

// "10%:90%", ":300".
std::optional<Stat> parse_range(StatKind kind, std::string_view text) {
  Stat stat{.kind = kind};
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.size() == 1) return std::nullopt;
  std::pair<std::string_view, std::optional<double>*> bounds[] = {
      {text.substr(0, colon), &stat.lower}, {text.substr(colon + 1), &stat.upper}};
  stat.is_percent = text.find('%') != std::string_view::npos;
  if (stat.is_percent && kind == StatKind::kPercentileRank) return std::nullopt;
  for (auto [bound, value] : bounds) {
    if (bound.empty()) continue;
    bool has_sign = bound.back() == '%';
    if (has_sign != stat.is_percent) return std::nullopt;
    *value =
        stat.is_percent ? parse_percentage(bound.substr(0, bound.size() - 1)) : parse_plain(bound);
    if (!*value) return std::nullopt;
  }
  bool is_range = !stat.lower || !stat.upper || *stat.lower < *stat.upper;
  return is_range ? std::optional(stat) : std::nullopt;
}

using Samples = std::span<const Sample>;

double count_of(Samples samples) {
  double count = 0;
  for (const Sample& sample : samples) count += sample.count;
  return count;
}

double percentile_of(Samples samples, double percent) {
  double all = count_of(samples);
  double place = percent * all / kWhole - kPlaceTolerance * all;
  double passed = 0;
  for (const Sample& sample : samples) {
    passed += sample.count;
    if (passed >= place) return sample.value;
  }
  return samples.back().value;
}

// What is left between two bounds, and what is at its ends.
struct Trimmed {
  double all = 0;
  double count = 0;
  double sum = 0;
  double below = 0;  // how many were cut off
  double above = 0;
  double lowest = 0;
  double highest = 0;
};

// A sample that a bound goes through counts as far as it is within.
Trimmed trim_by_share(Samples samples, const Stat& stat) {
  Trimmed trimmed{.all = count_of(samples)};
  double from = stat.lower.value_or(0) * trimmed.all / kWhole;
  double to = stat.upper.value_or(kWhole) * trimmed.all / kWhole;
  double passed = 0;
  for (const Sample& sample : samples) {
    double next = passed + sample.count;
    double within = std::min(next, to) - std::max(passed, from);
    passed = next;
    if (within <= kPlaceTolerance * trimmed.all) continue;
    if (trimmed.count == 0) trimmed.lowest = sample.value;
    trimmed.highest = sample.value;
    trimmed.count += within;
    trimmed.sum += within * sample.value;
  }
  trimmed.below = from;
  trimmed.above = trimmed.all - to;
  return trimmed;
}

Trimmed trim_by_value(Samples samples, const Stat& stat) {
  Trimmed trimmed{.all = count_of(samples)};
  for (const Sample& sample : samples) {
    if (stat.lower && sample.value <= *stat.lower) {
      trimmed.below += sample.count;
    } else if (stat.upper && sample.value > *stat.upper) {
      trimmed.above += sample.count;
    } else {
      trimmed.count += sample.count;
      trimmed.sum += sample.count * sample.value;
    }
  }
  trimmed.lowest = stat.lower.value_or(0);
  trimmed.highest = stat.upper.value_or(0);
  return trimmed;
}

std::optional<double> trimmed_value(Samples samples, const Stat& stat) {
  Trimmed trimmed = stat.is_percent ? trim_by_share(samples, stat) : trim_by_value(samples, stat);
  switch (stat.kind) {
    case StatKind::kTrimmedCount:
      return trimmed.count;
    case StatKind::kTrimmedSum:
      return trimmed.sum;
    case StatKind::kPercentileRank:
      return kWhole * trimmed.count / trimmed.all;
    case StatKind::kWinsorizedMean:
      return (trimmed.sum + trimmed.below * trimmed.lowest + trimmed.above * trimmed.highest) /
             trimmed.all;
    default:
      return trimmed.count > 0 ? std::optional(trimmed.sum / trimmed.count) : std::nullopt;
  }
}

std::optional<double> basic_value(const Statistics& statistics, StatKind kind) {
  switch (kind) {
    case StatKind::kSampleCount:
      return statistics.count;
    case StatKind::kSum:
      return statistics.sum;
    case StatKind::kMinimum:
      return statistics.min;
    case StatKind::kMaximum:
      return statistics.max;
    default:
      return statistics.count == 0 ? 0 : statistics.sum / statistics.count;
  }
}

}  // namespace

std::optional<Stat> parse_stat(const std::string& name) {
  if (name.size() > kStatNameMax) return std::nullopt;
  for (const auto& [text, kind] : kBasicStats) {
    if (name == text) return Stat{.kind = kind};
  }
  if (name == "IQM") {
    return Stat{.kind = StatKind::kTrimmedMean,
                .is_percent = true,
                .lower = kMiddleFrom,
                .upper = kMiddleTo};
  }
  for (const auto& [text, kind] : kShortStats) {
    auto percent = name.starts_with(text)
                       ? parse_percentage(std::string_view(name).substr(text.size()))
                       : std::nullopt;
    if (percent) return Stat{.kind = kind, .is_percent = true, .upper = percent};
  }
  for (const auto& [text, kind] : kRangeStats) {
    bool is_range = name.size() > text.size() + 2 && name.starts_with(text) &&
                    name[text.size()] == '(' && name.back() == ')';
    if (!is_range) continue;
    return parse_range(
        kind, std::string_view(name).substr(text.size() + 1, name.size() - text.size() - 2));
  }
  return std::nullopt;
}

std::optional<double> value_of(const Statistics& statistics, const Stat& stat) {
  if (stat.is_basic()) return basic_value(statistics, stat.kind);
  Sample single;
  Samples samples = known_samples(statistics, single);
  if (samples.empty()) return std::nullopt;
  if (stat.kind == StatKind::kPercentile) return percentile_of(samples, stat.upper.value_or(0));
  return trimmed_value(samples, stat);
}

std::optional<double> statistic_of(const Statistics& statistics, const std::string& name) {
  auto stat = parse_stat(name);
  return stat ? value_of(statistics, *stat) : std::nullopt;
}

}  // namespace berth::metrics
