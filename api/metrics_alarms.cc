// Alarms of CloudWatch.
#include "api/metrics_operations.h"
#include "api/page.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace berth::api::cw {
namespace {

constexpr size_t kAlarmNamesMax = 100;
constexpr size_t kAlarmPageMax = 100;
constexpr size_t kAlarmPageUsual = 50;
constexpr size_t kAlarmTextMax = 1024;
constexpr size_t kAlarmActionsMax = 5;
constexpr size_t kReasonMax = 4000;
constexpr int64_t kPeriodsMax = 10000;
constexpr int64_t kAlarmSpanMax = 7 * 86400;

Json alarm_json(const Metrics& metrics, const Ask& ask, const metrics::Alarm& alarm) {
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
  json["MetricName"] = alarm.metric.name;
  json["Namespace"] = alarm.metric.space;
  json["Statistic"] = alarm.statistic;
  json["Dimensions"] = dimensions_json(alarm.metric.dimensions);
  json["Period"] = alarm.period;
  if (!alarm.unit.empty()) json["Unit"] = alarm.unit;
  json["EvaluationPeriods"] = alarm.evaluation_periods;
  json["DatapointsToAlarm"] = alarm.datapoints_to_alarm;
  json["Threshold"] = alarm.threshold;
  json["ComparisonOperator"] = alarm.comparison;
  json["TreatMissingData"] = alarm.treat_missing_data;
  return json;
}

void refuse_other_alarms(Ask& ask) {
  for (const char* member :
       {"Metrics", "ExtendedStatistic", "ThresholdMetricId", "EvaluateLowSampleCountPercentile"}) {
    if (ask.has(member)) {
      ask.invalid(
          fmt::format("{}: alarms of berth are about one metric and one of SampleCount, "
                      "Average, Sum, Minimum and Maximum.",
                      member));
    }
  }
}

metrics::Alarm read_alarm(const Metrics& metrics, Ask& ask) {
  const json::Node& root = ask.root();
  metrics::Alarm alarm;
  refuse_other_alarms(ask);
  alarm.name = required(ask, root, "AlarmName");
  alarm.description = ask.text("AlarmDescription");
  if (alarm.name.size() > 255 || alarm.description.size() > kAlarmTextMax) {
    ask.invalid("AlarmName has at most 255 characters, AlarmDescription 1024.");
  }
  alarm.metric.space = required(ask, root, "Namespace");
  alarm.metric.name = required(ask, root, "MetricName");
  alarm.metric.dimensions = read_dimensions(ask, root);
  alarm.unit = read_unit(ask, root);
  alarm.statistic = required(ask, root, "Statistic");
  if (!ask.refused()) check_statistic(ask, alarm.statistic);
  alarm.period = read_period(ask, root);
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
  alarm.datapoints_to_alarm = ask.number("DatapointsToAlarm", {1, alarm.evaluation_periods})
                                  .value_or(alarm.evaluation_periods);
  if (alarm.evaluation_periods * alarm.period > kAlarmSpanMax) {
    ask.invalid("EvaluationPeriods times Period is at most seven days.");
  }
  std::string missing =
      ask.word("TreatMissingData", {"missing", "breaching", "notBreaching", "ignore"});
  if (!missing.empty()) alarm.treat_missing_data = missing;
  alarm.actions_enabled = ask.find_flag("ActionsEnabled").value_or(true);
  alarm.ok_actions = ask.texts("OKActions", kAlarmActionsMax);
  alarm.alarm_actions = ask.texts("AlarmActions", kAlarmActionsMax);
  alarm.insufficient_data_actions = ask.texts("InsufficientDataActions", kAlarmActionsMax);
  alarm.configured_at = alarm.state_at = seconds_of(metrics.now);
  return alarm;
}

}  // namespace

