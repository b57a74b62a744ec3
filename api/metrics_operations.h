// The operations of CloudWatch that berth knows. docs/metrics-api.md has the same rows, and a test
// compares.
#pragma once

#include "api/ask.h"
#include "api/json_service.h"
#include "metrics/alarm_book.h"
#include "metrics/metric_store.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <span>
#include <string>

namespace berth::api::cw {

using Json = nlohmann::ordered_json;

// As the query protocol has them; JSON has other names for them (metrics_operations.cc).
inline constexpr FaultNames kMetricsFaults{.invalid = "InvalidParameterValue",
                                           .server = "InternalServiceError"};

struct Metrics {
  metrics::MetricStore& store;
  metrics::AlarmBook& alarms;
  WallTime now;
  std::string arn_prefix;  // "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:"
};

using Operation = OperationOf<Metrics>;
std::span<const Operation> all_operations();

int64_t seconds_of(WallTime time);
// As the protocol has it: a number in JSON, a text in XML.
Json time_json(const Ask& ask, int64_t seconds);
// MissingParameter.
std::string required(Ask& ask, const berth::json::Node& node, std::string_view key);
// "Dimensions" of `node`, each with a Name and a Value.
metrics::Dimensions read_dimensions(Ask& ask, const berth::json::Node& node);
Json dimensions_json(const metrics::Dimensions& dimensions);
// "Unit" of `node`, or "".
std::string read_unit(Ask& ask, const berth::json::Node& node);
// A multiple of a minute; refused otherwise.
int64_t read_period(Ask& ask, const berth::json::Node& node);
// A name of metrics/stat.h; refused otherwise.
void check_statistic(Ask& ask, const std::string& name);
// One of the five that have members of their own ("Statistic"), or one of the others
// ("ExtendedStatistic").
void check_basic_statistic(Ask& ask, const std::string& name);
void check_extended_statistic(Ask& ask, const std::string& name);

Json put_metric_data(Metrics&, Ask&);
Json get_metric_data(Metrics&, Ask&);
Json get_metric_statistics(Metrics&, Ask&);
Json list_metrics(Metrics&, Ask&);

Json put_metric_alarm(Metrics&, Ask&);
Json put_composite_alarm(Metrics&, Ask&);
Json describe_alarms(Metrics&, Ask&);
Json describe_alarms_for_metric(Metrics&, Ask&);
Json enable_alarm_actions(Metrics&, Ask&);
Json disable_alarm_actions(Metrics&, Ask&);
Json describe_alarm_history(Metrics&, Ask&);
Json delete_alarms(Metrics&, Ask&);
Json set_alarm_state(Metrics&, Ask&);

Json tag_resource(Metrics&, Ask&);
Json untag_resource(Metrics&, Ask&);
Json list_tags_for_resource(Metrics&, Ask&);

}  // namespace berth::api::cw
