#include "metrics/action_suppression.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace berth::metrics {
namespace {

constexpr std::array<std::pair<SuppressedBy, const char*>, 4> kSuppressions = {
    std::pair{SuppressedBy::kNothing, ""},
    {SuppressedBy::kWaitPeriod, "WaitPeriod"},
    {SuppressedBy::kAlarm, "Alarm"},
    {SuppressedBy::kExtensionPeriod, "ExtensionPeriod"}};

}  // namespace

const char* name_of(SuppressedBy by) {
  return std::ranges::find(kSuppressions, by, &std::pair<SuppressedBy, const char*>::first)->second;
}

bool ActionSuppression::is_over(int64_t now) const {
  bool is_period = by == SuppressedBy::kWaitPeriod || by == SuppressedBy::kExtensionPeriod;
  return is_period && now >= until;
}

std::string ActionSuppression::reason() const {
  return by == SuppressedBy::kNothing ? "" : std::string("Actions suppressed by ") + name_of(by);
}

ActionSuppression follow(ActionSuppression suppression, const ActionsSuppressor& suppressor,
                         AlarmState state, std::optional<AlarmState> suppressor_state,
                         int64_t now) {
  if (!suppressor_state) return {.acted = state};
  if (*suppressor_state == AlarmState::kAlarm) {
    return {.by = SuppressedBy::kAlarm, .acted = suppression.acted};
  }
  bool is_new = state != suppression.acted;
  if (suppression.by == SuppressedBy::kAlarm) {
    suppression.by = SuppressedBy::kExtensionPeriod;
    suppression.until = now + suppressor.extension_seconds;
  } else if (suppression.by == SuppressedBy::kNothing && is_new && state == AlarmState::kAlarm) {
    suppression.by = SuppressedBy::kWaitPeriod;
    suppression.until = now + suppressor.wait_seconds;
  }
  bool is_back = suppression.by == SuppressedBy::kWaitPeriod && !is_new;
  bool is_held = suppression.by != SuppressedBy::kNothing && !is_back && !suppression.is_over(now);
  return is_held ? suppression : ActionSuppression{.acted = state};
}

nlohmann::ordered_json render_suppression(const ActionSuppression& suppression) {
  return {{"by", name_of(suppression.by)},
          {"until", suppression.until},
          {"acted", name_of(suppression.acted)}};
}

Result<ActionSuppression> parse_suppression(const json::Node& node) {
  ActionSuppression suppression;
  std::string by = TRY(node.string_at("by"));
  const auto* found = std::ranges::find(
      kSuppressions, by, [](const auto& each) { return std::string_view(each.second); });
  if (found == kSuppressions.end()) {
    return fail(Errc::kCorrupt, "{}.by: is none of the four", node.path());
  }
  suppression.by = found->first;
  suppression.until = TRY(node.i64_at("until"));
  auto acted = parse_alarm_state(TRY(node.string_at("acted")));
  if (!acted) return fail(Errc::kCorrupt, "{}.acted: is none of the three", node.path());
  suppression.acted = *acted;
  return suppression;
}

}  // namespace berth::metrics
