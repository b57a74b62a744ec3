#include "metrics/alarm_changes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <utility>

namespace berth::metrics {
namespace {

using HistoryJson = nlohmann::ordered_json;

constexpr const char* kHistoryDataVersion = "1.0";

std::string text_of(const HistoryJson& json) {
  return json.dump(-1, ' ', false, HistoryJson::error_handler_t::replace);
}

// The names are those of CloudWatch's own history.
HistoryJson base_configuration(const AlarmBase& alarm) {
  HistoryJson json = {{"alarmName", alarm.name}};
  if (!alarm.description.empty()) json["alarmDescription"] = alarm.description;
  json["stateValue"] = name_of(alarm.state);
  json["actionsEnabled"] = alarm.actions_enabled;
  json["okactions"] = alarm.ok_actions;
  json["alarmActions"] = alarm.alarm_actions;
  json["insufficientDataActions"] = alarm.insufficient_data_actions;
  return json;
}

HistoryJson configuration_of(const MetricName& metric) {
  HistoryJson dimensions = HistoryJson::array();
  for (const auto& [name, value] : metric.dimensions) {
    dimensions.push_back({{"name", name}, {"value", value}});
  }
  return {{"namespace", metric.space},
          {"metricName", metric.name},
          {"dimensions", std::move(dimensions)}};
}

HistoryJson configuration_of(const MathQueries& queries) {
  HistoryJson list = HistoryJson::array();
  for (const MathQuery& query : queries) {
    HistoryJson json = {{"id", query.id}};
    if (query.stat) {
      json["metricStat"] = {{"metric", configuration_of(query.stat->metric)},
                            {"period", query.stat->period},
                            {"stat", query.stat->statistic}};
      if (!query.stat->unit.empty()) json["metricStat"]["unit"] = query.stat->unit;
    } else {
      json["expression"] = query.expression_text;
    }
    if (!query.label.empty()) json["label"] = query.label;
    json["returnData"] = query.is_returned;
    if (query.period > 0) json["period"] = query.period;
    list.push_back(std::move(json));
  }
  return list;
}

HistoryJson configuration_of(const Alarm& alarm) {
  HistoryJson json = base_configuration(alarm);
  if (!alarm.queries.empty()) {
    json["metrics"] = configuration_of(alarm.queries);
  } else {
    json.update(configuration_of(alarm.metric));
    auto stat = parse_stat(alarm.statistic);
    json[stat && stat->is_basic() ? "statistic" : "extendedStatistic"] = alarm.statistic;
    json["period"] = alarm.period;
    if (!alarm.unit.empty()) json["unit"] = alarm.unit;
  }
  json["evaluationPeriods"] = alarm.evaluation_periods;
  json["datapointsToAlarm"] = alarm.datapoints_needed();
  json["threshold"] = alarm.threshold;
  json["comparisonOperator"] = alarm.comparison;
  json["treatMissingData"] =
      alarm.treat_missing_data.empty() ? "missing" : alarm.treat_missing_data;
  if (!alarm.low_sample_count.empty()) {
    json["evaluateLowSampleCountPercentile"] = alarm.low_sample_count;
  }
  return json;
}

HistoryJson configuration_of(const CompositeAlarm& alarm) {
  HistoryJson json = base_configuration(alarm);
  json["alarmRule"] = alarm.rule_text;
  if (alarm.suppressor.alarm.empty()) return json;
  json["actionsSuppressor"] = alarm.suppressor.alarm;
  json["actionsSuppressorWaitPeriod"] = alarm.suppressor.wait_seconds;
  json["actionsSuppressorExtensionPeriod"] = alarm.suppressor.extension_seconds;
  return json;
}

HistoryJson state_of(const AlarmBase& alarm) {
  HistoryJson json = {{"stateValue", name_of(alarm.state)}, {"stateReason", alarm.state_reason}};
  if (alarm.state_reason_data.empty()) return json;
  // A client may have said anything, and most say JSON.
  HistoryJson data = HistoryJson::parse(alarm.state_reason_data, nullptr, false);
  json["stateReasonData"] = data.is_discarded() ? HistoryJson(alarm.state_reason_data) : data;
  return json;
}

HistoryJson state_of(const CompositeAlarm& alarm) {
  HistoryJson json = state_of(static_cast<const AlarmBase&>(alarm));
  if (alarm.suppression.by == SuppressedBy::kNothing) return json;
  json["actionsSuppressedBy"] = name_of(alarm.suppression.by);
  json["actionsSuppressedReason"] = alarm.suppression.reason();
  return json;
}

bool are_actions_due(const Alarm& before, const Alarm& after) {
  return before.state != after.state;
}
// Those of a state that was suppressed are due later.
bool are_actions_due(const CompositeAlarm& before, const CompositeAlarm& after) {
  return before.suppression.acted != after.suppression.acted;
}

const std::vector<std::string>& actions_of(const AlarmBase& alarm) {
  switch (alarm.state) {
    case AlarmState::kOk:
      return alarm.ok_actions;
    case AlarmState::kAlarm:
      return alarm.alarm_actions;
    case AlarmState::kInsufficientData:
      return alarm.insufficient_data_actions;
  }
  return alarm.alarm_actions;
}

class ChangeTeller {
 public:
  ChangeTeller(const AlarmChange& change, const WhyNotCalled& why_not)
      : change_(change), why_not_(why_not), next_(change.next_number) {}

