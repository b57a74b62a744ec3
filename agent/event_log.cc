#include "agent/event_log.h"

#include "base/json.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/path.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <algorithm>
#include <utility>

namespace berth::agent {
namespace {

using EventJson = nlohmann::ordered_json;

constexpr uint64_t kEventLogReadMax = 2 * kEventLogMax;
constexpr mode_t kDirectoryMode = 0711;
constexpr mode_t kFileMode = 0600;

std::string render_line(const scheduler::StoryLine& line) {
  EventJson json = {
      {"at", line.at}, {"event", line.event}, {"text", line.text}, {"lastStatus", line.status}};
  if (!line.container.empty()) json["container"] = line.container;
  if (!line.decision.empty()) json["decision"] = line.decision;
  return json.dump(-1, ' ', false, EventJson::error_handler_t::replace) + "\n";
}

std::optional<scheduler::StoryLine> parse_line(const std::string& text) {
  auto document = json::Document::parse(text, {.name = "event"});
  if (!document) return std::nullopt;
  auto member = [&](const char* name) {
    return document->root().find_string(name).value_or(std::nullopt).value_or("");
  };
  scheduler::StoryLine line;
  line.at = member("at");
  line.event = member("event");
  line.container = member("container");
  line.text = member("text");
  line.status = member("lastStatus");
  line.decision = member("decision");
  if (line.at.empty() || line.event.empty()) return std::nullopt;
  return line;
}

std::vector<scheduler::StoryLine> parse_lines(const std::string& text) {
  std::vector<scheduler::StoryLine> lines;
  for (const std::string& each : split(text, '\n')) {
    if (auto line = parse_line(each)) lines.push_back(std::move(*line));
  }
  return lines;
}

// "" when there is none.
Result<std::string> log_text_of(const std::string& path) {
  if (!sys::exists(path)) return "";
  return sys::read_file(path, kEventLogReadMax);
}

}  // namespace

Result<EventLog> EventLog::resume(const std::string& path,
                                  const std::vector<scheduler::StoryLine>& story) {
  EventLog log(path);
  std::string text = TRY(log_text_of(path));
  std::vector<scheduler::StoryLine> lines = parse_lines(text);
  log.size_ = text.size();
  if (!text.empty() && text.back() != '\n') log.waiting_ = "\n";  // it died within a line
  for (const scheduler::StoryLine& line : lines) {
    log.is_decided_ = log.is_decided_ || !line.decision.empty();
  }
  auto next = story.begin();
  if (!lines.empty()) {
    auto last = std::find(story.rbegin(), story.rend(), lines.back());
    next = last == story.rend() ? story.end() : last.base();
  }
  for (; next != story.end(); ++next) log.put_off(*next);
  return log;
}

Status EventLog::prepare(const std::string& path) {
  TRY(sys::make_directories(path.substr(0, path.rfind('/')), kDirectoryMode));
  TRY(sys::create(path, O_WRONLY | O_APPEND, kFileMode));
  return {};
}

Status EventLog::append(const scheduler::Change& change) {
  put_off(change);
  return write();
}

void EventLog::put_off(const scheduler::Change& change) {
  put_off(scheduler::story_line_of(change, is_decided_));
}

void EventLog::put_off(const scheduler::StoryLine& line) {
  bool is_end = is_decided_ || !line.decision.empty();
  is_decided_ = is_end;
  if (size_ >= limit_ && !is_end) return;
  std::string text = render_line(line);
  size_ += text.size();
  waiting_ += text;
}

Status EventLog::write() {
  if (!file_) TRY(open());
  while (!waiting_.empty()) {
    waiting_.erase(0, TRY(sys::write_some(file_.get(), waiting_)));
  }
  return {};
}

Status EventLog::open() {
  auto file = sys::open(path_, O_WRONLY | O_APPEND);
  if (!file) {
    TRY(prepare(path_));
    file = sys::open(path_, O_WRONLY | O_APPEND);
  }
  file_ = TRY(std::move(file));
  return {};
}

Result<std::vector<scheduler::StoryLine>> EventLog::read(const std::string& path) {
  return parse_lines(TRY(log_text_of(path)));
}

}  // namespace berth::agent
