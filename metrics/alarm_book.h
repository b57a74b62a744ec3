// AlarmBook: the alarms that there are, in a file of their own:
//
//   <root>/metrics/alarms.json    {"version": 1, "alarms": [...]} (metrics/alarm.h)
#pragma once

#include "metrics/alarm.h"

#include <map>
#include <string>
#include <vector>

namespace berth::metrics {

constexpr size_t kAlarmsMax = 1000;

class AlarmBook {
 public:
  static Result<AlarmBook> open(const std::string& root);

  // By name.
  const std::map<std::string, Alarm>& alarms() const { return alarms_; }
  // All that follows is durable when it returns, or nothing has changed.
  // kExhausted beyond kAlarmsMax.
  Status put(Alarm alarm);
  Status remove(const std::vector<std::string>& names);
  // Looks at every alarm; those that change are told in the log.
  Status evaluate(const MetricStore& store, WallTime now);

 private:
  explicit AlarmBook(std::string path) : path_(std::move(path)) {}
  Status save(std::map<std::string, Alarm> alarms);

  std::string path_;
  std::map<std::string, Alarm> alarms_;
};

}  // namespace berth::metrics
