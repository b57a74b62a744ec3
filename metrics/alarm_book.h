// AlarmBook: the alarms that there are, in a file of their own:
//
//   <root>/metrics/alarms.json    {"version": 1, "alarms": [...], "compositeAlarms": [...],
//                                  "history": [...]}
//                                 (metrics/alarm.h, metrics/composite_alarm.h)
//
// "history" is what the change says that the file was written for: what of it is not in the
// history yet (metrics/alarm_history.h), because we have died or the disk was full, goes there
// later. So a change and what is told of it are one; but for changes whose history has no room in
// the file beside the alarms, of which a death may lose that.
//
// A composite alarm is looked at when one of those that it is about changes its state, and when it
// is put; those of one change together, each behind those that it is about.
#pragma once

#include "metrics/alarm.h"
#include "metrics/alarm_changes.h"
#include "metrics/alarm_history.h"
#include "metrics/composite_alarm.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace berth::metrics {

constexpr size_t kAlarmsMax = 1000;            // of both kinds
constexpr size_t kCompositesOfAlarmMax = 150;  // that are about one alarm
constexpr size_t kAlarmFileMax = 64 * 1024 * 1024;
// Of metric math, of all alarms: what is read of a text takes about 80 times its bytes in memory.
constexpr size_t kAlarmExpressionsMax = 1024 * 1024;

class AlarmBook {
 public:
  static Result<AlarmBook> open(const std::string& root) { return open(root, kAlarmFileMax); }
  // With a file of at most so many bytes.
  static Result<AlarmBook> open(const std::string& root, size_t file_max);

  // By name; the two have no name in common.
  const std::map<std::string, Alarm>& alarms() const { return content_.alarms; }
  const CompositeAlarms& composites() const { return content_.composites; }
  // Of either kind; null when there is none.
  const AlarmBase* find(const std::string& name) const;
  // Those in state ALARM.
  std::set<std::string> raised() const;
  // The composite alarms that are about it, or whose actions it suppresses.
  std::vector<std::string> parents_of(const std::string& name) const;
  const AlarmHistory& history() const { return history_; }

  // Who knows what is called by an action; without, none is.
  void ask_about_actions(WhyNotCalled why_not) { why_not_called_ = std::move(why_not); }

  // All that follows is durable when it returns, or nothing has changed.
  // kExhausted when the file would be too large to be read again.
  // kExhausted beyond kAlarmsMax and kAlarmExpressionsMax; kExists when the name is one of the
  // other kind.
  Status put(Alarm alarm);
  // kNotFound when it is about alarms that are not there; kInvalid when it is, over others, about
  // itself; kExhausted beyond kCompositesOfAlarmMax. Its state is what its rule says at once.
  Status put(CompositeAlarm alarm, int64_t now);
  // kNotFound when there is none of the name.
  Status set_state(const std::string& name, Verdict verdict, int64_t now);
  // kNotFound as above. Changes neither configuration nor state.
  Status set_tags(const std::string& name, std::map<std::string, std::string> tags, int64_t now);
  // Whether their actions are called; names that there are not are passed over.
  Status enable_actions(const std::vector<std::string>& names, bool are_enabled, int64_t now);
  // kInvalid when a composite alarm that stays is about one of them.
  Status remove(const std::vector<std::string>& names, int64_t now);
  // Looks at every alarm; those that change are told in the log. Ends suppressions, too.
  Status evaluate(const MetricStore& store, WallTime now);
  // Those of composite alarms' actions whose period is over: what was held back is due.
  Status end_suppressions(WallTime now);

 private:
  struct Content {
    std::map<std::string, Alarm> alarms{};
    CompositeAlarms composites{};

    const AlarmBase* find(const std::string& name) const;
    AlarmBase* find(const std::string& name);
    // Looks at the composite alarm that was put ("": none), at those about `changed`, and at those
    // about what has changed by that.
    void settle(std::set<std::string> changed, const std::string& put, int64_t now);
    // Whose actions are held back.
    void suppress(int64_t now);
  };

  AlarmBook(std::string path, size_t file_max, AlarmHistory history)
      : path_(std::move(path)), file_max_(file_max), history_(std::move(history)) {}
  Status load();
  Status check(const CompositeAlarm& alarm) const;
  // The file.
  static std::string render(const Content& content, const std::vector<HistoryItem>& items);
  // `configured`: the alarm that a client has put; "": none.
  Status save(Content content, const std::string& configured, int64_t now);

  std::string path_;
  size_t file_max_;
  Content content_;
  AlarmHistory history_;
  std::vector<HistoryItem> untold_{};  // not in the history yet; in the file
  WhyNotCalled why_not_called_{};
};

}  // namespace berth::metrics
