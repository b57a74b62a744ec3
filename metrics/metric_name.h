// MetricName: what figures are of: a namespace, a name in it, and dimensions. Pure.
#pragma once

#include "base/json.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <string>
#include <tuple>

namespace berth::metrics {

using Dimensions = std::map<std::string, std::string>;

struct MetricName {
  std::string space;  // "AWS/ECS"
  std::string name;   // "CPUUtilization"
  Dimensions dimensions;
  bool operator==(const MetricName&) const = default;
  bool operator<(const MetricName& other) const {
    return std::tie(space, name, dimensions) < std::tie(other.space, other.name, other.dimensions);
  }
};

// Members of a JSON object: {"namespace": "AWS/ECS", "metric": "CPUUtilization", "dimensions": {}}.
void render_metric_name(const MetricName& metric, nlohmann::ordered_json& json);
// kCorrupt without one of them.
Result<MetricName> parse_metric_name(const json::Node& node);

}  // namespace berth::metrics
