// The operations of CloudWatch Logs that berth knows, those that it refuses too. docs/logs-api.md
// has the same rows, and a test compares. Others of the service's are unknown to it.
#pragma once

#include "api/ask.h"
#include "api/json_service.h"
#include "logs/event_reader.h"
#include "logs/live_tail.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <span>
#include <string>

namespace berth::api::cwl {

using Json = nlohmann::ordered_json;

inline constexpr FaultNames kLogsFaults{.server = "ServiceUnavailableException",
                                        .has_constraints = true};

constexpr size_t kLiveTailsMax = 15;  // as CloudWatch has it

// A session of StartLiveTail.
struct LogsTail {
  std::string region{};
  std::string arn_prefix{};
  logs::LiveTail tail;
};
struct LogsTails {
  std::map<std::string, LogsTail> sessions{};
  uint64_t begun = 0;
};

// What operations work on: one region's groups.
struct Logs {
  logs::EventReader& reader;
  WallTime now;
  std::string arn_prefix;  // "arn:aws:logs:eu-west-1:123456789012:log-group:"
  LogsTails& tails;        // of all regions

  const logs::LogStore& store() const { return reader.store(); }
};

using Operation = OperationOf<Logs>;
std::span<const Operation> all_operations();

// The exception that tells of it.
void refuse_error(Ask& ask, const Error& error);
void check(Ask& ask, const Status& status);
// Refused when it is too long for the name of a group or of a stream.
void check_length(Ask& ask, const std::string& name);
// The name of the group that the request names, which need not be there.
std::string group_name_of(const Logs& logs, Ask& ask);
// Likewise by name or by ARN: logGroupName or logGroupIdentifier.
std::string group_identified(const Logs& logs, Ask& ask);
// Likewise of an identifier that stands elsewhere.
std::string group_named(const Logs& logs, Ask& ask, const std::string& identifier);

Json create_log_group(Logs&, Ask&);
Json delete_log_group(Logs&, Ask&);
Json describe_log_groups(Logs&, Ask&);
Json list_log_groups(Logs&, Ask&);
Json put_retention_policy(Logs&, Ask&);
Json delete_retention_policy(Logs&, Ask&);
Json tag_log_group(Logs&, Ask&);
Json untag_log_group(Logs&, Ask&);
Json list_tags_log_group(Logs&, Ask&);
Json tag_resource(Logs&, Ask&);
Json untag_resource(Logs&, Ask&);
Json list_tags_for_resource(Logs&, Ask&);

Json create_log_stream(Logs&, Ask&);
Json delete_log_stream(Logs&, Ask&);
Json describe_log_streams(Logs&, Ask&);

Json put_log_events(Logs&, Ask&);
Json get_log_events(Logs&, Ask&);
Json filter_log_events(Logs&, Ask&);
Json test_metric_filter(Logs&, Ask&);
Json start_live_tail(Logs&, Ask&);

// There are none: an empty list of the group's.
Json describe_no_filters(Logs&, Ask&);
// ResourceNotFoundException: there are none.
Json delete_no_filter(Logs&, Ask&);
// InvalidParameterException.
Json refuse_operation(Logs&, Ask&);

}  // namespace berth::api::cwl
