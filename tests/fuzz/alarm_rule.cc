// A composite alarm's rule of a client's: whatever it is about is there in what it says.
#include "metrics/alarm_rule.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void alarm_rule(std::string_view text) {
  auto rule = metrics::AlarmRule::parse(text);
  if (!check_result(rule)) return;
  CHECK(rule->children().size() <= metrics::kAlarmRuleChildrenMax);
  using metrics::AlarmState;
  for (AlarmState state : {AlarmState::kOk, AlarmState::kAlarm, AlarmState::kInsufficientData}) {
    rule->is_true([&](const std::string& name) {
      CHECK(rule->children().contains(name));
      return std::optional(state);
    });
  }
}

}  // namespace berth::fuzz
