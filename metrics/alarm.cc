#include "metrics/alarm.h"

#include "base/env.h"
#include "base/log.h"

#include <nlohmann/json.hpp>

#include <map>

namespace berth::metrics {
namespace {

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
  double samples = 0;
};

// CloudWatch's rule: 10 / (1 - p) figures above the median, 10 / p below it.
bool has_too_few(const Alarm& alarm, const Counted& counted) {
  constexpr double kSamplesBeyond = 10;
  constexpr double kMedian = 50;
  auto stat = parse_stat(alarm.statistic);
  bool is_percentile = stat && stat->kind == StatKind::kPercentile;
  if (!is_percentile || alarm.low_sample_count != "ignore") return false;
  double percent = stat->upper.value_or(0);
  double beyond = percent > kMedian ? 100 - percent : percent;
  return counted.samples * beyond / 100 < kSamplesBeyond;
}

struct Figures {
  std::map<int64_t, double> values{};  // by the beginning of the period
  double samples = 0;
};

// Those of the last whole periods.
Window window_of(const Alarm& alarm, int64_t now) {
  Window window{.end = now - now % alarm.period, .period = alarm.period};
  window.start = window.end - alarm.evaluation_periods * alarm.period;
  return window;
}

// With one period more, so that RATE, DIFF and FILL have one before the first.
Window with_one_before(Window window) {
  window.start -= window.period;
  return window;
}

Figures figures_of_queries(const Alarm& alarm, const MetricStore& store, const Window& window) {
  Figures figures;
  Window wide = with_one_before(window);
  auto values = evaluate_queries(alarm.queries, &store, wide, kAlarmWeightMax);
  if (!values) {  // of before that was checked: as if there were none
    LOG(kWarn, "alarm not computed", {{"name", alarm.name}, {"why", values.error().text}});
    return figures;
  }
  for (const MathQuery& query : alarm.queries) {
    const auto* series = std::get_if<MathSeries>(&values->at(query.id));
    if (!query.is_returned || series == nullptr) continue;
    for (const MathPoint& point : series->points) {
      if (point.at >= window.start) figures.values[point.at] = point.value;
    }
  }
  return figures;
}

Figures figures_of(const Alarm& alarm, const MetricStore& store, const Window& window) {
  if (!alarm.queries.empty()) return figures_of_queries(alarm, store, window);
  Figures figures;
  for (const Point& point : store.read(alarm.metric, alarm.unit, window)) {
    figures.samples += point.statistics.count;
    auto value = statistic_of(point.statistics, alarm.statistic);
    if (value) figures.values[point.at] = *value;
  }
  return figures;
}

Counted count_periods(const Alarm& alarm, const Figures& figures, const Window& window) {
  Counted counted{.samples = figures.samples};
  for (int64_t at = window.start; at < window.end; at += window.period) {
    auto found = figures.values.find(at);
    if (found == figures.values.end()) {
      ++counted.missing;
    } else if (is_breaching(alarm, found->second)) {
      ++counted.breaching;
    } else {
      ++counted.fine;
    }
  }
  return counted;
}

// As CloudWatch writes it: "2023-11-14T22:13:00.000+0000".
std::string reason_time(int64_t at) {
  constexpr size_t kUpToSeconds = 19;
  return format_rfc3339(WallTime(std::chrono::seconds(at))).substr(0, kUpToSeconds) + ".000+0000";
}

// In the members of CloudWatch's own; the latest figures first, as many as it tells.
std::string reason_data(const Alarm& alarm, const Figures& figures, const Window& window,
                        int64_t now) {
  constexpr size_t kPointsTold = 10;
  nlohmann::ordered_json json = {{"version", "1.0"}, {"queryDate", reason_time(now)}};
  if (!figures.values.empty()) json["startDate"] = reason_time(figures.values.begin()->first);
  if (alarm.queries.empty()) json["statistic"] = alarm.statistic;
  json["period"] = window.period;
  json["recentDatapoints"] = nlohmann::ordered_json::array();
  json["threshold"] = alarm.threshold;
  json["evaluatedDatapoints"] = nlohmann::ordered_json::array();
  size_t told = 0;
  for (auto each = figures.values.rbegin(); each != figures.values.rend(); ++each) {
    if (++told > kPointsTold) break;
    json["recentDatapoints"].insert(json["recentDatapoints"].begin(), each->second);
    json["evaluatedDatapoints"].push_back(
        {{"timestamp", reason_time(each->first)}, {"value", each->second}});
  }
  return json.dump();
}

}  // namespace

