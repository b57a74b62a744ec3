// What all alarms have, whatever they look at.
#pragma once

#include "base/json.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::metrics {

enum class AlarmState { kOk, kAlarm, kInsufficientData };
// "OK", "ALARM", "INSUFFICIENT_DATA".
const char* name_of(AlarmState state);
std::optional<AlarmState> parse_alarm_state(const std::string& name);

struct AlarmBase {
  std::string name{};
  std::string description{};
  bool actions_enabled = true;
  std::vector<std::string> ok_actions{};
  std::vector<std::string> alarm_actions{};
  std::vector<std::string> insufficient_data_actions{};
  std::map<std::string, std::string> tags{};
  int64_t configured_at = 0;  // seconds since 1970

  AlarmState state = AlarmState::kInsufficientData;
  std::string state_reason = "Unchecked: Initial alarm creation";
  std::string state_reason_data{};  // JSON
  int64_t state_at = 0;
};

struct Verdict {
  AlarmState state = AlarmState::kInsufficientData;
  std::string reason{};
  std::string reason_data{};
};
// The alarm is in that state from `now` on, in seconds.
void enter_state(AlarmBase& alarm, Verdict verdict, int64_t now);

// Members of a JSON object.
void render_alarm_base(const AlarmBase& alarm, nlohmann::ordered_json& json);
Status parse_alarm_base(const json::Node& node, AlarmBase& alarm);

}  // namespace berth::metrics
