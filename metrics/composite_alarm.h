// CompositeAlarm: an alarm that a rule about other alarms raises. Pure.
#pragma once

#include "metrics/action_suppression.h"
#include "metrics/alarm_base.h"
#include "metrics/alarm_rule.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <set>
#include <string>

namespace berth::metrics {

struct CompositeAlarm : AlarmBase {
  std::string rule_text{};
  AlarmRule rule{};  // what it says
  ActionsSuppressor suppressor{};
  ActionSuppression suppression{};

  // Whether it looks at that alarm.
  bool is_about(const std::string& alarm) const { return rule.children().contains(alarm); }
};

nlohmann::ordered_json render_composite(const CompositeAlarm& alarm);
Result<CompositeAlarm> parse_composite(const json::Node& node);

using CompositeAlarms = std::map<std::string, CompositeAlarm>;

// What the rule says now; nothing when that is the state in which the alarm is.
std::optional<Verdict> evaluate(const CompositeAlarm& alarm, const AlarmRule::StateOf& state_of);
// Their names, each behind those that it is about.
std::vector<std::string> in_order_of_rules(const CompositeAlarms& alarms);
// Whether what `alarm` is about is, over however many others, about it again.
bool is_in_circle(const CompositeAlarm& alarm, const CompositeAlarms& others);

}  // namespace berth::metrics
