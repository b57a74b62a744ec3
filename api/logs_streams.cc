// Streams of CloudWatch Logs.
#include "api/logs_operations.h"
#include "api/page.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace berth::api::cwl {
namespace {

constexpr size_t kStreamPageMax = 50;

std::string stream_name_of(Ask& ask) {
  std::string name = ask.required_text("logStreamName");
  check_length(ask, name);
  if (!ask.refused()) check(ask, logs::check_log_stream_name(name));
  return name;
}

struct Described {
  logs::LogStreamInfo stream;
  logs::StreamTimes times;
};

Json stream_json(const Logs& logs, const std::string& group, const Described& described) {
  const auto& [stream, times] = described;
  Json json = {{"logStreamName", stream.name}, {"creationTime", stream.creation_time_ms}};
  if (times.first_ms) json["firstEventTimestamp"] = *times.first_ms;
  if (times.last_ms) json["lastEventTimestamp"] = *times.last_ms;
  if (times.written_ms) json["lastIngestionTime"] = *times.written_ms;
  // Nobody asks for it any more, but clients of old read it. One without events has none.
  if (times.last_ms) json["uploadSequenceToken"] = fmt::format("{}", stream.creation_time_ms);
  json["arn"] = fmt::format("{}{}:log-stream:{}", logs.arn_prefix, group, stream.name);
  json["storedBytes"] = stream.stored_bytes;
  return json;
}

}  // namespace

Json create_log_stream(Logs& logs, Ask& ask) {
  std::string group = group_name_of(logs, ask);
  std::string stream = stream_name_of(ask);
  if (ask.refused()) return {};
  if (logs.store().find_stream(group, stream)) {
    ask.refuse("ResourceAlreadyExistsException", "The specified log stream already exists");
    return {};
  }
  check(ask, logs.store().create_stream(group, stream, logs.now));
  return Json::object();
}

Json delete_log_stream(Logs& logs, Ask& ask) {
  std::string group = group_name_of(logs, ask);
  std::string stream = stream_name_of(ask);
  if (!ask.refused()) check(ask, logs.store().delete_stream(group, stream));
  return Json::object();
}

Json describe_log_streams(Logs& logs, Ask& ask) {
  std::string group = group_identified(logs, ask);
  std::string prefix = ask.text("logStreamNamePrefix");
  bool by_time = ask.word("orderBy", {"LogStreamName", "LastEventTime"}) == "LastEventTime";
  bool is_descending = ask.flag("descending");
  if (by_time && !prefix.empty()) {
    ask.invalid("Cannot order by LastEventTime with a logStreamNamePrefix.");
  }
  if (ask.refused()) return {};
  auto streams = logs.store().list_streams(group, prefix);
  if (!streams) {
    refuse_error(ask, streams.error());
    return {};
  }
  std::map<std::string, Described> found;
  std::vector<std::string> names;
  for (logs::LogStreamInfo& stream : *streams) {
    names.push_back(stream.name);
    Described& described = found[stream.name];
    if (by_time) described.times = ask.checked(logs.reader.times_of(group, stream.name));
    described.stream = std::move(stream);
  }
  if (by_time) {
    std::ranges::stable_sort(names, {}, [&](const std::string& name) {
      return found.at(name).times.last_ms.value_or(0);
    });
  }
  if (is_descending) std::ranges::reverse(names);
  Page page = page_of(ask, names, {.limit = "limit", .max = kStreamPageMax});
  Json list = Json::array();
  for (const std::string& name : page.items) {
    Described& described = found.at(name);
    if (!by_time) described.times = ask.checked(logs.reader.times_of(group, name));
    list.push_back(stream_json(logs, group, described));
  }
  Json json = {{"logStreams", std::move(list)}};
  if (!page.next_token.empty()) json["nextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::cwl
