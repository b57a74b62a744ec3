// AlarmRule: what a composite alarm says of other alarms. Pure.
//
//   ALARM(cpu) AND (NOT OK("disk of /") OR INSUFFICIENT_DATA(arn:aws:cloudwatch:...:alarm:memory))
//
//   rule      AND binds closer than OR, NOT closer than both; TRUE and FALSE; parentheses
//   AT_LEAST(2, ALARM, (a, b, c))   AT_LEAST(50%, NOT OK, (a, b))
//             that so many of the alarms are in the state, or not in it
//   alarms    by name or by ARN; in quotes, "" or '', when there are spaces, quotes or
//             parentheses in it (in lists, commas), with a backslash before a quote of the same
//             kind
// Names of alarms are those of one account and one region.
#pragma once

#include "base/result.h"
#include "metrics/alarm_base.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace berth::metrics {

constexpr size_t kAlarmRuleMax = 10240;        // bytes
constexpr size_t kAlarmRuleElementsMax = 500;  // alarms, TRUE, FALSE, and pairs of parentheses
constexpr size_t kAlarmRuleChildrenMax = 100;
constexpr size_t kAlarmRuleDepthMax = 100;  // of parentheses and NOTs in each other

// The name in "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:NAME", or what is no ARN as it is.
std::string alarm_named(const std::string& text);

class AlarmRule {
 public:
  // kInvalid says what is wrong, and where.
  static Result<AlarmRule> parse(std::string_view text);

  // The names of the alarms that it is about.
  const std::set<std::string>& children() const { return children_; }
  // `state_of` an alarm that is not there is nothing: no function is true of it.
  using StateOf = std::function<std::optional<AlarmState>(const std::string& name)>;
  bool is_true(const StateOf& state_of) const;

 private:
  friend class AlarmRuleReader;
  enum class Kind : uint8_t { kConstant, kState, kNot, kAnd, kOr, kAtLeast };
  struct Term {
    Kind kind = Kind::kConstant;
    bool value = false;                  // kConstant
    AlarmState state = AlarmState::kOk;  // kState
    std::string name{};                  // kState
    std::vector<Term> terms{};           // kNot: one; kAnd, kOr; kAtLeast: one for each alarm
    size_t least = 0;                    // kAtLeast: how many of them
  };
  static bool is_true(const Term& term, const StateOf& state_of);

  Term root_;
  std::set<std::string> children_;
};

}  // namespace berth::metrics