  // `kind`: "Create", "Update" or "Delete"; `member`: what the alarm is called there.
  template <class AlarmType>
  void tell_configuration(const AlarmType& alarm, const char* kind, const char* member,
                          const char* done) {
    HistoryJson data = {{"version", kHistoryDataVersion}, {"type", kind}};
    data[member] = configuration_of(alarm);
    add(alarm.name, "ConfigurationUpdate", fmt::format("Alarm \"{}\" {}", alarm.name, done), data);
  }

  template <class AlarmType>
  void tell_state(const AlarmType& before, const AlarmType& after) {
    if (before.state == after.state) return;
    HistoryJson data = {{"version", kHistoryDataVersion},
                        {"oldState", state_of(before)},
                        {"newState", state_of(after)}};
    add(after.name, "StateUpdate",
        fmt::format("Alarm updated from {} to {}", name_of(before.state), name_of(after.state)),
        data);
  }

  template <class AlarmType>
  void tell_actions(const AlarmType& before, const AlarmType& after) {
    if (!after.actions_enabled || !are_actions_due(before, after)) return;
    for (const std::string& action : actions_of(after)) tell_action(after, action);
  }

  template <class AlarmMap>
  void tell(const AlarmMap& before, const AlarmMap& after, bool is_composite) {
    is_composite_ = is_composite;
    for (const auto& [name, alarm] : before) {
      if (!after.contains(name)) tell_configuration(alarm, "Delete", "deletedAlarm", "deleted");
    }
    for (const auto& [name, alarm] : after) {
      auto old = before.find(name);
      bool is_new = old == before.end();
      if (is_new) tell_configuration(alarm, "Create", "createdAlarm", "created");
      bool is_put = name == change_.configured;
      if (!is_new && (is_put || old->second.actions_enabled != alarm.actions_enabled)) {
        tell_configuration(alarm, "Update", "updatedAlarm", "updated");
      }
      const typename AlarmMap::mapped_type none{};
      tell_state(is_new ? none : old->second, alarm);
      tell_actions(is_new ? none : old->second, alarm);
    }
  }

  std::vector<HistoryItem> items() { return std::move(items_); }

 private:
  void tell_action(const AlarmBase& alarm, const std::string& action) {
    std::string why = why_not_ ? why_not_(alarm, action) : "nothing is called here";
    HistoryJson data = {{"actionState", why.empty() ? "Succeeded" : "Failed"},
                        {"stateUpdateTimestamp", alarm.state_at * 1000},
                        {"notificationResource", action}};
    if (!why.empty()) data["error"] = why;
    add(alarm.name, "Action",
        why.empty()
            ? fmt::format("Successfully executed action {}", action)
            : fmt::format("Failed to execute action {}. Received error: \"{}\"", action, why),
        data);
  }

  void add(const std::string& alarm, const char* kind, std::string summary,
           const HistoryJson& data) {
    items_.push_back({.number = next_++,
                      .alarm = alarm,
                      .is_composite = is_composite_,
                      .at = change_.at,
                      .kind = kind,
                      .summary = std::move(summary),
                      .data = text_of(data)});
  }

  const AlarmChange& change_;
  const WhyNotCalled& why_not_;
  bool is_composite_ = false;
  uint64_t next_;
  std::vector<HistoryItem> items_{};
};

}  // namespace

std::vector<HistoryItem> changes_between(const AlarmsView& before, const AlarmsView& after,
                                         const AlarmChange& change, const WhyNotCalled& why_not) {
  ChangeTeller teller(change, why_not);
  teller.tell(before.alarms, after.alarms, /*is_composite=*/false);
  teller.tell(before.composites, after.composites, /*is_composite=*/true);
  return teller.items();
}

}  // namespace berth::metrics
