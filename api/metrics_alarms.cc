// Alarms of CloudWatch.
#include "api/metrics_alarm_shapes.h"
#include "api/metrics_queries.h"
#include "api/tags.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace berth::api::cw {
namespace {

constexpr size_t kAlarmNamesMax = 100;
constexpr size_t kAlarmTextMax = 1024;
constexpr size_t kAlarmActionsMax = 5;
constexpr size_t kAlarmActionMax = 1024;
constexpr size_t kReasonMax = 4000;
constexpr size_t kAlarmQueriesMax = 20;
constexpr int64_t kPeriodsMax = 10000;
constexpr int64_t kAlarmSpanMax = 7 * 86400;

void refuse_other_alarms(Ask& ask) {
  if (ask.has("ThresholdMetricId")) {
    ask.invalid("ThresholdMetricId: there is no anomaly detection here, Threshold is a number.");
  }
  if (!ask.has("Metrics")) return;
  for (const char* member : {"MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic",
                             "ExtendedStatistic", "EvaluateLowSampleCountPercentile"}) {
    if (!ask.has(member)) continue;
    ask.refuse("InvalidParameterCombination",
               fmt::format("Metrics and {} exclude each other: what an alarm is about is in "
                           "Metrics, or it is one metric.",
                           member));
  }
}

// "Metrics": of whatever figures there will be, it comes to one series.
void read_alarm_queries(Ask& ask, metrics::Alarm& alarm) {
  alarm.queries = read_queries(ask, "Metrics", kAlarmQueriesMax);
  auto is_returned = [](const metrics::MathQuery& query) { return query.is_returned; };
  auto returned = std::ranges::find_if(alarm.queries, is_returned);
  if (ask.refused()) return;
  if (std::ranges::count_if(alarm.queries, is_returned) != 1) {
    return ask.refuse("ValidationError",
                      "Exactly one element of the metrics list should return data.");
  }
  bool has_search = std::ranges::any_of(alarm.queries, [](const metrics::MathQuery& query) {
    return query.expression.calls().contains("SEARCH");
  });
  if (has_search) {
    return ask.refuse("ValidationError", "SEARCH is not supported on Metric Alarms.");
  }
  auto values = metrics::evaluate_queries(alarm.queries, nullptr, {});
  if (!values) return refuse_math(ask, values.error());
  const auto* series = std::get_if<metrics::MathSeries>(&values->at(returned->id));
  if (series == nullptr) {
    return ask.refuse("ValidationError",
                      fmt::format("Error in expression '{}': it is an array (TS[]), and an alarm "
                                  "watches one time series (TS).",
                                  returned->id));
  }
  alarm.period = series->period;
}

// "Statistic" or "ExtendedStatistic", and what is to be said of few figures.
void read_statistic(Ask& ask, metrics::Alarm& alarm) {
  std::string basic = ask.text("Statistic");
  std::string extended = ask.text("ExtendedStatistic");
  if (basic.empty() == extended.empty()) {
    ask.refuse(basic.empty() ? "MissingParameter" : "InvalidParameterCombination",
               "An alarm of a metric has either Statistic or ExtendedStatistic.");
  }
  if (!basic.empty()) check_basic_statistic(ask, basic);
  if (!extended.empty()) check_extended_statistic(ask, extended);
  alarm.statistic = basic.empty() ? extended : basic;
  alarm.low_sample_count = ask.word("EvaluateLowSampleCountPercentile", {"evaluate", "ignore"});
  auto stat = metrics::parse_stat(alarm.statistic);
  bool is_percentile = stat && stat->kind == metrics::StatKind::kPercentile;
  if (!is_percentile && !alarm.low_sample_count.empty()) {
    ask.refuse("InvalidParameterCombination",
               "EvaluateLowSampleCountPercentile is for alarms about a percentile "
               "(ExtendedStatistic: p99).");
  }
}

void read_alarm_metric(Ask& ask, metrics::Alarm& alarm) {
  alarm.metric = read_metric_name(ask, ask.root());
  alarm.unit = read_unit(ask, ask.root());
  read_statistic(ask, alarm);
  alarm.period = read_period(ask, ask.root());
}

metrics::Alarm read_alarm(const Metrics& metrics, Ask& ask) {
  const json::Node& root = ask.root();
  metrics::Alarm alarm;
  refuse_other_alarms(ask);
  read_alarm_base(metrics, ask, alarm);
  if (ask.has("Metrics")) read_alarm_queries(ask, alarm);
  if (!ask.has("Metrics")) read_alarm_metric(ask, alarm);
  required(ask, root, "ComparisonOperator");
  alarm.comparison =
      ask.word("ComparisonOperator", {"GreaterThanThreshold", "GreaterThanOrEqualToThreshold",
                                      "LessThanThreshold", "LessThanOrEqualToThreshold"});
  auto threshold = ask.real(root, "Threshold");
  auto periods = ask.number("EvaluationPeriods", {1, kPeriodsMax});
  if (!threshold || !periods) {
    ask.refuse("MissingParameter", "The parameters Threshold and EvaluationPeriods are required.");
  }
  alarm.threshold = threshold.value_or(0);
  if (!std::isfinite(alarm.threshold)) ask.invalid("Threshold: must be a number.");
  alarm.evaluation_periods = periods.value_or(1);
  alarm.datapoints_to_alarm = ask.number("DatapointsToAlarm", {1, alarm.evaluation_periods});
  if (alarm.evaluation_periods * alarm.period > kAlarmSpanMax) {
    ask.invalid("EvaluationPeriods times Period is at most seven days.");
  }
  auto affordable = ask.refused() ? Status() : metrics::check_load(alarm);
  if (!affordable) refuse_math(ask, affordable.error());
  alarm.treat_missing_data =
      ask.word("TreatMissingData", {"missing", "breaching", "notBreaching", "ignore"});
  return alarm;
}

std::vector<std::string> read_actions(Ask& ask, const char* member) {
  std::vector<std::string> actions = ask.texts(member, kAlarmActionsMax);
  for (const std::string& action : actions) {
    if (action.size() <= kAlarmActionMax) continue;
    ask.invalid(fmt::format("{}: an action has at most {} characters.", member, kAlarmActionMax));
  }
  return actions;
}

}  // namespace

