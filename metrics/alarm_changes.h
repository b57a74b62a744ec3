// What CloudWatch's history tells of a change of alarms: their configuration, their state, and what
// was called by that. Pure.
#pragma once

#include "metrics/alarm.h"
#include "metrics/alarm_history.h"
#include "metrics/composite_alarm.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace berth::metrics {

struct AlarmsView {
  const std::map<std::string, Alarm>& alarms;
  const CompositeAlarms& composites;
};

// Why nothing is called by that action of an alarm; "" when something is.
using WhyNotCalled = std::function<std::string(const AlarmBase& alarm, const std::string& action)>;

struct AlarmChange {
  std::string configured{};  // which one a client has put, changed or not; "": none
  int64_t at = 0;            // seconds
  uint64_t next_number = 1;
};

// Of each alarm first its configuration, then its state, then its actions; without WhyNotCalled no
// action is called.
std::vector<HistoryItem> changes_between(const AlarmsView& before, const AlarmsView& after,
                                         const AlarmChange& change, const WhyNotCalled& why_not);

}  // namespace berth::metrics
