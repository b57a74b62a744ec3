#include "metrics/alarm.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace berth::metrics {
namespace {

constexpr std::array<std::pair<AlarmState, const char*>, 3> kStates = {
    std::pair{AlarmState::kOk, "OK"},
    {AlarmState::kAlarm, "ALARM"},
    {AlarmState::kInsufficientData, "INSUFFICIENT_DATA"}};

bool is_breaching(const Alarm& alarm, double value) {
  if (alarm.comparison == "GreaterThanThreshold") return value > alarm.threshold;
  if (alarm.comparison == "GreaterThanOrEqualToThreshold") return value >= alarm.threshold;
  if (alarm.comparison == "LessThanThreshold") return value < alarm.threshold;
  return value <= alarm.threshold;
}

struct Counted {
  int64_t breaching = 0;
  int64_t fine = 0;
  int64_t missing = 0;
};

Counted count_periods(const Alarm& alarm, const MetricStore& store, const Window& window) {
  std::map<int64_t, double> values;
  for (const Point& point : store.read(alarm.metric, alarm.unit, window)) {
    values[point.at] = statistic_of(point.statistics, alarm.statistic).value_or(0);
  }
  Counted counted;
  for (int64_t at = window.start; at < window.end; at += window.period) {
    auto found = values.find(at);
    if (found == values.end()) {
      ++counted.missing;
    } else if (is_breaching(alarm, found->second)) {
      ++counted.breaching;
    } else {
      ++counted.fine;
    }
  }
  return counted;
}

}  // namespace

const char* name_of(AlarmState state) {
  return std::ranges::find(kStates, state, &std::pair<AlarmState, const char*>::first)->second;
}

std::optional<AlarmState> parse_alarm_state(const std::string& name) {
  for (const auto& [state, text] : kStates) {
    if (name == text) return state;
  }
  return std::nullopt;
}

std::optional<double> statistic_of(const Statistics& statistics, const std::string& name) {
  if (name == "SampleCount") return statistics.count;
  if (name == "Sum") return statistics.sum;
  if (name == "Minimum") return statistics.min;
  if (name == "Maximum") return statistics.max;
  if (name == "Average") return statistics.count == 0 ? 0 : statistics.sum / statistics.count;
  return std::nullopt;
}

std::optional<Verdict> evaluate(const Alarm& alarm, const MetricStore& store, int64_t now) {
  Window window{.end = now - now % alarm.period, .period = alarm.period};
  window.start = window.end - alarm.evaluation_periods * alarm.period;
  Counted counted = count_periods(alarm, store, window);
  bool has_none = counted.breaching + counted.fine == 0;
  int64_t breaching = counted.breaching;
  if (alarm.treat_missing_data == "breaching") breaching += counted.missing;
  bool is_missing_fine = alarm.treat_missing_data == "notBreaching";
  bool is_missing_something = alarm.treat_missing_data == "breaching" || is_missing_fine;
  Verdict verdict;
  if (has_none && !is_missing_something) {
    if (alarm.treat_missing_data == "ignore") return std::nullopt;
    verdict.reason = fmt::format("Insufficient Data: {} datapoints were unknown.", counted.missing);
  } else {
    bool is_alarm = breaching >= alarm.datapoints_to_alarm;
    verdict.state = is_alarm ? AlarmState::kAlarm : AlarmState::kOk;
    verdict.reason = fmt::format(
        "Threshold Crossed: {} out of the last {} datapoints crossed the threshold ({}), {} of {} "
        "unknown; {} to ALARM.",
        breaching, alarm.evaluation_periods, alarm.threshold, counted.missing,
        alarm.evaluation_periods, alarm.datapoints_to_alarm);
  }
  return verdict.state == alarm.state ? std::nullopt : std::optional(verdict);
}

nlohmann::ordered_json render_alarm(const Alarm& alarm) {
  return {{"name", alarm.name},
          {"description", alarm.description},
          {"namespace", alarm.metric.space},
          {"metric", alarm.metric.name},
          {"dimensions", alarm.metric.dimensions},
          {"unit", alarm.unit},
          {"statistic", alarm.statistic},
          {"period", alarm.period},
          {"evaluationPeriods", alarm.evaluation_periods},
          {"datapointsToAlarm", alarm.datapoints_to_alarm},
          {"threshold", alarm.threshold},
          {"comparison", alarm.comparison},
          {"treatMissingData", alarm.treat_missing_data},
          {"actionsEnabled", alarm.actions_enabled},
          {"okActions", alarm.ok_actions},
          {"alarmActions", alarm.alarm_actions},
          {"insufficientDataActions", alarm.insufficient_data_actions},
          {"configuredAt", alarm.configured_at},
          {"state", name_of(alarm.state)},
          {"stateReason", alarm.state_reason},
          {"stateReasonData", alarm.state_reason_data},
          {"stateAt", alarm.state_at}};
}

Result<Alarm> parse_alarm(const json::Node& node) {
  Alarm alarm;
  alarm.name = TRY(node.string_at("name"));
  alarm.description = TRY(node.string_at("description"));
  alarm.metric.space = TRY(node.string_at("namespace"));
  alarm.metric.name = TRY(node.string_at("metric"));
  for (auto& [key, value] : TRY(TRY(node.at("dimensions")).as_string_map())) {
    alarm.metric.dimensions[key] = std::move(value);
  }
  alarm.unit = TRY(node.string_at("unit"));
  alarm.statistic = TRY(node.string_at("statistic"));
  alarm.period = TRY(node.i64_at("period"));
  if (alarm.period <= 0) return fail(Errc::kCorrupt, "{}.period: must be above 0", node.path());
  alarm.evaluation_periods = TRY(node.i64_at("evaluationPeriods"));
  alarm.datapoints_to_alarm = TRY(node.i64_at("datapointsToAlarm"));
  alarm.threshold = TRY(TRY(node.at("threshold")).as_double());
  alarm.comparison = TRY(node.string_at("comparison"));
  alarm.treat_missing_data = TRY(node.string_at("treatMissingData"));
  alarm.actions_enabled = TRY(TRY(node.at("actionsEnabled")).as_bool());
  alarm.ok_actions = TRY(node.find_strings("okActions"));
  alarm.alarm_actions = TRY(node.find_strings("alarmActions"));
  alarm.insufficient_data_actions = TRY(node.find_strings("insufficientDataActions"));
  alarm.configured_at = TRY(node.i64_at("configuredAt"));
  auto state = parse_alarm_state(TRY(node.string_at("state")));
  if (!state) return fail(Errc::kCorrupt, "{}.state: is none of the three", node.path());
  alarm.state = *state;
  alarm.state_reason = TRY(node.string_at("stateReason"));
  alarm.state_reason_data = TRY(node.string_at("stateReasonData"));
  alarm.state_at = TRY(node.i64_at("stateAt"));
  return alarm;
}

}  // namespace berth::metrics
