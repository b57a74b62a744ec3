// MathQueries: metrics and expressions about each other, as GetMetricData and alarms have them.
#pragma once

#include "base/json.h"
#include "metrics/math_expression.h"
#include "metrics/math_value.h"
#include "metrics/metric_store.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::metrics {

// Of all that one request computes: points, and what else weighs as much (weight_of()).
constexpr size_t kMathWeightMax = 1'000'000;
// Of what an alarm computes each time.
constexpr size_t kAlarmWeightMax = 100'000;
// What is without gaps has at most so many points.
constexpr int64_t kMathPeriodsMax = 100'800;

struct MetricStat {
  MetricName metric{};
  std::string unit{};       // "": each
  std::string statistic{};  // of metrics/stat.h
  int64_t period = kMinute;
  bool operator==(const MetricStat&) const = default;
};

struct MathQuery {
  std::string id{};
  std::string label{};  // "": the metric's name, or the id of an expression
  bool is_returned = true;
  std::optional<MetricStat> stat{};  // it is this, or an expression
  std::string expression_text{};
  MathExpression expression{};
  int64_t period = 0;  // of an expression; 0: that of what it is about
};

// In the client's order; no two have one id.
using MathQueries = std::vector<MathQuery>;

nlohmann::ordered_json render_queries(const MathQueries& queries);
Result<MathQueries> parse_queries(const json::Node& list);

// By id, of each query; the window need not be aligned. Without a store no metric has figures.
// kInvalid "Error in expression 'e1': ..." of ids that there are not, of circles, of what an
// expression does with the types of others; the same ones whatever the figures are. kExhausted
// beyond `weight_max` and kMathPeriodsMax.
Result<std::map<std::string, MathValue>> evaluate_queries(const MathQueries& queries,
                                                          const MetricStore* store,
                                                          const Window& window,
                                                          size_t weight_max = kMathWeightMax);

// As evaluate_queries() would answer if each metric had a figure in each period.
Status check_queries(const MathQueries& queries, const Window& window, size_t weight_max);

// The figures of the metric; a period in which it has several units has the first of them.
MathSeries series_of(const MetricStat& stat, const MetricStore& store, Window window);

}  // namespace berth::metrics
