// Events of CloudWatch Logs: put, read from either end of a stream, searched for in a group.
#include "api/logs_operations.h"
#include "base/text.h"
#include "logs/filter_pattern.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace berth::api::cwl {
namespace {

constexpr int64_t kMillisecondsMax = std::numeric_limits<int64_t>::max() / 4000000;
constexpr size_t kPutBytesMax = 1048576;
constexpr size_t kPutEventOverhead = 26;
constexpr int64_t kHourMs = 3600000;
constexpr int64_t kPutSpanMs = 24 * kHourMs;
constexpr int64_t kPutFutureMs = 2 * kHourMs;
constexpr int64_t kPutPastMs = 14 * 24 * kHourMs;
constexpr size_t kStreamNamesMax = 100;
constexpr size_t kTestMessagesMax = 50;
constexpr size_t kEventIdDigits = 56;

bool is_event_id(std::string_view text) {
  return text.size() == kEventIdDigits &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

int64_t now_ms_of(const Logs& logs) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(logs.now.time_since_epoch()).count();
}

// ---- PutLogEvents ----

std::vector<logs::PutEvent> read_put_events(Ask& ask) {
  std::vector<logs::PutEvent> events;
  size_t bytes = 0;
  for (const json::Node& node : ask.objects("logEvents", logs::kEventPageMax)) {
    auto time = ask.number(node, "timestamp", {0, kMillisecondsMax});
    if (!time) ask.invalid(path_of(node, "timestamp") + " can not be null.");
    logs::PutEvent event{.timestamp_ms = time.value_or(0),
                         .message = ask.required_text(node, "message")};
    bytes += event.message.size() + kPutEventOverhead;
    events.push_back(std::move(event));
  }
  if (events.empty()) ask.invalid("logEvents must have 1 event at least.");
  if (bytes > kPutBytesMax) {
    ask.invalid(fmt::format("Upload too large: {} bytes exceeds limit of {}", bytes, kPutBytesMax));
  }
  if (!std::ranges::is_sorted(events, {}, &logs::PutEvent::timestamp_ms)) {
    ask.invalid("Log events in a single PutLogEvents request must be in chronological order.");
  }
  if (!events.empty() && events.back().timestamp_ms - events[0].timestamp_ms > kPutSpanMs) {
    ask.invalid(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.");
  }
  return events;
}

// Takes out what is too old or too new, and says so.
Json reject_events(const Logs& logs, const logs::LogGroup& group,
                   std::vector<logs::PutEvent>& events) {
  int64_t now = now_ms_of(logs);
  auto oldest_kept = logs::oldest_kept_ms(group, logs.now);
  auto first_from = [&](int64_t time) {
    return std::ranges::lower_bound(events, time, {}, &logs::PutEvent::timestamp_ms) -
           events.begin();
  };
  auto too_old = first_from(now - kPutPastMs);
  auto expired = oldest_kept ? first_from(*oldest_kept) : 0;
  auto too_new = first_from(now + kPutFutureMs + 1);
  Json rejected = Json::object();
  if (too_new < std::ssize(events)) rejected["tooNewLogEventStartIndex"] = too_new;
  if (too_old > 0) rejected["tooOldLogEventEndIndex"] = too_old;
  if (expired > too_old) rejected["expiredLogEventEndIndex"] = expired;
  events.resize(static_cast<size_t>(too_new));
  events.erase(events.begin(), events.begin() + std::min(std::max(too_old, expired), too_new));
  return rejected;
}

// ---- reading ----

Json event_json(const logs::StoredEvent& event) {
  return {{"timestamp", event.timestamp_ms},
          {"message", event.message},
          {"ingestionTime", event.ingestion_ms}};
}

logs::EventQuery read_query(const Logs& logs, Ask& ask) {
  logs::EventQuery query;
  query.group = group_identified(logs, ask);
  query.start_ms = ask.number("startTime", {0, kMillisecondsMax});
  query.end_ms = ask.number("endTime", {0, kMillisecondsMax});
  auto limit = ask.number("limit", {1, static_cast<int64_t>(logs::kEventPageMax)});
  if (limit) query.limit = static_cast<size_t>(*limit);
  return query;
}

// "f/ID/s": on from there; "b/ID/s": back from there.
std::string position_token(char direction, const std::string& id) {
  return fmt::format("{}/{}/s", direction, id);
}

void read_position(Ask& ask, logs::EventQuery& query) {
  std::string token = ask.text("nextToken");
  query.direction =
      ask.flag("startFromHead") ? logs::Direction::kForward : logs::Direction::kBackward;
  if (token.empty()) return;
  std::vector<std::string> parts = split(token, '/');
  bool is_forward = parts[0] == "f";
  bool is_known = parts.size() == 3 && (is_forward || parts[0] == "b") && parts[2] == "s" &&
                  is_event_id(parts[1]);
  if (!is_known) return ask.invalid("The specified nextToken is invalid.");
  query.direction = is_forward ? logs::Direction::kForward : logs::Direction::kBackward;
  (is_forward ? query.after : query.before) = parts[1];
}

// Where both directions go on from a page. At an end the token stays the same, which is how
// paginators know it.
std::pair<std::string, std::string> positions_of(const logs::EventQuery& query,
                                                 const logs::EventPage& page) {
  if (!page.events.empty()) return {page.events.back().id, page.events[0].id};
  if (!query.after.empty()) return {query.after, query.after};
  if (query.before.empty()) {
    std::string start = logs::id_before(query.start_ms.value_or(0));
    return {start, start};
  }
  // Nothing is before it, so all of its millisecond is it and what is behind it.
  int64_t time = parse_i64(query.before.substr(0, query.before.size() - 42)).value_or(0);
  return {logs::id_before(time), query.before};
}

void read_streams(const Logs& logs, Ask& ask, logs::EventQuery& query) {
  query.streams = ask.texts("logStreamNames", kStreamNamesMax);
  std::string prefix = ask.text("logStreamNamePrefix");
  if (!query.streams.empty() && !prefix.empty()) {
    ask.invalid("logStreamNames and logStreamNamePrefix exclude each other.");
  }
  if (ask.refused()) return;
  for (const std::string& stream : query.streams) {
    check(ask, logs.store().find_stream(query.group, stream));
  }
  if (prefix.empty()) return;
  auto streams = logs.store().list_streams(query.group, prefix);
  if (!streams) return refuse_error(ask, streams.error());
  for (const logs::LogStreamInfo& stream : *streams) query.streams.push_back(stream.name);
}

logs::Matcher read_filter(Ask& ask) {
  auto matcher = logs::parse_filter_pattern(ask.text("filterPattern"));
  if (matcher) return *matcher;
  refuse_error(ask, matcher.error());
  return {};
}

}  // namespace

Json put_log_events(Logs& logs, Ask& ask) {
  std::string name = group_name_of(logs, ask);
  std::string stream = ask.required_text("logStreamName");
  std::vector<logs::PutEvent> events = read_put_events(ask);
  if (ask.refused()) return {};
  auto group = logs.store().find_group(name);
  if (!group) {
    refuse_error(ask, group.error());
    return {};
  }
  check(ask, logs.store().find_stream(name, stream));
  Json rejected = reject_events(logs, *group, events);
  if (!ask.refused() && !events.empty()) {
    check(ask, logs.store().put_events(name, stream, events, logs.now));
  }
  // Nothing depends on it any more; clients of old hand it back.
  Json json = {{"nextSequenceToken", logs::id_before(now_ms_of(logs))}};
  if (!rejected.empty()) json["rejectedLogEventsInfo"] = std::move(rejected);
  return json;
}

Json get_log_events(Logs& logs, Ask& ask) {
  logs::EventQuery query = read_query(logs, ask);
  std::string stream = ask.required_text("logStreamName");
  read_position(ask, query);
  if (!ask.refused()) check(ask, logs.store().find_stream(query.group, stream));
  if (ask.refused()) return {};
  query.streams = {stream};
  logs::EventPage page = ask.checked(logs.reader.read(query, logs.now));
  Json events = Json::array();
  for (const logs::StoredEvent& event : page.events) events.push_back(event_json(event));
  auto [last, first] = positions_of(query, page);
  return {{"events", std::move(events)},
          {"nextForwardToken", position_token('f', last)},
          {"nextBackwardToken", position_token('b', first)}};
}

Json filter_log_events(Logs& logs, Ask& ask) {
  logs::EventQuery query = read_query(logs, ask);
  query.accepts = read_filter(ask);
  query.after = ask.text("nextToken");
  if (!query.after.empty() && !is_event_id(query.after)) {
    ask.invalid("The specified nextToken is invalid.");
  }
  read_streams(logs, ask, query);
  bool has_none = query.streams.empty() && !ask.text("logStreamNamePrefix").empty();
  Json events = Json::array();
  Json json = {{"events", Json::array()}, {"searchedLogStreams", Json::array()}};
  if (ask.refused() || has_none) return json;
  auto page = logs.reader.read(query, logs.now);
  if (!page) {
    refuse_error(ask, page.error());
    return {};
  }
  for (const logs::StoredEvent& event : page->events) {
    Json each = {{"logStreamName", event.stream}};
    each.update(event_json(event));
    each["eventId"] = event.id;
    events.push_back(std::move(each));
  }
  json["events"] = std::move(events);
  if (!page->next_token.empty()) json["nextToken"] = page->next_token;
  return json;
}

Json test_metric_filter(Logs&, Ask& ask) {
  logs::Matcher matcher = read_filter(ask);
  std::vector<std::string> messages = ask.texts("logEventMessages", kTestMessagesMax);
  Json matches = Json::array();
  for (size_t i = 0; i < messages.size(); ++i) {
    if (matcher && !matcher(messages[i])) continue;
    matches.push_back({{"eventNumber", i + 1},
                       {"eventMessage", messages[i]},
                       {"extractedValues", Json::object()}});
  }
  return {{"matches", std::move(matches)}};
}

}  // namespace berth::api::cwl
