#include "agent/event_log.h"

#include "base/json.h"
#include "base/text.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

namespace berth::agent {
namespace {

using EventJson = nlohmann::ordered_json;

constexpr uint64_t kEventLogReadMax = 2 * kEventLogMax;
constexpr mode_t kDirectoryMode = 0711;

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

}  // namespace

Result<EventLog> EventLog::resume(const std::string& path) {
  EventLog log(path);
  log.file_ = TRY(sys::open(path, O_WRONLY | O_APPEND));
  log.size_ = static_cast<uint64_t>(TRY(sys::stat_fd(log.file_.get())).st_size);
  for (const scheduler::StoryLine& line : TRY(read(path))) {
    log.is_decided_ = log.is_decided_ || !line.decision.empty();
  }
  return log;
}

Status EventLog::append(const scheduler::Change& change) {
  if (!file_) {
    TRY(sys::make_directories(path_.substr(0, path_.rfind('/')), kDirectoryMode));
    file_ = TRY(sys::create(path_, O_WRONLY | O_APPEND, 0600));
  }
  scheduler::StoryLine line = scheduler::story_line_of(change, is_decided_);
  bool is_end = is_decided_ || !line.decision.empty();
  is_decided_ = is_end;
  if (size_ >= limit_ && !is_end) return {};
  std::string text = render_line(line);
  size_ += text.size();
  return sys::write_all(file_.get(), text);
}

Result<std::vector<scheduler::StoryLine>> EventLog::read(const std::string& path) {
  std::vector<scheduler::StoryLine> lines;
  if (!sys::exists(path)) return lines;
  for (const std::string& text : split(TRY(sys::read_file(path, kEventLogReadMax)), '\n')) {
    if (auto line = parse_line(text)) lines.push_back(std::move(*line));
  }
  return lines;
}

}  // namespace berth::agent
