#include "tools/event_feed.h"

#include "base/ids.h"
#include "base/text.h"
#include "scheduler/story.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace berth::tools {
namespace {

using LineJson = nlohmann::ordered_json;

constexpr std::string_view kAfter = "after=";
constexpr int kHexOfProcess = 16;

std::string line_of(const LineJson& json) {
  return json.dump(-1, ' ', false, LineJson::error_handler_t::replace);
}

void put_given(LineJson& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

}  // namespace

EventFeed::EventFeed(sys::Loop& loop, Rng& rng)
    : loop_(loop), process_(make_hex(rng, kHexOfProcess)) {}

void EventFeed::add(const scheduler::Change& change) {
  const scheduler::Task& task = change.task;
  bool was_decided = decided_.count(task.id) > 0;
  scheduler::StoryLine story = scheduler::story_line_of(change, was_decided);
  if (!story.decision.empty()) decided_.insert(task.id);
  if (task.last_status() == scheduler::TaskStatus::kStopped) decided_.erase(task.id);
  LineJson json = {{"at", story.at},
                   {"cluster", task.request.cluster},
                   {"task", task.id},
                   {"group", task.group},
                   {"event", story.event}};
  put_given(json, "container", story.container);
  json["text"] = story.text;
  json["status"] = story.status;
  put_given(json, "decision", story.decision);
  push(line_of(json));
}

void EventFeed::add(const scheduler::ServiceKey& service, const scheduler::ServiceEvent& event) {
  LineJson json = {{"at", format_rfc3339(event.created_at)},
                   {"cluster", service.cluster},
                   {"service", service.name}};
  put_given(json, "event", event.name);
  put_given(json, "text", event.message);
  put_given(json, "cause", event.cause);
  push(line_of(json));
}

void EventFeed::add(const api::RuleRun& run) {
  bool has_failed = !run.failure.empty();
  std::string text = fmt::format("target {}: {} tasks began", run.target, run.tasks);
  if (has_failed) text += ", and not all that were to";
  LineJson json = {{"at", format_rfc3339(run.at)},
                   {"cluster", run.cluster},
                   {"rule", run.rule},
                   {"event", has_failed ? "RULE_FAILED" : "RULE_RAN"},
                   {"text", text}};
  put_given(json, "cause", run.failure);
  push(line_of(json));
}

void EventFeed::push(std::string line) {
  lines_.push_back(std::move(line));
  ++next_;
  if (lines_.size() > kKept) lines_.pop_front();
  if (waiting_.empty() || std::exchange(is_answering_, true)) return;
  loop_.post([this] { answer_waiting(); });  // with all that this step stored
}

std::string EventFeed::page_after(uint64_t number, bool missed) const {
  uint64_t first = next_ - lines_.size();
  missed = missed || number < first;
  uint64_t begin = std::max(number, first);
  uint64_t end = std::min<uint64_t>(next_, begin + kPageMax);
  std::string events;
  for (uint64_t i = begin; i < end; ++i) {
    events += (i == begin ? "" : ",") + lines_[static_cast<size_t>(i - first)];
  }
  return fmt::format(R"({{"cursor":"{}-{}","missed":{},"events":[{}]}})", process_, end, missed,
                     events);
}

void EventFeed::answer(const http::Request& request, http::Server::Reply reply) {
  if (!request.query.starts_with(kAfter)) {
    uint64_t number = next_ - std::min<uint64_t>(lines_.size(), kPageMax);
    return reply({.body = page_after(number, /*missed=*/false)});
  }
  std::string cursor = request.query.substr(kAfter.size());
  size_t dash = cursor.find('-');
  bool is_ours = cursor.substr(0, dash) == process_ && dash != std::string::npos;
  auto number = is_ours ? parse_u64(cursor.substr(dash + 1)) : std::optional<uint64_t>();
  if (!number || *number > next_) return reply({.body = page_after(0, /*missed=*/true)});
  if (*number < next_) return reply({.body = page_after(*number, /*missed=*/false)});
  uint64_t id = next_waiting_++;
  waiting_[id] = {*number, std::move(reply)};
  loop_.after(kWait, [this, id] {
    auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    Waiting late = std::move(found->second);
    waiting_.erase(found);
    late.reply({.body = page_after(late.after, /*missed=*/false)});
  });
}

void EventFeed::answer_waiting() {
  is_answering_ = false;
  for (auto& [id, waiting] : std::exchange(waiting_, {})) {
    waiting.reply({.body = page_after(waiting.after, /*missed=*/false)});
  }
}

}  // namespace berth::tools