void read_alarm_base(const Metrics& metrics, Ask& ask, metrics::AlarmBase& alarm) {
  alarm.name = required(ask, ask.root(), "AlarmName");
  alarm.description = ask.text("AlarmDescription");
  if (alarm.name.size() > 255 || alarm.description.size() > kAlarmTextMax) {
    ask.invalid("AlarmName has at most 255 characters, AlarmDescription 1024.");
  }
  alarm.actions_enabled = ask.find_flag("ActionsEnabled").value_or(true);
  alarm.ok_actions = read_actions(ask, "OKActions");
  alarm.alarm_actions = read_actions(ask, "AlarmActions");
  alarm.insufficient_data_actions = read_actions(ask, "InsufficientDataActions");
  for (const scheduler::KeyValue& tag : read_tag_list(ask, "Tags", {})) {
    alarm.tags[tag.name] = tag.value;
  }
  alarm.configured_at = alarm.state_at = seconds_of(metrics.now);
}

void keep_state(const metrics::AlarmBase& old, metrics::AlarmBase& alarm) {
  alarm.state = old.state;
  alarm.state_reason = old.state_reason;
  alarm.state_reason_data = old.state_reason_data;
  alarm.state_at = old.state_at;
  alarm.tags = old.tags;
}

void refuse_alarm(Ask& ask, const Status& status) {
  if (status) return;
  // What the kernel has refused (a full disk is kExhausted, too) is no client's fault.
  if (status.error().errno_value != 0) return ask.check(status);
  switch (status.error().code) {
    case Errc::kExhausted:
      return ask.refuse("LimitExceeded", status.error().text);
    case Errc::kExists:
    case Errc::kInvalid:
    case Errc::kNotFound:
      return ask.refuse("ValidationError", status.error().text);
    default:
      ask.check(status);
  }
}

Json alarm_base_json(const Metrics& metrics, const Ask& ask, const metrics::AlarmBase& alarm) {
  Json json = {{"AlarmName", alarm.name}, {"AlarmArn", metrics.arn_prefix + alarm.name}};
  if (!alarm.description.empty()) json["AlarmDescription"] = alarm.description;
  json["AlarmConfigurationUpdatedTimestamp"] = time_json(ask, alarm.configured_at);
  json["ActionsEnabled"] = alarm.actions_enabled;
  json["OKActions"] = alarm.ok_actions;
  json["AlarmActions"] = alarm.alarm_actions;
  json["InsufficientDataActions"] = alarm.insufficient_data_actions;
  json["StateValue"] = metrics::name_of(alarm.state);
  json["StateReason"] = alarm.state_reason;
  if (!alarm.state_reason_data.empty()) json["StateReasonData"] = alarm.state_reason_data;
  json["StateUpdatedTimestamp"] = time_json(ask, alarm.state_at);
  json["StateTransitionedTimestamp"] = time_json(ask, alarm.state_at);
  return json;
}

