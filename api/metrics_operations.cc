#include "api/metrics_operations.h"

#include "api/metrics_service.h"
#include "api/query_form.h"
#include "aws/endpoint.h"
#include "aws/time.h"
#include "base/log.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace berth::api {
namespace cw {
namespace {

using enum Support;

constexpr size_t kDimensionsMax = 30;
constexpr size_t kMetricTextMax = 255;
constexpr size_t kDimensionValueMax = 1024;
constexpr int64_t kPeriodMax = 86400;

// In the order of their names.
constexpr auto kMetricsOperations = std::to_array<Operation>({
    {"DeleteAlarms", delete_alarms, kWorks, ""},
    {"DescribeAlarmHistory", describe_alarm_history, kWorks, ""},
    {"DescribeAlarms", describe_alarms, kWorks, ""},
    {"DescribeAlarmsForMetric", describe_alarms_for_metric, kWorks, ""},
    {"DisableAlarmActions", disable_alarm_actions, kWorks, ""},
    {"EnableAlarmActions", enable_alarm_actions, kWorks, ""},
    {"GetMetricData", get_metric_data, kPartly,
     "expressions without ANOMALY_DETECTION_BAND, INSIGHT_RULE_METRIC, SERVICE_QUOTA, "
     "DB_PERF_INSIGHTS, LAMBDA and SELECT"},
    {"GetMetricStatistics", get_metric_statistics, kWorks, ""},
    {"ListMetrics", list_metrics, kWorks, ""},
    {"ListTagsForResource", list_tags_for_resource, kPartly, "of alarms"},
    {"PutCompositeAlarm", put_composite_alarm, kPartly,
     "its actions are kept, and nobody is called"},
    {"PutMetricAlarm", put_metric_alarm, kPartly,
     "of its actions scaling policies are called (AlarmActions), the others are "
     "kept"},
    {"PutMetricData", put_metric_data, kPartly, "by the minute"},
    {"SetAlarmState", set_alarm_state, kWorks, ""},
    {"TagResource", tag_resource, kPartly, "of alarms"},
    {"UntagResource", untag_resource, kPartly, "of alarms"},
});

constexpr std::string_view kUnits =
    " Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits "
    "Kilobits "
    "Megabits Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second "
    "Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second "
    "Terabits/Second Count/Second None ";

}  // namespace

std::span<const Operation> all_operations() {
  return kMetricsOperations;
}

int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Json time_json(const Ask& ask, int64_t seconds) {
  if (!ask.call().is_form) return seconds;
  return aws::format_rfc3339_seconds(WallTime(std::chrono::seconds(seconds)));
}

std::string required(Ask& ask, const json::Node& node, std::string_view key) {
  std::string value = ask.text(node, key);
  if (value.empty()) {
    ask.refuse("MissingParameter",
               fmt::format("The parameter {} is required.", path_of(node, key)));
  }
  return value;
}

metrics::Dimensions read_dimensions(Ask& ask, const json::Node& node) {
  metrics::Dimensions dimensions;
  for (const json::Node& each : ask.objects(node, "Dimensions", kDimensionsMax)) {
    std::string name = required(ask, each, "Name");
    std::string value = required(ask, each, "Value");
    if (name.size() > kMetricTextMax || value.size() > kDimensionValueMax) {
      ask.invalid(fmt::format("{}: a name has at most {} characters, a value {}.", each.path(),
                              kMetricTextMax, kDimensionValueMax));
    }
    bool is_new = dimensions.emplace(name, value).second;
    if (!is_new) ask.invalid(fmt::format("{}: {} is there twice.", each.path(), name));
  }
  return dimensions;
}

Json dimensions_json(const metrics::Dimensions& dimensions) {
  Json list = Json::array();
  for (const auto& [name, value] : dimensions) list.push_back({{"Name", name}, {"Value", value}});
  return list;
}

std::string read_unit(Ask& ask, const json::Node& node) {
  std::string unit = ask.text(node, "Unit");
  bool is_known = unit.empty() || (unit.find(' ') == std::string::npos &&
                                   kUnits.find(" " + unit + " ") != std::string_view::npos);
  if (!is_known) {
    ask.invalid(fmt::format("{}: '{}' is no unit of CloudWatch's.", path_of(node, "Unit"),
                            printable(unit, 100)));
  }
  return unit;
}

int64_t read_period(Ask& ask, const json::Node& node) {
  auto period = ask.number(node, "Period", {1, kPeriodMax});
  if (!period) {
    ask.refuse("MissingParameter",
               fmt::format("The parameter {} is required.", path_of(node, "Period")));
    return metrics::kMinute;
  }
  if (*period % metrics::kMinute == 0) return *period;
  ask.invalid(fmt::format("{}: must be a multiple of {}, not {}: figures are kept by the minute.",
                          path_of(node, "Period"), metrics::kMinute, *period));
  return metrics::kMinute;
}

void check_statistic(Ask& ask, const std::string& name) {
  if (metrics::parse_stat(name)) return;
  ask.invalid(fmt::format(
      "'{}' is no statistic: there are SampleCount, Average, Sum, Minimum, Maximum, percentiles "
      "(p0 to p100), tm, tc, ts and wm before a percentage (tm90), TM, TC, TS, WM and PR before a "
      "range "
      "(TM(10%:90%), PR(:300)) and IQM.",
      printable(name, 100)));
}

void check_basic_statistic(Ask& ask, const std::string& name) {
  auto stat = metrics::parse_stat(name);
  if (stat && stat->is_basic()) return;
  ask.invalid(fmt::format("'{}' is none of SampleCount, Average, Sum, Minimum and Maximum.",
                          printable(name, 100)));
}

void check_extended_statistic(Ask& ask, const std::string& name) {
  auto stat = metrics::parse_stat(name);
  if (!stat) return check_statistic(ask, name);
  if (!stat->is_basic()) return;
  ask.invalid(fmt::format(
      "The extended statistic {} is not valid: it is one of the plain ones (Statistic).", name));
}

}  // namespace cw

