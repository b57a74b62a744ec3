#include "metrics/metric_name.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace berth::metrics {

void render_metric_name(const MetricName& metric, nlohmann::ordered_json& json) {
  json["namespace"] = metric.space;
  json["metric"] = metric.name;
  json["dimensions"] = metric.dimensions;
}

Result<MetricName> parse_metric_name(const json::Node& node) {
  MetricName metric;
  metric.space = TRY(node.string_at("namespace"));
  metric.name = TRY(node.string_at("metric"));
  for (auto& [key, value] : TRY(TRY(node.at("dimensions")).as_string_map())) {
    metric.dimensions[key] = std::move(value);
  }
  return metric;
}

}  // namespace berth::metrics
