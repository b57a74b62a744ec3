#include "metrics/alarm_history.h"

#include "base/log.h"
#include "sys/file.h"
#include "sys/read_at.h"

#include <fcntl.h>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::metrics {
namespace {

// It is written anew when it has grown by so much beyond what is kept.
constexpr uint64_t kHistorySlack = 4 * 1024 * 1024;
constexpr size_t kItemOverhead = 200;  // of a line, and of an item in memory

std::string history_line(const HistoryItem& item) {
  using LineJson = nlohmann::ordered_json;
  return render_history_item(item).dump(-1, ' ', false, LineJson::error_handler_t::replace) + "\n";
}

Result<HistoryItem> parse_history_line(std::string_view text) {
  auto document =
      TRY(json::Document::parse(text, {.name = "alarm history", .text_max = kHistoryFileMax}));
  return parse_history_item(document.root());
}

// What is read of the file.
struct HistoryText {
  std::string text{};       // of whole lines, but for the last
  uint64_t file_bytes = 0;  // more than that: what is older is not read
};

// The end of it, at most `max` bytes.
Result<HistoryText> read_end(const std::string& path, size_t max) {
  auto fd = TRY(sys::open(path, O_RDONLY));
  struct stat status = TRY(sys::stat_fd(fd.get()));
  HistoryText read{.file_bytes = static_cast<uint64_t>(status.st_size)};
  uint64_t from = read.file_bytes > max ? read.file_bytes - max : 0;
  read.text.resize(read.file_bytes - from);
  size_t got = 0;
  while (got < read.text.size()) {
    size_t more =
        TRY(sys::read_at(fd.get(), read.text.data() + got, read.text.size() - got, from + got));
    if (more == 0) break;
    got += more;
  }
  read.text.resize(got);
  if (from == 0) return read;
  size_t line = read.text.find('\n');  // it begins in the middle of one
  read.text.erase(0, line == std::string::npos ? line : line + 1);
  return read;
}

}  // namespace

size_t size_of(const HistoryItem& item) {
  return item.alarm.size() + item.summary.size() + item.data.size() + kItemOverhead;
}

nlohmann::ordered_json render_history_item(const HistoryItem& item) {
  return {{"number", item.number}, {"alarm", item.alarm}, {"isComposite", item.is_composite},
          {"at", item.at},         {"kind", item.kind},   {"summary", item.summary},
          {"data", item.data}};
}

Result<HistoryItem> parse_history_item(const json::Node& node) {
  HistoryItem item;
  item.number = static_cast<uint64_t>(std::max<int64_t>(TRY(node.i64_at("number")), 0));
  item.alarm = TRY(node.string_at("alarm"));
  item.is_composite = TRY(TRY(node.at("isComposite")).as_bool());
  item.at = TRY(node.i64_at("at"));
  item.kind = TRY(node.string_at("kind"));
  item.summary = TRY(node.string_at("summary"));
  item.data = TRY(node.string_at("data"));
  return item;
}

Result<AlarmHistory> AlarmHistory::open(const std::string& root, size_t file_max) {
  AlarmHistory history(root + "/metrics/alarm-history.log", file_max);
  TRY(history.load());
  return history;
}

Status AlarmHistory::load() {
  if (!sys::exists(path_)) {
    mend(0);  // its name is on the disk, too
    return {};
  }
  const HistoryText read = TRY(read_end(path_, file_max_));
  const std::string& text = read.text;
  if (read.file_bytes > file_max_) {
    LOG(kWarn, "alarm history is longer than is read: the oldest of it is left out",
        {{"path", path_}, {"bytes", read.file_bytes}, {"read", text.size()}});
  }
  size_t damaged = 0;
  size_t start = 0;
  for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', start)) {
    auto item = parse_history_line(std::string_view(text).substr(start, end - start));
    bool is_next = item && item->number > last_number_;
    if (is_next) keep(std::move(*item));
    if (!is_next) ++damaged;
    start = end + 1;
  }
  if (damaged > 0) LOG(kWarn, "alarm history that cannot be read", {{"lines", damaged}});
  // What is added begins a line of its own.
  bool is_damaged = damaged > 0 || start != text.size();
  bool is_large = read.file_bytes > file_max_ / 2;  // it grows by the slack at each start
  if (is_damaged || is_large) mend(read.file_bytes);
  if (!is_damaged && !is_large) file_bytes_ = rewritten_bytes_ = read.file_bytes;
  return {};
}

// What cannot be written now (on a full disk) is when something is added: a history keeps nobody
// from starting.
void AlarmHistory::mend(uint64_t file_bytes) {
  auto rewritten = rewrite();
  if (rewritten) return;
  LOG(kWarn, "alarm history is written anew later", {{"why", rewritten.error().text}});
  is_torn_ = true;
  file_bytes_ = file_bytes;
}

void AlarmHistory::keep(HistoryItem item) {
  bytes_ += size_of(item);
  last_number_ = item.number;
  size_t& count = ++counts_[item.alarm];
  std::string alarm = item.alarm;
  items_.push_back(std::move(item));
  if (count > kHistoryOfAlarmMax) {
    auto oldest = std::ranges::find(items_, alarm, &HistoryItem::alarm);
    bytes_ -= size_of(*oldest);
    items_.erase(oldest);
    --count;
  }
  while (bytes_ > kHistoryBytesMax) forget_first();
}

void AlarmHistory::forget_first() {
  auto count = counts_.find(items_.front().alarm);
  if (--count->second == 0) counts_.erase(count);
  bytes_ -= size_of(items_.front());
  items_.pop_front();
}

// By the clock, which may have been set back: up to the first that is young.
void AlarmHistory::forget(int64_t now) {
  while (!items_.empty() && items_.front().at < now - kHistoryKeptSeconds) forget_first();
}

Status AlarmHistory::rewrite() {
  std::string text;
  for (const HistoryItem& item : items_) text += history_line(item);
  TRY(sys::write_atomic(path_, text, 0600));
  file_bytes_ = rewritten_bytes_ = text.size();
  is_torn_ = false;
  return {};
}

Status AlarmHistory::append(const std::string& lines) {
  auto fd = TRY(sys::create(path_, O_WRONLY | O_APPEND, 0600));
  TRY(sys::write_all(fd.get(), lines));
  return sys::fsync(fd.get(), path_);
}

Status AlarmHistory::add(const std::vector<HistoryItem>& items, int64_t now) {
  std::string lines;
  for (const HistoryItem& item : items) {
    if (item.number > last_number_) lines += history_line(item);
  }
  if (lines.empty()) return {};
  if (is_torn_) TRY(rewrite());
  auto appended = append(lines);
  is_torn_ = !appended;
  TRY(appended);
  for (const HistoryItem& item : items) {
    if (item.number > last_number_) keep(item);
  }
  file_bytes_ += lines.size();
  forget(now);
  // Lines are longer than items, by what is escaped in them: that is not to be got rid of.
  uint64_t least = std::max<uint64_t>(bytes_, rewritten_bytes_);
  return file_bytes_ > least + kHistorySlack ? rewrite() : Status();
}

}  // namespace berth::metrics