namespace {

// After these an alarm may be raised, or not any more.
bool changes_alarms(std::string_view operation) {
  constexpr std::string_view kChanges[] = {"DeleteAlarms", "PutCompositeAlarm", "SetAlarmState"};
  return std::ranges::find(kChanges, operation) != std::end(kChanges);
}

// The exceptions of JSON's model, by the codes of the query protocol.
std::string json_fault_of(const std::string& code) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kFaults = {
      std::pair<std::string_view, std::string_view>{"InvalidParameterValue",
                                                    "InvalidParameterValueException"},
      {"InvalidParameterCombination", "InvalidParameterCombinationException"},
      {"MissingParameter", "MissingRequiredParameterException"},
      {"LimitExceeded", "LimitExceededFault"},
      {"InternalServiceError", "InternalServiceFault"}};
  for (const auto& [query, json] : kFaults) {
    if (code == query) return std::string(json);
  }
  return code;
}

}  // namespace

Answer MetricsService::answer(const Call& call) {
  cw::Metrics metrics{
      .store = store_,
      .alarms = alarms_,
      .now = call.at,
      .arn_prefix = fmt::format("arn:{}:cloudwatch:{}:{}:alarm:", aws::partition_of(host_.region),
                                host_.region, host_.account)};
  // A period that is over is over for whoever asks, and not when the alarms are looked at next.
  auto ended = alarms_.end_suppressions(call.at);
  if (!ended) LOG(kWarn, "suppressed actions stay so", {{"why", ended.error().text}});
  if (!call.is_form) {
    Answer answer = answer_json(call, cw::kMetricsFaults, cw::all_operations(), metrics);
    if (answer && sink_ && changes_alarms(call.operation)) sink_();
    if (answer || answer.error().code == unknown_operation("").code) return answer;
    Refusal refusal = answer.error();
    if (!refusal.query_code.empty()) return answer;
    refusal.query_code = refusal.code;
    refusal.code = json_fault_of(refusal.code);
    return tl::unexpected(std::move(refusal));
  }
  auto body = json_of_form(call.body);
  if (!body) return tl::unexpected(body.error());
  Call as_json = call;
  as_json.body = std::move(*body);
  Answer answer = answer_json(as_json, cw::kMetricsFaults, cw::all_operations(), metrics);
  if (!answer && answer.error().query_code.empty()) return answer;
  if (!answer) {
    Refusal refusal = answer.error();
    refusal.code = std::exchange(refusal.query_code, "");
    return tl::unexpected(std::move(refusal));
  }
  if (sink_ && changes_alarms(call.operation)) sink_();
  std::string xml = xml_of_json(nlohmann::ordered_json::parse(*answer), "member");
  return fmt::format("<{0}Result>{1}</{0}Result>", call.operation, xml);
}

}  // namespace berth::api
