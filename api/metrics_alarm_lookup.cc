// Alarms of CloudWatch, looked for.
#include "api/metrics_alarm_shapes.h"
#include "api/page.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace berth::api::cw {
namespace {

constexpr size_t kDescribedNamesMax = 100;
constexpr size_t kAlarmPageMax = 100;
constexpr size_t kAlarmPageUsual = 50;

constexpr PageMembers kAlarmPages{.limit = "MaxRecords",
                                  .token = "NextToken",
                                  .token_fault = "InvalidNextToken",
                                  .max = kAlarmPageMax,
                                  .usual = kAlarmPageUsual};

// What DescribeAlarms looks for.
struct AlarmFilter {
  std::vector<std::string> names{};
  std::string prefix{};
  std::string action{};
  std::string state{};

  bool accepts(const metrics::AlarmBase& alarm) const {
    bool has_action =
        action.empty() || std::ranges::any_of(alarm.alarm_actions, [&](const std::string& each) {
          return each.starts_with(action);
        });
    bool is_named = names.empty() || std::ranges::find(names, alarm.name) != names.end();
    bool has_state = state.empty() || state == metrics::name_of(alarm.state);
    return is_named && has_action && has_state && alarm.name.starts_with(prefix);
  }
};

AlarmFilter read_filter(Ask& ask) {
  AlarmFilter filter;
  filter.names = ask.texts("AlarmNames", kDescribedNamesMax);
  filter.prefix = ask.text("AlarmNamePrefix");
  filter.action = ask.text("ActionPrefix");
  filter.state = ask.word("StateValue", {"OK", "ALARM", "INSUFFICIENT_DATA"});
  if (!filter.names.empty() && !filter.prefix.empty()) {
    ask.refuse("InvalidParameterCombination", "AlarmNames and AlarmNamePrefix exclude each other.");
  }
  return filter;
}

Json page_json(const Page& page, Json composites, Json alarms) {
  Json json = {{"CompositeAlarms", std::move(composites)}, {"MetricAlarms", std::move(alarms)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json relative_json(const Metrics& metrics, const Ask& ask, const metrics::AlarmBase& alarm,
                   bool has_state) {
  Json json = {{"AlarmName", alarm.name}, {"AlarmArn", metrics.arn_prefix + alarm.name}};
  if (!has_state) return json;
  json["StateValue"] = metrics::name_of(alarm.state);
  json["StateUpdatedTimestamp"] = time_json(ask, alarm.state_at);
  return json;
}

// ChildrenOfAlarmName, ParentsOfAlarmName: who is about whom, and nothing else.
Json describe_relatives(Metrics& metrics, Ask& ask) {
  for (const char* member :
       {"AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "ActionPrefix"}) {
    if (ask.has(member)) {
      ask.refuse(
          "ValidationError",
          std::string(member) + ": goes with neither ChildrenOfAlarmName nor ParentsOfAlarmName.");
    }
  }
  std::string parent = ask.text("ChildrenOfAlarmName");
  std::string child = ask.text("ParentsOfAlarmName");
  if (!parent.empty() && !child.empty()) {
    ask.refuse("ValidationError", "ChildrenOfAlarmName and ParentsOfAlarmName exclude each other.");
  }
  std::vector<std::string> names =
      child.empty() ? std::vector<std::string>() : metrics.alarms.parents_of(child);
  auto composite = metrics.alarms.composites().find(parent);
  if (composite != metrics.alarms.composites().end()) {
    const auto& children = composite->second.rule.children();
    names.assign(children.begin(), children.end());
  }
  Page page = page_of(ask, names, kAlarmPages);
  Json composites = Json::array();
  Json alarms = Json::array();
  for (const std::string& name : page.items) {
    const metrics::AlarmBase* alarm = metrics.alarms.find(name);
    if (alarm == nullptr) continue;
    bool is_composite = metrics.alarms.composites().contains(name);
    (is_composite ? composites : alarms)
        .push_back(relative_json(metrics, ask, *alarm, child.empty()));
  }
  return page_json(page, std::move(composites), std::move(alarms));
}

}  // namespace

Json describe_alarms(Metrics& metrics, Ask& ask) {
  if (ask.has("ChildrenOfAlarmName") || ask.has("ParentsOfAlarmName")) {
    return describe_relatives(metrics, ask);
  }
  AlarmFilter filter = read_filter(ask);
  std::vector<std::string> types = ask.words("AlarmTypes", {"CompositeAlarm", "MetricAlarm"});
  if (types.empty()) types = {"MetricAlarm"};  // as CloudWatch does it
  auto has_type = [&](const char* type) { return std::ranges::find(types, type) != types.end(); };
  std::vector<std::string> names;
  if (has_type("MetricAlarm")) {
    for (const auto& [name, alarm] : metrics.alarms.alarms()) {
      if (filter.accepts(alarm)) names.push_back(name);
    }
  }
  if (has_type("CompositeAlarm")) {
    for (const auto& [name, alarm] : metrics.alarms.composites()) {
      if (filter.accepts(alarm)) names.push_back(name);
    }
  }
  std::ranges::sort(names);
  Page page = page_of(ask, names, kAlarmPages);
  Json composites = Json::array();
  Json alarms = Json::array();
  for (const std::string& name : page.items) {
    auto composite = metrics.alarms.composites().find(name);
    if (composite != metrics.alarms.composites().end()) {
      composites.push_back(composite_json(metrics, ask, composite->second));
    } else {
      alarms.push_back(alarm_json(metrics, ask, metrics.alarms.alarms().at(name)));
    }
  }
  return page_json(page, std::move(composites), std::move(alarms));
}

// Those of one metric, with all of its dimensions; alarms of expressions are of none.
Json describe_alarms_for_metric(Metrics& metrics, Ask& ask) {
  metrics::MetricName metric;
  metric.name = required(ask, ask.root(), "MetricName");
  metric.space = required(ask, ask.root(), "Namespace");
  metric.dimensions = read_dimensions(ask, ask.root());
  std::string statistic = ask.text("Statistic");
  if (statistic.empty()) statistic = ask.text("ExtendedStatistic");
  std::string unit = read_unit(ask, ask.root());
  auto period = ask.number("Period", {1, std::numeric_limits<int32_t>::max()});
  Json alarms = Json::array();
  for (const auto& [name, alarm] : metrics.alarms.alarms()) {
    bool is_of_it = alarm.queries.empty() && alarm.metric == metric &&
                    (statistic.empty() || alarm.statistic == statistic) &&
                    (unit.empty() || alarm.unit == unit) && (!period || alarm.period == *period);
    if (is_of_it) alarms.push_back(alarm_json(metrics, ask, alarm));
  }
  return {{"MetricAlarms", std::move(alarms)}};
}

}  // namespace berth::api::cw
