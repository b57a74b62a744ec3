#include "metrics/composite_alarm.h"

#include <nlohmann/json.hpp>

#include <fmt/core.h>

namespace berth::metrics {
namespace {

constexpr size_t kChildrenTold = 10;

std::string states_told(const CompositeAlarm& alarm, const AlarmRule::StateOf& state_of) {
  std::string told;
  size_t count = 0;
  for (const std::string& child : alarm.rule.children()) {
    auto state = state_of(child);
    if (++count > kChildrenTold) {
      told += fmt::format(" and of {} others", alarm.rule.children().size() - kChildrenTold);
      break;
    }
    told += fmt::format("{}{} is {}", count == 1 ? ": " : ", ", child,
                        state ? name_of(*state) : "not there");
  }
  return told;
}

// Depth first; `seen` also ends a circle, which only a file of others can have.
void visit_in_order(const std::string& name, const CompositeAlarms& alarms,
                    std::set<std::string>& seen, std::vector<std::string>& order) {
  auto found = alarms.find(name);
  if (found == alarms.end() || !seen.insert(name).second) return;
  for (const std::string& child : found->second.rule.children()) {
    visit_in_order(child, alarms, seen, order);
  }
  order.push_back(name);
}

}  // namespace

nlohmann::ordered_json render_composite(const CompositeAlarm& alarm) {
  nlohmann::ordered_json json;
  render_alarm_base(alarm, json);
  json["rule"] = alarm.rule_text;
  if (alarm.suppressor.alarm.empty()) return json;
  json["suppressor"] = {{"alarm", alarm.suppressor.alarm},
                        {"waitSeconds", alarm.suppressor.wait_seconds},
                        {"extensionSeconds", alarm.suppressor.extension_seconds}};
  json["suppression"] = render_suppression(alarm.suppression);
  return json;
}

Result<CompositeAlarm> parse_composite(const json::Node& node) {
  CompositeAlarm alarm;
  TRY(parse_alarm_base(node, alarm));
  alarm.rule_text = TRY(node.string_at("rule"));
  alarm.rule = TRY(AlarmRule::parse(alarm.rule_text));
  if (auto suppressor = node.find("suppressor")) {
    alarm.suppressor.alarm = TRY(suppressor->string_at("alarm"));
    alarm.suppressor.wait_seconds = TRY(suppressor->i64_at("waitSeconds"));
    alarm.suppressor.extension_seconds = TRY(suppressor->i64_at("extensionSeconds"));
  }
  alarm.suppression.acted = alarm.state;  // also in files of before
  if (auto suppression = node.find("suppression")) {
    alarm.suppression = TRY(parse_suppression(*suppression));
  }
  return alarm;
}

std::optional<Verdict> evaluate(const CompositeAlarm& alarm, const AlarmRule::StateOf& state_of) {
  bool is_true = alarm.rule.is_true(state_of);
  AlarmState state = is_true ? AlarmState::kAlarm : AlarmState::kOk;
  if (state == alarm.state) return std::nullopt;
  return Verdict{.state = state,
                 .reason = fmt::format("The alarm rule is {}{}.", is_true ? "true" : "false",
                                       states_told(alarm, state_of))};
}

std::vector<std::string> in_order_of_rules(const CompositeAlarms& alarms) {
  std::set<std::string> seen;
  std::vector<std::string> order;
  for (const auto& [name, alarm] : alarms) visit_in_order(name, alarms, seen, order);
  return order;
}

bool is_in_circle(const CompositeAlarm& alarm, const CompositeAlarms& others) {
  std::set<std::string> seen;
  std::vector<std::string> order;
  for (const std::string& child : alarm.rule.children()) {
    if (child == alarm.name) return true;
    visit_in_order(child, others, seen, order);
  }
  // Below a circle's alarm it is met itself, or, when it is new, its name is.
  for (const std::string& below : order) {
    if (below == alarm.name || others.at(below).is_about(alarm.name)) return true;
  }
  return false;
}

}  // namespace berth::metrics
