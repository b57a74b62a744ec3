// Composite alarms of CloudWatch.
#include "api/metrics_alarm_shapes.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::cw {
namespace {

constexpr int64_t kSuppressionMax = 24 * 3600;  // seconds

metrics::ActionsSuppressor read_suppressor(Ask& ask) {
  metrics::ActionsSuppressor suppressor;
  suppressor.alarm = metrics::alarm_named(ask.text("ActionsSuppressor"));
  auto wait = ask.number("ActionsSuppressorWaitPeriod", {0, kSuppressionMax});
  auto extension = ask.number("ActionsSuppressorExtensionPeriod", {0, kSuppressionMax});
  bool is_whole = suppressor.alarm.empty() ? !wait && !extension : wait && extension;
  if (!is_whole) {
    ask.refuse(
        "ValidationError",
        "ActionsSuppressor, ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod "
        "go together.");
  }
  suppressor.wait_seconds = wait.value_or(0);
  suppressor.extension_seconds = extension.value_or(0);
  return suppressor;
}

// No action of a composite alarm is one of those that berth calls.
void check_actions(Ask& ask, const metrics::AlarmBase& alarm) {
  for (const auto* actions :
       {&alarm.ok_actions, &alarm.alarm_actions, &alarm.insufficient_data_actions}) {
    for (const std::string& action : *actions) {
      if (action.find(":autoscaling:") == std::string::npos) continue;
      ask.refuse("ValidationError",
                 fmt::format("'{}': a composite alarm calls no scaling policy; have an alarm of a "
                             "metric call it.",
                             printable(action, 300)));
    }
  }
}

metrics::CompositeAlarm read_composite(const Metrics& metrics, Ask& ask) {
  metrics::CompositeAlarm alarm;
  read_alarm_base(metrics, ask, alarm);
  check_actions(ask, alarm);
  alarm.rule_text = required(ask, ask.root(), "AlarmRule");
  alarm.suppressor = read_suppressor(ask);
  if (ask.refused()) return alarm;
  auto rule = metrics::AlarmRule::parse(alarm.rule_text);
  if (!rule) ask.refuse("ValidationError", rule.error().text);
  if (rule) alarm.rule = std::move(*rule);
  return alarm;
}

}  // namespace

Json composite_json(const Metrics& metrics, const Ask& ask, const metrics::CompositeAlarm& alarm) {
  Json json = alarm_base_json(metrics, ask, alarm);
  json["AlarmRule"] = alarm.rule_text;
  if (alarm.suppression.by != metrics::SuppressedBy::kNothing) {
    json["ActionsSuppressedBy"] = name_of(alarm.suppression.by);
    json["ActionsSuppressedReason"] = alarm.suppression.reason();
  }
  if (alarm.suppressor.alarm.empty()) return json;
  json["ActionsSuppressor"] = metrics.arn_prefix + alarm.suppressor.alarm;
  json["ActionsSuppressorWaitPeriod"] = alarm.suppressor.wait_seconds;
  json["ActionsSuppressorExtensionPeriod"] = alarm.suppressor.extension_seconds;
  return json;
}

Json put_composite_alarm(Metrics& metrics, Ask& ask) {
  metrics::CompositeAlarm alarm = read_composite(metrics, ask);
  if (ask.refused()) return {};
  auto old = metrics.alarms.composites().find(alarm.name);
  if (old != metrics.alarms.composites().end()) keep_state(old->second, alarm);
  auto put = metrics.alarms.put(std::move(alarm), seconds_of(metrics.now));
  refuse_alarm(ask, put);
  return Json::object();
}

}  // namespace berth::api::cw
