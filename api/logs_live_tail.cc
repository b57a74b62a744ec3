// StartLiveTail of CloudWatch Logs: what a session begins with, and what it tells.
#include "api/logs_operations.h"
#include "api/logs_service.h"
#include "aws/hash.h"
#include "logs/filter_pattern.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api {
namespace cwl {
namespace {

constexpr size_t kTailGroupsMax = 10;
constexpr size_t kTailStreamsMax = 10;

// The group of an ARN or of a name, which must be there.
std::string tailed_group(const Logs& logs, Ask& ask, const std::string& identifier) {
  std::string name = group_named(logs, ask, identifier);
  if (ask.refused()) return name;
  auto group = logs.store().find_group(name);
  if (!group) refuse_error(ask, group.error());
  return name;
}

std::vector<logs::TailedGroup> read_tailed_groups(const Logs& logs, Ask& ask) {
  std::vector<logs::TailedGroup> groups;
  for (const std::string& identifier : ask.texts("logGroupIdentifiers", kTailGroupsMax)) {
    groups.push_back({.name = tailed_group(logs, ask, identifier)});
  }
  if (groups.empty()) ask.invalid("logGroupIdentifiers must have 1 group at least.");
  std::vector<std::string> streams = ask.texts("logStreamNames", kTailStreamsMax);
  std::vector<std::string> prefixes = ask.texts("logStreamNamePrefixes", kTailStreamsMax);
  if (!streams.empty() && !prefixes.empty()) {
    ask.invalid("logStreamNames and logStreamNamePrefixes exclude each other.");
  }
  bool has_streams = !streams.empty() || !prefixes.empty();
  if (has_streams && groups.size() != 1) {
    ask.invalid("logStreamNames and logStreamNamePrefixes go with one log group.");
  }
  if (!ask.refused() && has_streams) {
    groups[0].streams = std::move(streams);
    groups[0].prefixes = std::move(prefixes);
  }
  return groups;
}

// Of the form of a UUID; the next session has another time or another number.
std::string session_id_of(const Logs& logs) {
  std::string hex =
      aws::sha256_hex(fmt::format("{} {}", logs.now.time_since_epoch().count(), logs.tails.begun));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

}  // namespace

// The answer is "sessionStart", and what the service keeps the session by.
Json start_live_tail(Logs& logs, Ask& ask) {
  std::vector<logs::TailedGroup> groups = read_tailed_groups(logs, ask);
  std::string pattern = ask.text("logEventFilterPattern");
  auto accepts = logs::parse_filter_pattern(pattern);
  if (!accepts) refuse_error(ask, accepts.error());
  if (!ask.refused() && logs.tails.sessions.size() >= kLiveTailsMax) {
    ask.refuse("LimitExceededException",
               fmt::format("There are {} sessions of StartLiveTail, and there may be no more.",
                           kLiveTailsMax));
  }
  if (ask.refused()) return {};
  Json identifiers = Json::array();
  for (const logs::TailedGroup& group : groups) identifiers.push_back(logs.arn_prefix + group.name);
  ++logs.tails.begun;
  std::string id = session_id_of(logs);
  Json start = {{"sessionId", id},
                {"logGroupIdentifiers", std::move(identifiers)},
                {"logStreamNames", groups[0].streams},
                {"logStreamNamePrefixes", groups[0].prefixes},
                {"logEventFilterPattern", pattern}};
  int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(logs.now.time_since_epoch()).count();
  logs.tails.sessions.emplace(
      id, LogsTail{.region = ask.call().caller.region,
                   .arn_prefix = logs.arn_prefix,
                   .tail = logs::LiveTail(std::move(groups), std::move(*accepts), now)});
  return start;
}

}  // namespace cwl

Result<std::string> LogsService::look_at_tail(const std::string& session) {
  auto found = tails_.sessions.find(session);
  if (found == tails_.sessions.end())
    return fail(Errc::kNotFound, "there is no session {}", session);
  cwl::LogsTail& tail = found->second;
  logs::Tailed tailed = TRY(tail.tail.look(reader_of(tail.region), clock_.wall()));
  nlohmann::ordered_json results = nlohmann::ordered_json::array();
  for (const logs::TailedEvent& each : tailed.events) {
    results.push_back({{"logStreamName", each.event.stream},
                       {"logGroupIdentifier", tail.arn_prefix + each.group},
                       {"message", each.event.message},
                       {"timestamp", each.event.timestamp_ms},
                       {"ingestionTime", each.event.ingestion_ms}});
  }
  nlohmann::ordered_json update = {{"sessionMetadata", {{"sampled", tailed.is_sampled}}},
                                   {"sessionResults", std::move(results)}};
  return update.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void LogsService::end_tail(const std::string& session) {
  tails_.sessions.erase(session);
}

}  // namespace berth::api
