#include "tools/log_group_commands.h"

#include "logs/event_reader.h"
#include "sys/clock.h"
#include "tools/commands.h"
#include "tools/table.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace berth::tools {
namespace {

using GroupJson = nlohmann::ordered_json;

logs::LogStore store_of(const agent::Config& config, const LogGroupOptions& options) {
  return {config.root, options.region.empty() ? config.region : options.region};
}

WallTime time_now() {
  return sys::SystemClock().wall();
}

std::string shown_time(int64_t ms) {
  return format_rfc3339(WallTime(std::chrono::milliseconds(ms))).substr(0, 23) + "Z";
}

void print_json(const GroupJson& json) {
  std::string text = json.dump(-1, ' ', false, GroupJson::error_handler_t::replace);
  std::printf("%s\n", text.c_str());
}

Status check_days(const LogGroupOptions& options) {
  if (!options.retention_days || logs::is_log_retention(*options.retention_days)) return {};
  return fail(Errc::kInvalid,
              "--retention {}: CloudWatch Logs keeps events for 1, 3, 5, 7, 14, 30, 60, 90, 120, "
              "150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days",
              *options.retention_days);
}

Status create_group(const agent::Config& config, const LogGroupOptions& options) {
  TRY(check_days(options));
  logs::LogStore store = store_of(config, options);
  TRY(store.create_group(options.group, time_now()));
  if (!options.retention_days) return {};
  return store.set_retention(options.group, options.retention_days);
}

Status keep_group(const agent::Config& config, const LogGroupOptions& options) {
  TRY(check_days(options));
  logs::LogStore store = store_of(config, options);
  TRY(store.set_retention(options.group, options.retention_days));
  return store.expire(time_now());
}

Status list_groups(const agent::Config& config, const LogGroupOptions& options) {
  logs::LogStore store = store_of(config, options);
  GroupJson list = GroupJson::array();
  Table table({"GROUP", "RETENTION", "STREAMS", "BYTES", "CREATED"});
  for (const logs::LogGroup& group : TRY(store.list_groups(options.group))) {
    uint64_t bytes = 0;
    auto streams = TRY(store.list_streams(group.name, ""));
    for (const logs::LogStreamInfo& stream : streams) bytes += stream.stored_bytes;
    GroupJson json = {{"logGroupName", group.name},
                      {"creationTime", group.creation_time_ms},
                      {"storedBytes", bytes}};
    if (group.retention_days) json["retentionInDays"] = *group.retention_days;
    list.push_back(std::move(json));
    table.add({group.name,
               group.retention_days ? fmt::format("{} days", *group.retention_days) : "for ever",
               std::to_string(streams.size()), std::to_string(bytes),
               shown_time(group.creation_time_ms)});
  }
  if (options.json) {
    print_json(list);
  } else {
    std::printf("%s", table.render().c_str());
  }
  return {};
}

void print_event(const logs::StoredEvent& event, const LogEventsOptions& options) {
  if (options.group.json) {
    return print_json({{"eventId", event.id},
                       {"logStreamName", event.stream},
                       {"timestamp", event.timestamp_ms},
                       {"ingestionTime", event.ingestion_ms},
                       {"message", event.message}});
  }
  std::printf("%s %s %s\n", shown_time(event.timestamp_ms).c_str(), event.stream.c_str(),
              event.message.c_str());
}

Status print_events(const agent::Config& config, const LogEventsOptions& options) {
  logs::EventReader reader(store_of(config, options.group));
  logs::EventQuery query;
  query.group = options.group.group;
  query.start_ms = options.start_ms;
  query.end_ms = options.end_ms;
  for (const logs::LogStreamInfo& stream :
       TRY(reader.store().list_streams(query.group, options.stream_prefix))) {
    query.streams.push_back(stream.name);
  }
  if (query.streams.empty()) return {};
  do {
    logs::EventPage page = TRY(reader.read(query, time_now()));
    for (const logs::StoredEvent& event : page.events) print_event(event, options);
    query.after = page.next_token;
  } while (!query.after.empty());
  return {};
}

}  // namespace

int create_log_group_command(const agent::Config& config, const LogGroupOptions& options) {
  return exit_code(create_group(config, options));
}

int remove_log_group_command(const agent::Config& config, const LogGroupOptions& options) {
  return exit_code(store_of(config, options).delete_group(options.group));
}

int keep_log_group_command(const agent::Config& config, const LogGroupOptions& options) {
  return exit_code(keep_group(config, options));
}

int list_log_groups_command(const agent::Config& config, const LogGroupOptions& options) {
  return exit_code(list_groups(config, options));
}

int log_events_command(const agent::Config& config, const LogEventsOptions& options) {
  return exit_code(print_events(config, options));
}

}  // namespace berth::tools
