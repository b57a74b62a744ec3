// Alarm: a metric, or an expression about some, that is compared with a threshold over some
// periods, as CloudWatch does it. Pure.
#pragma once

#include "metrics/alarm_base.h"
#include "metrics/math_queries.h"
#include "metrics/metric_store.h"
#include "metrics/stat.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace berth::metrics {

struct Alarm : AlarmBase {
  // What it is about when it is not one metric; exactly one of them is returned, and is a series.
  MathQueries queries{};
  // One metric, without queries.
  MetricName metric{};
  std::string unit{};       // "": each
  std::string statistic{};  // "Average", "p99": of metrics/stat.h
  // "ignore": a percentile of few figures changes nothing; "", "evaluate": it counts like others.
  std::string low_sample_count{};
  int64_t period = kMinute;
  int64_t evaluation_periods = 1;
  std::optional<int64_t> datapoints_to_alarm{};  // all of them when it is not said
  double threshold = 0;
  std::string comparison{};          // "GreaterThanThreshold"
  std::string treat_missing_data{};  // "breaching", "notBreaching", "ignore"; "" is "missing", too

  int64_t datapoints_needed() const { return datapoints_to_alarm.value_or(evaluation_periods); }
};

nlohmann::ordered_json render_alarm(const Alarm& alarm);
Result<Alarm> parse_alarm(const json::Node& node);

// kExhausted when its queries would compute more than kAlarmWeightMax if all metrics had figures.
Status check_load(const Alarm& alarm);

// What the last whole periods before `now` say, in seconds; nothing when they say nothing new.
std::optional<Verdict> evaluate(const Alarm& alarm, const MetricStore& store, int64_t now);
// The latest figure of those that it looks at.
std::optional<double> latest_value(const Alarm& alarm, const MetricStore& store, int64_t now);

}  // namespace berth::metrics
