// What has become of alarms of CloudWatch, of those that are gone too.
#include "api/metrics_alarm_shapes.h"
#include "api/page.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace berth::api::cw {
namespace {

constexpr PageMembers kHistoryPages{.limit = "MaxRecords",
                                    .token = "NextToken",
                                    .token_fault = "InvalidNextToken",
                                    .max = 100,
                                    .usual = 50};

// What DescribeAlarmHistory looks for.
struct HistoryFilter {
  std::string alarm{};  // "": each
  std::string kind{};   // "": each
  bool has_metric_alarms = true;
  bool has_composites = false;
  std::optional<int64_t> start{};  // seconds
  std::optional<int64_t> end{};

  bool accepts(const metrics::HistoryItem& item) const {
    bool is_of_kind = item.is_composite ? has_composites : has_metric_alarms;
    bool is_named = alarm.empty() || alarm == item.alarm;
    bool is_wanted = kind.empty() || kind == item.kind;
    bool is_within = (!start || item.at >= *start) && (!end || item.at <= *end);
    return is_of_kind && is_named && is_wanted && is_within;
  }
};

std::optional<int64_t> read_date(Ask& ask, std::string_view key) {
  auto time = ask.time(ask.root(), key);
  return time ? std::optional(seconds_of(*time)) : std::nullopt;
}

HistoryFilter read_history_filter(const Metrics& metrics, Ask& ask) {
  HistoryFilter filter;
  filter.alarm = ask.text("AlarmName");
  if (filter.alarm.size() > 255) ask.invalid("AlarmName: has at most 255 characters.");
  filter.kind = ask.word("HistoryItemType", {"ConfigurationUpdate", "StateUpdate", "Action"});
  std::vector<std::string> types = ask.words("AlarmTypes", {"CompositeAlarm", "MetricAlarm"});
  auto has_type = [&](const char* type) { return std::ranges::find(types, type) != types.end(); };
  filter.has_composites = has_type("CompositeAlarm");
  filter.has_metric_alarms = types.empty() || has_type("MetricAlarm");
  filter.start = read_date(ask, "StartDate");
  filter.end = read_date(ask, "EndDate");
  if (filter.start && filter.end && *filter.start > *filter.end) {
    ask.invalid("StartDate must be before EndDate.");
  }
  // What is not kept any more may still be there.
  int64_t oldest = seconds_of(metrics.now) - metrics::kHistoryKeptSeconds;
  filter.start = std::max(filter.start.value_or(oldest), oldest);
  return filter;
}

Json item_json(const Ask& ask, const metrics::HistoryItem& item) {
  return {{"AlarmName", item.alarm},
          {"AlarmType", item.is_composite ? "CompositeAlarm" : "MetricAlarm"},
          {"Timestamp", time_json(ask, item.at)},
          {"HistoryItemType", item.kind},
          {"HistorySummary", item.summary},
          {"HistoryData", item.data}};
}

}  // namespace

Json describe_alarm_history(Metrics& metrics, Ask& ask) {
  HistoryFilter filter = read_history_filter(metrics, ask);
  bool is_ascending =
      ask.word("ScanBy", {"TimestampDescending", "TimestampAscending"}) == "TimestampAscending";
  if (ask.refused()) return {};
  std::map<std::string, const metrics::HistoryItem*> found;
  std::vector<std::string> numbers;
  for (const metrics::HistoryItem& item : metrics.alarms.history().items()) {
    if (!filter.accepts(item)) continue;
    numbers.push_back(std::to_string(item.number));
    found[numbers.back()] = &item;
  }
  if (!is_ascending) std::ranges::reverse(numbers);
  Page page = page_of(ask, numbers, kHistoryPages);
  Json items = Json::array();
  for (const std::string& number : page.items) items.push_back(item_json(ask, *found.at(number)));
  Json json = {{"AlarmHistoryItems", std::move(items)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::cw
