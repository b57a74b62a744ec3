// ActionSuppression: whether the actions of a composite alarm are held back, by an alarm that
// suppresses them, and which of them are due when they are not any more. Pure.
//
//   nothing --- the alarm comes to ALARM ---> WaitPeriod --- it is over, or the alarm is back --->
//   nothing WaitPeriod, nothing, ExtensionPeriod --- the suppressor is in ALARM ---> Alarm Alarm
//   --- the suppressor is not ---> ExtensionPeriod --- it is over ---> nothing
//
// With nothing, the actions of the state in which the alarm is are due, once.
#pragma once

#include "metrics/alarm_base.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace berth::metrics {

enum class SuppressedBy { kNothing, kWaitPeriod, kAlarm, kExtensionPeriod };
// "WaitPeriod", "Alarm", "ExtensionPeriod"; "" of kNothing.
const char* name_of(SuppressedBy by);

// The alarm that keeps the actions of another from being called, and for how long around it, in
// seconds.
struct ActionsSuppressor {
  std::string alarm{};  // "": none
  int64_t wait_seconds = 0;
  int64_t extension_seconds = 0;
};

struct ActionSuppression {
  SuppressedBy by = SuppressedBy::kNothing;
  int64_t until = 0;  // seconds since 1970: when the period is over
  // The state whose actions were due last.
  AlarmState acted = AlarmState::kInsufficientData;

  bool is_over(int64_t now) const;  // a period
  // As CloudWatch words it; "" of kNothing.
  std::string reason() const;
  bool operator==(const ActionSuppression&) const = default;
};

// What becomes of it at `now` (seconds) when the alarm is in that state, and its suppressor in
// that: nothing when it has none.
ActionSuppression follow(ActionSuppression suppression, const ActionsSuppressor& suppressor,
                         AlarmState state, std::optional<AlarmState> suppressor_state, int64_t now);

nlohmann::ordered_json render_suppression(const ActionSuppression& suppression);
Result<ActionSuppression> parse_suppression(const json::Node& node);

}  // namespace berth::metrics