Status check_load(const Alarm& alarm) {
  int64_t any_time = 2 * alarm.evaluation_periods * alarm.period;
  return check_queries(alarm.queries, with_one_before(window_of(alarm, any_time)), kAlarmWeightMax);
}

std::optional<Verdict> evaluate(const Alarm& alarm, const MetricStore& store, int64_t now) {
  Window window = window_of(alarm, now);
  Figures figures = figures_of(alarm, store, window);
  Counted counted = count_periods(alarm, figures, window);
  bool has_none = counted.breaching + counted.fine == 0;
  if (!has_none && has_too_few(alarm, counted)) return std::nullopt;
  int64_t breaching = counted.breaching;
  if (alarm.treat_missing_data == "breaching") breaching += counted.missing;
  bool is_missing_fine = alarm.treat_missing_data == "notBreaching";
  bool is_missing_something = alarm.treat_missing_data == "breaching" || is_missing_fine;
  Verdict verdict;
  if (has_none && !is_missing_something) {
    if (alarm.treat_missing_data == "ignore") return std::nullopt;
    verdict.reason = fmt::format("Insufficient Data: {} datapoints were unknown.", counted.missing);
  } else {
    bool is_alarm = breaching >= alarm.datapoints_needed();
    verdict.state = is_alarm ? AlarmState::kAlarm : AlarmState::kOk;
    verdict.reason = fmt::format(
        "Threshold Crossed: {} out of the last {} datapoints crossed the threshold ({}), {} of {} "
        "unknown; {} to ALARM.",
        breaching, alarm.evaluation_periods, alarm.threshold, counted.missing,
        alarm.evaluation_periods, alarm.datapoints_needed());
  }
  if (verdict.state == alarm.state) return std::nullopt;
  verdict.reason_data = reason_data(alarm, figures, window, now);
  return verdict;
}

std::optional<double> latest_value(const Alarm& alarm, const MetricStore& store, int64_t now) {
  Figures figures = figures_of(alarm, store, window_of(alarm, now));
  return figures.values.empty() ? std::nullopt : std::optional(figures.values.rbegin()->second);
}

nlohmann::ordered_json render_alarm(const Alarm& alarm) {
  nlohmann::ordered_json json;
  render_alarm_base(alarm, json);
  render_metric_name(alarm.metric, json);
  json.update({{"unit", alarm.unit},
               {"statistic", alarm.statistic},
               {"lowSampleCount", alarm.low_sample_count},
               {"period", alarm.period},
               {"evaluationPeriods", alarm.evaluation_periods},
               {"threshold", alarm.threshold},
               {"comparison", alarm.comparison},
               {"treatMissingData", alarm.treat_missing_data}});
  if (alarm.datapoints_to_alarm) json["datapointsToAlarm"] = *alarm.datapoints_to_alarm;
  if (!alarm.queries.empty()) json["queries"] = render_queries(alarm.queries);
  return json;
}

Result<Alarm> parse_alarm(const json::Node& node) {
  Alarm alarm;
  TRY(parse_alarm_base(node, alarm));
  alarm.metric = TRY(parse_metric_name(node));
  alarm.unit = TRY(node.string_at("unit"));
  alarm.statistic = TRY(node.string_at("statistic"));
  alarm.low_sample_count = TRY(node.find_string("lowSampleCount")).value_or("");
  alarm.period = TRY(node.i64_at("period"));
  if (alarm.period <= 0) return fail(Errc::kCorrupt, "{}.period: must be above 0", node.path());
  alarm.evaluation_periods = TRY(node.i64_at("evaluationPeriods"));
  alarm.datapoints_to_alarm = TRY(node.find_i64("datapointsToAlarm"));
  alarm.threshold = TRY(TRY(node.at("threshold")).as_double());
  alarm.comparison = TRY(node.string_at("comparison"));
  alarm.treat_missing_data = TRY(node.string_at("treatMissingData"));
  if (auto queries = node.find("queries")) alarm.queries = TRY(parse_queries(*queries));
  return alarm;
}

}  // namespace berth::metrics
