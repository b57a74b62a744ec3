// Alarm: a metric that is compared with a threshold over some periods, as CloudWatch does it. Pure.
#pragma once

#include "base/json.h"
#include "metrics/metric_store.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace berth::metrics {

enum class AlarmState { kOk, kAlarm, kInsufficientData };
// "OK", "ALARM", "INSUFFICIENT_DATA".
const char* name_of(AlarmState state);
std::optional<AlarmState> parse_alarm_state(const std::string& name);

struct Alarm {
  std::string name;
  std::string description{};
  MetricName metric;
  std::string unit{};       // "": each
  std::string statistic{};  // "Average"
  int64_t period = kMinute;
  int64_t evaluation_periods = 1;
  int64_t datapoints_to_alarm = 1;
  double threshold = 0;
  std::string comparison{};                    // "GreaterThanThreshold"
  std::string treat_missing_data = "missing";  // "breaching", "notBreaching", "ignore"
  bool actions_enabled = true;
  std::vector<std::string> ok_actions{};
  std::vector<std::string> alarm_actions{};
  std::vector<std::string> insufficient_data_actions{};
  int64_t configured_at = 0;  // seconds since 1970

  AlarmState state = AlarmState::kInsufficientData;
  std::string state_reason = "Unchecked: Initial alarm creation";
  std::string state_reason_data{};  // JSON
  int64_t state_at = 0;
};

nlohmann::ordered_json render_alarm(const Alarm& alarm);
Result<Alarm> parse_alarm(const json::Node& node);

// "Average", "Sum", "Minimum", "Maximum", "SampleCount"; nothing of others.
std::optional<double> statistic_of(const Statistics& statistics, const std::string& name);

struct Verdict {
  AlarmState state = AlarmState::kInsufficientData;
  std::string reason;
};
// What the last whole periods before `now` say, in seconds; nothing when they say nothing new.
std::optional<Verdict> evaluate(const Alarm& alarm, const MetricStore& store, int64_t now);

}  // namespace berth::metrics