Json put_metric_alarm(Metrics& metrics, Ask& ask) {
  metrics::Alarm alarm = read_alarm(metrics, ask);
  if (ask.refused()) return {};
  auto old = metrics.alarms.alarms().find(alarm.name);
  if (old != metrics.alarms.alarms().end()) {  // another threshold changes no state by itself
    alarm.state = old->second.state;
    alarm.state_reason = old->second.state_reason;
    alarm.state_at = old->second.state_at;
  }
  auto put = metrics.alarms.put(std::move(alarm));
  if (!put && put.error().code == Errc::kExhausted) ask.refuse("LimitExceeded", put.error().text);
  ask.check(put);
  return Json::object();
}

Json describe_alarms(Metrics& metrics, Ask& ask) {
  std::vector<std::string> wanted = ask.texts("AlarmNames", kAlarmNamesMax);
  std::string prefix = ask.text("AlarmNamePrefix");
  std::string action = ask.text("ActionPrefix");
  std::string state = ask.word("StateValue", {"OK", "ALARM", "INSUFFICIENT_DATA"});
  std::vector<std::string> types = ask.texts("AlarmTypes", 2);
  if (!wanted.empty() && !prefix.empty()) {
    ask.refuse("InvalidParameterCombination", "AlarmNames and AlarmNamePrefix exclude each other.");
  }
  std::vector<std::string> names;
  for (const auto& [name, alarm] : metrics.alarms.alarms()) {
    bool has_action =
        action.empty() || std::ranges::any_of(alarm.alarm_actions, [&](const std::string& each) {
          return each.starts_with(action);
        });
    bool is_wanted = wanted.empty() || std::ranges::find(wanted, name) != wanted.end();
    bool has_type = types.empty() || std::ranges::find(types, "MetricAlarm") != types.end();
    bool has_state = state.empty() || state == metrics::name_of(alarm.state);
    if (is_wanted && has_action && has_type && has_state && name.starts_with(prefix)) {
      names.push_back(name);
    }
  }
  Page page = page_of(ask, names,
                      {.limit = "MaxRecords",
                       .token = "NextToken",
                       .token_fault = "InvalidNextToken",
                       .max = kAlarmPageMax,
                       .usual = kAlarmPageUsual});
  Json list = Json::array();
  for (const std::string& name : page.items) {
    list.push_back(alarm_json(metrics, ask, metrics.alarms.alarms().at(name)));
  }
  Json json = {{"CompositeAlarms", Json::array()}, {"MetricAlarms", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json delete_alarms(Metrics& metrics, Ask& ask) {
  std::vector<std::string> names = ask.texts("AlarmNames", kAlarmNamesMax);
  if (names.empty()) ask.refuse("MissingParameter", "The parameter AlarmNames is required.");
  for (const std::string& name : names) {
    if (metrics.alarms.alarms().contains(name)) continue;
    ask.refuse("ResourceNotFound",
               fmt::format("There is no alarm {}: none was deleted.", printable(name, 255)));
  }
  if (!ask.refused()) ask.check(metrics.alarms.remove(names));
  return Json::object();
}

Json set_alarm_state(Metrics& metrics, Ask& ask) {
  std::string name = required(ask, ask.root(), "AlarmName");
  required(ask, ask.root(), "StateValue");
  auto state =
      metrics::parse_alarm_state(ask.word("StateValue", {"OK", "ALARM", "INSUFFICIENT_DATA"}));
  std::string reason = required(ask, ask.root(), "StateReason");
  std::string data = ask.text("StateReasonData");
  if (reason.size() > kReasonMax || data.size() > kReasonMax) {
    ask.invalid(
        fmt::format("StateReason and StateReasonData have at most {} characters.", kReasonMax));
  }
  auto found = metrics.alarms.alarms().find(name);
  if (!ask.refused() && found == metrics.alarms.alarms().end()) {
    ask.refuse("ResourceNotFound", fmt::format("There is no alarm {}.", printable(name, 255)));
  }
  if (ask.refused()) return {};
  metrics::Alarm alarm = found->second;
  alarm.state = *state;
  alarm.state_reason = std::move(reason);
  alarm.state_reason_data = std::move(data);
  alarm.state_at = seconds_of(metrics.now);
  ask.check(metrics.alarms.put(std::move(alarm)));
  return Json::object();
}

}  // namespace berth::api::cw
