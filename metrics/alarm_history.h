// AlarmHistory: what has become of alarms: configured, another state, actions called. Kept for 30
// days, of alarms that are gone as well.
//
//   <root>/metrics/alarm-history.log    a JSON object a line, appended to, and written anew when
//                                       most of it is not kept any more:
//     {"number": 7, "alarm": "cpu", "isComposite": false, "at": 1700000000, "kind": "StateUpdate",
//      "summary": "Alarm updated from OK to ALARM", "data": "{...}"}
//
// All of it is in memory as well. What cannot be read of the file (a line that a power cut has cut;
// of a file that has become too long all but its end) is passed over, and while the disk is full
// nothing is mended: whoever adds an item has it elsewhere until it is here (metrics/alarm_book.h).
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace berth::metrics {

constexpr int64_t kHistoryKeptSeconds = 30 * 24 * 3600;
// Beyond these the oldest go.
constexpr size_t kHistoryOfAlarmMax = 1000;            // items
constexpr size_t kHistoryBytesMax = 16 * 1024 * 1024;  // of all alarms
// Of the file: what it can be, of lines that are all escapes, is less.
constexpr size_t kHistoryFileMax = 256 * 1024 * 1024;

struct HistoryItem {
  uint64_t number = 0;  // one more than that of the item before
  std::string alarm{};  // by name
  bool is_composite = false;
  int64_t at = 0;         // seconds since 1970
  std::string kind{};     // "ConfigurationUpdate", "StateUpdate", "Action"
  std::string summary{};  // "Alarm updated from OK to ALARM"
  std::string data{};     // JSON, as CloudWatch has it
  bool operator==(const HistoryItem&) const = default;
};

// In bytes, about.
size_t size_of(const HistoryItem& item);
nlohmann::ordered_json render_history_item(const HistoryItem& item);
Result<HistoryItem> parse_history_item(const json::Node& node);

class AlarmHistory {
 public:
  // The directory is there.
  static Result<AlarmHistory> open(const std::string& root) { return open(root, kHistoryFileMax); }
  // Of a longer file the end is read, so many bytes, and the rest goes.
  static Result<AlarmHistory> open(const std::string& root, size_t file_max);

  // By number.
  const std::deque<HistoryItem>& items() const { return items_; }
  uint64_t last_number() const { return last_number_; }
  // Durable when it returns. Numbers that are there already are passed over. `now` in seconds: what
  // is too old then goes.
  Status add(const std::vector<HistoryItem>& items, int64_t now);

 private:
  AlarmHistory(std::string path, size_t file_max) : path_(std::move(path)), file_max_(file_max) {}
  Status load();
  void mend(uint64_t file_bytes);
  void keep(HistoryItem item);
  void forget_first();
  void forget(int64_t now);
  Status append(const std::string& lines);
  Status rewrite();

  std::string path_;
  size_t file_max_;
  std::deque<HistoryItem> items_{};
  std::map<std::string, size_t> counts_{};  // of items, by alarm
  size_t bytes_ = 0;                        // of items
  uint64_t file_bytes_ = 0;
  uint64_t rewritten_bytes_ = 0;  // of the file when it was written anew, or read
  uint64_t last_number_ = 0;
  bool is_torn_ = false;  // a line of the file may be half there
};

}  // namespace berth::metrics
