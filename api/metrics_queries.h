// What GetMetricData and alarms ask of metrics and of expressions about them.
#pragma once

#include "api/metrics_operations.h"
#include "metrics/math_queries.h"

#include <string_view>

namespace berth::api::cw {

// Of 255 characters at most; it must be there.
std::string read_metric_text(Ask& ask, const berth::json::Node& node, std::string_view key);
// Namespace, MetricName and Dimensions of `node`.
metrics::MetricName read_metric_name(Ask& ask, const berth::json::Node& node);
// A list of MetricDataQuery; what expressions are about is not looked at yet.
metrics::MathQueries read_queries(Ask& ask, std::string_view key, size_t max);
// In CloudWatch's words: what is wrong with expressions, or too much.
void refuse_math(Ask& ask, const Error& error);

Json queries_json(const metrics::MathQueries& queries);

}  // namespace berth::api::cw
