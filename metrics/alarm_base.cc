#include "metrics/alarm_base.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace berth::metrics {
namespace {

constexpr std::array<std::pair<AlarmState, const char*>, 3> kStates = {
    std::pair{AlarmState::kOk, "OK"},
    {AlarmState::kAlarm, "ALARM"},
    {AlarmState::kInsufficientData, "INSUFFICIENT_DATA"}};

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

void enter_state(AlarmBase& alarm, Verdict verdict, int64_t now) {
  alarm.state = verdict.state;
  alarm.state_reason = std::move(verdict.reason);
  alarm.state_reason_data = std::move(verdict.reason_data);
  alarm.state_at = now;
}

void render_alarm_base(const AlarmBase& alarm, nlohmann::ordered_json& json) {
  json["name"] = alarm.name;
  json["description"] = alarm.description;
  json["actionsEnabled"] = alarm.actions_enabled;
  json["okActions"] = alarm.ok_actions;
  json["alarmActions"] = alarm.alarm_actions;
  json["insufficientDataActions"] = alarm.insufficient_data_actions;
  if (!alarm.tags.empty()) json["tags"] = alarm.tags;
  json["configuredAt"] = alarm.configured_at;
  json["state"] = name_of(alarm.state);
  json["stateReason"] = alarm.state_reason;
  json["stateReasonData"] = alarm.state_reason_data;
  json["stateAt"] = alarm.state_at;
}

Status parse_alarm_base(const json::Node& node, AlarmBase& alarm) {
  alarm.name = TRY(node.string_at("name"));
  alarm.description = TRY(node.string_at("description"));
  alarm.actions_enabled = TRY(TRY(node.at("actionsEnabled")).as_bool());
  alarm.ok_actions = TRY(node.find_strings("okActions"));
  alarm.alarm_actions = TRY(node.find_strings("alarmActions"));
  alarm.insufficient_data_actions = TRY(node.find_strings("insufficientDataActions"));
  if (auto tags = node.find("tags")) {
    for (auto& [name, value] : TRY(tags->as_string_map())) alarm.tags[name] = std::move(value);
  }
  alarm.configured_at = TRY(node.i64_at("configuredAt"));
  auto state = parse_alarm_state(TRY(node.string_at("state")));
  if (!state) return fail(Errc::kCorrupt, "{}.state: is none of the three", node.path());
  alarm.state = *state;
  alarm.state_reason = TRY(node.string_at("stateReason"));
  alarm.state_reason_data = TRY(node.string_at("stateReasonData"));
  alarm.state_at = TRY(node.i64_at("stateAt"));
  return {};
}

}  // namespace berth::metrics