Json alarm_json(const Metrics& metrics, const Ask& ask, const metrics::Alarm& alarm) {
  Json json = alarm_base_json(metrics, ask, alarm);
  if (!alarm.queries.empty()) {
    json["Metrics"] = queries_json(alarm.queries);
  } else {
    json["MetricName"] = alarm.metric.name;
    json["Namespace"] = alarm.metric.space;
    auto stat = metrics::parse_stat(alarm.statistic);
    json[stat && !stat->is_basic() ? "ExtendedStatistic" : "Statistic"] = alarm.statistic;
    json["Dimensions"] = dimensions_json(alarm.metric.dimensions);
    json["Period"] = alarm.period;
    if (!alarm.unit.empty()) json["Unit"] = alarm.unit;
  }
  json["EvaluationPeriods"] = alarm.evaluation_periods;
  if (alarm.datapoints_to_alarm) json["DatapointsToAlarm"] = *alarm.datapoints_to_alarm;
  json["Threshold"] = alarm.threshold;
  json["ComparisonOperator"] = alarm.comparison;
  if (!alarm.treat_missing_data.empty()) json["TreatMissingData"] = alarm.treat_missing_data;
  if (!alarm.low_sample_count.empty()) {
    json["EvaluateLowSampleCountPercentile"] = alarm.low_sample_count;
  }
  return json;
}

Json put_metric_alarm(Metrics& metrics, Ask& ask) {
  metrics::Alarm alarm = read_alarm(metrics, ask);
  if (ask.refused()) return {};
  auto old = metrics.alarms.alarms().find(alarm.name);
  if (old != metrics.alarms.alarms().end()) keep_state(old->second, alarm);
  refuse_alarm(ask, metrics.alarms.put(std::move(alarm)));
  return Json::object();
}

Json delete_alarms(Metrics& metrics, Ask& ask) {
  std::vector<std::string> names = ask.texts("AlarmNames", kAlarmNamesMax);
  if (names.empty()) ask.refuse("MissingParameter", "The parameter AlarmNames is required.");
  for (const std::string& name : names) {
    if (metrics.alarms.find(name) != nullptr) continue;
    ask.refuse("ResourceNotFound",
               fmt::format("There is no alarm {}: none was deleted.", printable(name, 255)));
  }
  if (!ask.refused()) refuse_alarm(ask, metrics.alarms.remove(names, seconds_of(metrics.now)));
  return Json::object();
}

namespace {

Json enable_actions(Metrics& metrics, Ask& ask, bool are_enabled) {
  std::vector<std::string> names = ask.texts("AlarmNames", kAlarmNamesMax);
  if (names.empty()) ask.refuse("MissingParameter", "The parameter AlarmNames is required.");
  if (ask.refused()) return {};
  refuse_alarm(ask, metrics.alarms.enable_actions(names, are_enabled, seconds_of(metrics.now)));
  return Json::object();
}

}  // namespace

Json enable_alarm_actions(Metrics& metrics, Ask& ask) {
  return enable_actions(metrics, ask, /*are_enabled=*/true);
}

Json disable_alarm_actions(Metrics& metrics, Ask& ask) {
  return enable_actions(metrics, ask, /*are_enabled=*/false);
}

Json set_alarm_state(Metrics& metrics, Ask& ask) {
  std::string name = required(ask, ask.root(), "AlarmName");
  std::string value = required(ask, ask.root(), "StateValue");
  auto state = metrics::parse_alarm_state(value);
  if (!state) {
    ask.refuse({.code = "ValidationException",
                .message = fmt::format("1 validation error detected: Value '{}' at 'stateValue' "
                                       "failed to satisfy constraint: Member must satisfy enum "
                                       "value set: [INSUFFICIENT_DATA, ALARM, OK]",
                                       printable(value, kAlarmTextMax)),
                .query_code = "ValidationError"});
  }
  std::string reason = required(ask, ask.root(), "StateReason");
  std::string data = ask.text("StateReasonData");
  if (reason.size() > kReasonMax || data.size() > kReasonMax) {
    ask.invalid(
        fmt::format("StateReason and StateReasonData have at most {} characters.", kReasonMax));
  }
  if (!ask.refused() && metrics.alarms.find(name) == nullptr) {
    ask.refuse({.code = "ResourceNotFound", .message = "", .status = 404});
  }
  if (ask.refused()) return {};
  metrics::Verdict verdict{.state = *state, .reason = reason, .reason_data = data};
  refuse_alarm(ask, metrics.alarms.set_state(name, std::move(verdict), seconds_of(metrics.now)));
  return Json::object();
}

}  // namespace berth::api::cw
