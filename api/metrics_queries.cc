#include "api/metrics_queries.h"

#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::cw {
namespace {

constexpr size_t kMetricNameMax = 255;
constexpr size_t kLabelMax = 1024;
constexpr const char* kQueryIdPattern = "^[a-z][a-zA-Z0-9_]*$";

bool is_query_id(const std::string& id) {
  auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !id.empty() && id.size() <= kMetricNameMax && id[0] >= 'a' && id[0] <= 'z' &&
         std::ranges::all_of(id, is_part);
}

metrics::MetricStat read_stat(Ask& ask, const json::Node& node) {
  metrics::MetricStat stat;
  auto metric = ask.object(node, "Metric");
  if (!metric) {
    ask.refuse("MissingParameter",
               fmt::format("The parameter {} is required.", path_of(node, "Metric")));
    return stat;
  }
  stat.metric = read_metric_name(ask, *metric);
  stat.period = read_period(ask, node);
  stat.statistic = required(ask, node, "Stat");
  stat.unit = read_unit(ask, node);
  if (!ask.refused()) check_statistic(ask, stat.statistic);
  return stat;
}

void read_expression(Ask& ask, const json::Node& node, metrics::MathQuery& query) {
  if (node.find("Period")) query.period = read_period(ask, node);
  if (ask.refused()) return;
  if (query.expression_text.starts_with("SELECT ")) {
    return ask.refuse("ValidationError",
                      fmt::format("Error in expression '{}': queries of Metrics Insights (SELECT) "
                                  "are not supported.",
                                  query.id));
  }
  auto expression = metrics::MathExpression::parse(query.expression_text);
  if (expression) {
    query.expression = std::move(*expression);
    return;
  }
  ask.refuse("ValidationError",
             fmt::format("Error in expression '{}': {}", query.id, expression.error().text));
}

metrics::MathQuery read_query(Ask& ask, const json::Node& node) {
  metrics::MathQuery query;
  query.id = required(ask, node, "Id");
  query.label = ask.text(node, "Label");
  query.is_returned = ask.find_flag(node, "ReturnData").value_or(true);
  query.expression_text = ask.text(node, "Expression");
  auto stat = ask.object(node, "MetricStat");
  if (query.label.size() > kLabelMax) {
    ask.invalid(fmt::format("{}: has at most {} characters.", path_of(node, "Label"), kLabelMax));
  }
  if (ask.refused()) return query;
  if (!is_query_id(query.id)) {
    ask.refuse("ValidationError",
               fmt::format("The value {} for parameter {} is not matching the expected pattern {}.",
                           printable(query.id, 100), path_of(node, "Id"), kQueryIdPattern));
  }
  if (stat.has_value() != query.expression_text.empty()) {
    ask.refuse("ValidationError",
               fmt::format("{}: has either Expression or MetricStat.", node.path()));
  }
  if (ask.refused()) return query;
  if (stat) query.stat = read_stat(ask, *stat);
  if (!stat) read_expression(ask, node, query);
  return query;
}

}  // namespace

std::string read_metric_text(Ask& ask, const json::Node& node, std::string_view key) {
  std::string text = required(ask, node, key);
  if (text.size() > kMetricNameMax) {
    ask.invalid(path_of(node, key) + ": has at most 255 characters.");
  }
  return text;
}

metrics::MetricName read_metric_name(Ask& ask, const json::Node& node) {
  metrics::MetricName name;
  name.space = read_metric_text(ask, node, "Namespace");
  name.name = read_metric_text(ask, node, "MetricName");
  name.dimensions = read_dimensions(ask, node);
  return name;
}

metrics::MathQueries read_queries(Ask& ask, std::string_view key, size_t max) {
  metrics::MathQueries queries;
  for (const json::Node& node : ask.objects(key, max)) {
    metrics::MathQuery query = read_query(ask, node);
    bool is_there = std::ranges::find(queries, query.id, &metrics::MathQuery::id) != queries.end();
    if (is_there) {
      ask.refuse("ValidationError",
                 fmt::format("The values for parameter Id in {} are not unique: '{}' is there "
                             "twice.",
                             key, printable(query.id, 100)));
    }
    queries.push_back(std::move(query));
    if (ask.refused()) break;
  }
  return queries;
}

void refuse_math(Ask& ask, const Error& error) {
  ask.refuse("ValidationError", error.text + ".");
}

Json queries_json(const metrics::MathQueries& queries) {
  Json list = Json::array();
  for (const metrics::MathQuery& query : queries) {
    Json json = {{"Id", query.id}};
    if (query.stat) {
      const metrics::MetricName& metric = query.stat->metric;
      json["MetricStat"] = {{"Metric",
                             {{"Namespace", metric.space},
                              {"MetricName", metric.name},
                              {"Dimensions", dimensions_json(metric.dimensions)}}},
                            {"Period", query.stat->period},
                            {"Stat", query.stat->statistic}};
      if (!query.stat->unit.empty()) json["MetricStat"]["Unit"] = query.stat->unit;
    } else {
      json["Expression"] = query.expression_text;
    }
    if (!query.label.empty()) json["Label"] = query.label;
    json["ReturnData"] = query.is_returned;
    if (query.period > 0) json["Period"] = query.period;
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace berth::api::cw
