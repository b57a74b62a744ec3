#include "runtime/log_events.h"

#include "base/pattern.h"
#include "runtime/log_file.h"
#include "runtime/log_json_file.h"

#include <array>
#include <optional>
#include <utility>

namespace berth::runtime {
namespace {

// An event that nothing has followed for so long is whole (Docker's interval).
constexpr std::chrono::seconds kEventPatience(5);
// Between two looks at a disk that has no room.
constexpr std::chrono::milliseconds kDiskRetry(500);

std::string without_newline(const std::string& text) {
  return text.ends_with('\n') ? text.substr(0, text.size() - 1) : text;
}

class EventDriver final : public LogDriver {
 public:
  EventDriver(const LogPlan& plan, LogFile file, std::optional<Pattern> beginning, LogEnd end)
      : records_(plan), file_(std::move(file)), beginning_(std::move(beginning)), end_(end) {}

  Status write(std::vector<LogEntry> entries) override {
    for (LogEntry& entry : entries) {
      if (beginning_) {
        join(std::move(entry));
      } else {
        put(entry);
      }
    }
    return deliver();
  }

  std::optional<WallTime> due() const override {
    std::optional<WallTime> due;
    for (const Open& open : open_) {
      if (!open.event) continue;
      WallTime patience = open.last + kEventPatience;
      due = due ? std::min(*due, patience) : patience;
    }
    return due;
  }

  Status tick(WallTime now) override {
    bool any = false;
    for (Open& open : open_) {
      // A clock that was set back must not hold an event for ever.
      bool is_whole = open.event && (now >= open.last + kEventPatience || now < open.event->time);
      if (!is_whole) continue;
      close(open);
      any = true;
    }
    return any ? deliver() : Status();
  }

  Status finish() override {
    for (Open& open : open_) close(open);
    return deliver();
  }

 private:
  // An event that may go on.
  struct Open {
    std::optional<LogEntry> event;
    WallTime last;  // when its last line came
  };

  void put(const LogEntry& event) { file_.put(records_.render(event)); }

  void close(Open& open) {
    if (open.event) put(*open.event);
    open.event.reset();
  }

  void join(LogEntry line) {
    Open& open = open_[static_cast<size_t>(line.stream)];
    open.last = line.time;
    bool continues_line = open.event && !open.event->text.ends_with('\n');
    bool begins = !continues_line && beginning_->matches(without_newline(line.text));
    bool is_full = open.event && open.event->text.size() + line.text.size() > kLogEventMax;
    if (begins || is_full) close(open);
    if (open.event) {
      open.event->text += line.text;
    } else {
      open.event = std::move(line);
    }
  }

  Status deliver() {
    while (true) {
      auto written = file_.flush();
      if (written) return {};
      // The stream was deleted, and does not come back by itself.
      bool is_gone = written.error().code == Errc::kNotFound;
      if (!is_gone && !end_.comes_within(kDiskRetry)) continue;
      if (file_.flush()) return {};
      file_.drop();
      return written;
    }
  }

  LogRecords records_;
  LogFile file_;
  std::optional<Pattern> beginning_;
  LogEnd end_;
  std::array<Open, 2> open_;  // by LogStream
};

}  // namespace

Result<std::unique_ptr<LogDriver>> make_event_driver(const LogPlan& plan, LogEnd end) {
  std::optional<Pattern> beginning;
  if (!plan.event_pattern.empty()) beginning = TRY(Pattern::parse(plan.event_pattern));
  LogFile file = TRY(LogFile::open(plan.file));
  return std::unique_ptr<LogDriver>(
      std::make_unique<EventDriver>(plan, std::move(file), std::move(beginning), end));
}

}  // namespace berth::runtime
