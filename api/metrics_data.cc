// Figures of CloudWatch: put, asked for, listed.
#include "api/metrics_operations.h"
#include "api/page.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>

namespace berth::api::cw {
namespace {

constexpr size_t kDataMax = 1000;
constexpr size_t kValuesMax = 150;
constexpr size_t kStatisticsMax = 5;
constexpr size_t kExtendedStatisticsMax = 10;
constexpr size_t kQueriesMax = 500;
constexpr size_t kDatapointsMax = 1440;
constexpr size_t kMetricPageMax = 500;
constexpr int64_t kOldestDays = 14;
constexpr int64_t kFutureSeconds = 2 * 3600;

std::string read_metric_text(Ask& ask, const json::Node& node, std::string_view key) {
  std::string text = required(ask, node, key);
  if (text.size() > 255) {
    ask.invalid(path_of(node, key) + ": has at most 255 characters.");
  }
  return text;
}

double read_value(Ask& ask, const json::Node& node, std::string_view key) {
  double value = ask.real(node, key).value_or(0);
  if (std::isfinite(value)) return value;
  ask.invalid(path_of(node, key) + ": must be a number, and no infinite one.");
  return 0;
}

metrics::Statistics read_values(Ask& ask, const json::Node& node) {
  metrics::Statistics statistics;
  std::vector<double> values = ask.reals(node, "Values", kValuesMax);
  std::vector<double> counts = ask.reals(node, "Counts", kValuesMax);
  if (!counts.empty() && counts.size() != values.size()) {
    ask.invalid(node.path() + ": Values and Counts must be as many.");
    return statistics;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    double times = counts.empty() ? 1 : counts[i];
    if (!std::isfinite(values[i]) || !(times > 0))
      ask.invalid(node.path() + ".Values: no figures.");
    statistics.merge(metrics::statistics_of(values[i], times));
  }
  return statistics;
}

metrics::Statistics read_statistics(Ask& ask, const json::Node& node) {
  bool has_value = node.find("Value").has_value();
  bool has_values = node.find("Values").has_value();
  auto set = ask.object(node, "StatisticValues");
  if (int{has_value} + int{has_values} + int{set.has_value()} != 1) {
    ask.refuse("InvalidParameterCombination",
               node.path() + ": has one of Value, Values and StatisticValues.");
    return {};
  }
  if (has_value) return metrics::statistics_of(read_value(ask, node, "Value"), 1);
  if (has_values) return read_values(ask, node);
  metrics::Statistics statistics{.count = read_value(ask, *set, "SampleCount"),
                                 .sum = read_value(ask, *set, "Sum"),
                                 .min = read_value(ask, *set, "Minimum"),
                                 .max = read_value(ask, *set, "Maximum")};
  if (statistics.count <= 0 || statistics.min > statistics.max) {
    ask.invalid(node.path() +
                ".StatisticValues: SampleCount must be above 0, and Minimum not "
                "above Maximum.");
  }
  return statistics;
}

metrics::Datum read_datum(const Metrics& metrics, Ask& ask, const std::string& space,
                          const json::Node& node) {
  metrics::Datum datum;
  datum.name.space = space;
  datum.name.name = read_metric_text(ask, node, "MetricName");
  datum.name.dimensions = read_dimensions(ask, node);
  std::string unit = read_unit(ask, node);
  if (!unit.empty()) datum.unit = unit;
  int64_t now = seconds_of(metrics.now);
  datum.at = seconds_of(ask.time(node, "Timestamp").value_or(metrics.now));
  if (datum.at < now - kOldestDays * 86400 || datum.at > now + kFutureSeconds) {
    ask.invalid(
        fmt::format("{}: must be of the last two weeks, and at most two hours of the "
                    "future.",
                    path_of(node, "Timestamp")));
  }
  datum.statistics = read_statistics(ask, node);
  return datum;
}

metrics::MetricName read_name(Ask& ask, const json::Node& node) {
  metrics::MetricName name;
  name.space = read_metric_text(ask, node, "Namespace");
  name.name = read_metric_text(ask, node, "MetricName");
  name.dimensions = read_dimensions(ask, node);
  return name;
}

metrics::Window read_window(Ask& ask) {
  metrics::Window window;
  for (auto [member, at] :
       {std::pair{"StartTime", &window.start}, std::pair{"EndTime", &window.end}}) {
    auto time = ask.time(ask.root(), member);
    if (!time) {
      ask.refuse("MissingParameter", fmt::format("The parameter {} is required.", member));
    }
    *at = time ? seconds_of(*time) : 0;
  }
  if (!ask.refused() && window.start >= window.end) {
    ask.invalid("StartTime must be less than EndTime.");
  }
  return window;
}

// A period that has begun within the window belongs to it as a whole, from its beginning.
void align(metrics::Window& window, int64_t period) {
  window.period = period;
  window.start -= window.start % period;
}

// As the protocol has it: the query protocol's maps are lists (api/query_form.h).
Json map_json(const Ask& ask, const std::vector<std::pair<std::string, double>>& values) {
  Json map = Json::object();
  Json entries = Json::array();
  for (const auto& [key, value] : values) {
    map[key] = value;
    entries.push_back({{"key", key}, {"value", value}});
  }
  if (!ask.call().is_form) return map;
  Json of_form = Json::object();
  of_form["entry"] = std::move(entries);
  return of_form;
}

struct DataQuery {
  std::string id;
  std::string label;
  metrics::MetricName name;
  std::string unit;
  std::string statistic;
  int64_t period = metrics::kMinute;
  bool is_returned = true;
};

DataQuery read_data_query(Ask& ask, const json::Node& node) {
  DataQuery query;
  query.id = required(ask, node, "Id");
  query.label = ask.text(node, "Label");
  query.is_returned = ask.find_flag(node, "ReturnData").value_or(true);
  if (!ask.text(node, "Expression").empty()) {
    ask.invalid(path_of(node, "Expression") +
                ": berth does not calculate; ask for the metrics with MetricStat.");
  }
  auto stat = ask.object(node, "MetricStat");
  if (!stat) {
    ask.refuse("MissingParameter",
               fmt::format("The parameter {} is required.", path_of(node, "MetricStat")));
    return query;
  }
  auto metric = ask.object(*stat, "Metric");
  if (!metric) {
    ask.refuse("MissingParameter",
               fmt::format("The parameter {} is required.", path_of(*stat, "Metric")));
    return query;
  }
  query.name = read_name(ask, *metric);
  query.period = read_period(ask, *stat);
  query.statistic = required(ask, *stat, "Stat");
  query.unit = read_unit(ask, *stat);
  if (!ask.refused()) check_statistic(ask, query.statistic);
  return query;
}

Json result_json(const Metrics& metrics, const Ask& ask, const DataQuery& query,
                 metrics::Window window, bool is_ascending) {
  align(window, query.period);
  auto points = metrics.store.read(query.name, query.unit, window);
  if (!is_ascending) std::ranges::reverse(points);
  Json times = Json::array();
  Json values = Json::array();
  for (const metrics::Point& point : points) {
    auto value = metrics::statistic_of(point.statistics, query.statistic);
    if (!value) continue;
    times.push_back(time_json(ask, point.at));
    values.push_back(*value);
  }
  return {{"Id", query.id},
          {"Label", query.label.empty() ? query.name.name : query.label},
          {"Timestamps", std::move(times)},
          {"Values", std::move(values)},
          {"StatusCode", "Complete"}};
}

// "Statistics" or "ExtendedStatistics".
std::vector<std::string> read_statistic_names(Ask& ask) {
  std::vector<std::string> basic = ask.texts("Statistics", kStatisticsMax);
  std::vector<std::string> extended = ask.texts("ExtendedStatistics", kExtendedStatisticsMax);
  for (const std::string& each : basic) check_basic_statistic(ask, each);
  for (const std::string& each : extended) check_extended_statistic(ask, each);
  if (basic.empty() && extended.empty()) {
    ask.refuse("MissingParameter",
               "The parameter Statistics is required, or ExtendedStatistics in its place.");
  }
  if (!basic.empty() && !extended.empty()) {
    ask.refuse(
        "InvalidParameterCombination",
        "Statistics and ExtendedStatistics exclude each other: ask for one after the other.");
  }
  return basic.empty() ? extended : basic;
}

// Nothing when none of the statistics is known of the point.
std::optional<Json> datapoint_json(const Ask& ask, const metrics::Point& point,
                                   const std::vector<std::string>& names) {
  Json json = {{"Timestamp", time_json(ask, point.at)}};
  std::vector<std::pair<std::string, double>> extended;
  bool has_some = false;
  for (const std::string& name : names) {
    auto stat = metrics::parse_stat(name);
    auto value = stat ? metrics::value_of(point.statistics, *stat) : std::nullopt;
    if (!value) continue;
    has_some = true;
    if (stat->is_basic()) json[name] = *value;
    if (!stat->is_basic()) extended.emplace_back(name, *value);
  }
  json["Unit"] = point.unit;
  if (!extended.empty()) json["ExtendedStatistics"] = map_json(ask, extended);
  return has_some ? std::optional(std::move(json)) : std::nullopt;
}

}  // namespace

Json put_metric_data(Metrics& metrics, Ask& ask) {
  std::string space = read_metric_text(ask, ask.root(), "Namespace");
  if (to_lower(space).starts_with("aws/")) {
    ask.invalid("The value AWS/ for parameter Namespace is invalid: it is reserved.");
  }
  std::vector<metrics::Datum> data;
  for (const json::Node& node : ask.objects("MetricData", kDataMax)) {
    data.push_back(read_datum(metrics, ask, space, node));
  }
  if (data.empty()) ask.refuse("MissingParameter", "The parameter MetricData is required.");
  if (ask.refused()) return {};
  auto added = metrics.store.add(data, metrics::Durability::kSynced, metrics.now);
  if (!added && added.error().code == Errc::kExhausted) {
    ask.refuse("LimitExceeded", added.error().text);
  }
  ask.check(added);
  return Json::object();
}

Json get_metric_data(Metrics& metrics, Ask& ask) {
  metrics::Window window = read_window(ask);
  bool is_ascending =
      ask.word("ScanBy", {"TimestampAscending", "TimestampDescending"}) == "TimestampAscending";
  std::vector<DataQuery> queries;
  std::vector<std::string> ids;
  for (const json::Node& node : ask.objects("MetricDataQueries", kQueriesMax)) {
    queries.push_back(read_data_query(ask, node));
    if (std::ranges::find(ids, queries.back().id) != ids.end()) {
      ask.invalid(node.path() + ".Id: is there twice.");
    }
    ids.push_back(queries.back().id);
  }
  if (queries.empty()) {
    ask.refuse("MissingParameter", "The parameter MetricDataQueries is required.");
  }
  Page page = page_of(
      ask, ids,
      {.limit = "", .token = "NextToken", .token_fault = "InvalidNextToken", .max = kQueriesMax});
  if (ask.refused()) return {};
  Json results = Json::array();
  for (const DataQuery& query : queries) {
    if (query.is_returned)
      results.push_back(result_json(metrics, ask, query, window, is_ascending));
  }
  return {{"MetricDataResults", std::move(results)}, {"Messages", Json::array()}};
}

Json get_metric_statistics(Metrics& metrics, Ask& ask) {
  metrics::MetricName name = read_name(ask, ask.root());
  metrics::Window window = read_window(ask);
  int64_t period = read_period(ask, ask.root());
  std::string unit = read_unit(ask, ask.root());
  std::vector<std::string> statistics = read_statistic_names(ask);
  if (ask.refused()) return {};
  align(window, period);
  auto points = metrics.store.read(name, unit, window);
  if (points.size() > kDatapointsMax) {
    ask.refuse("InvalidParameterCombination",
               fmt::format("You have requested {} datapoints, which exceeds the limit of {}. You "
                           "may reduce the datapoints requested by increasing Period, or "
                           "decreasing the time range.",
                           points.size(), kDatapointsMax));
  }
  Json datapoints = Json::array();
  for (const metrics::Point& point : points) {
    auto json = datapoint_json(ask, point, statistics);
    if (json) datapoints.push_back(std::move(*json));
  }
  return {{"Label", name.name}, {"Datapoints", std::move(datapoints)}};
}

Json list_metrics(Metrics& metrics, Ask& ask) {
  std::string space = ask.text("Namespace");
  std::string wanted = ask.text("MetricName");
  std::vector<std::pair<std::string, std::string>> dimensions;
  for (const json::Node& node : ask.objects("Dimensions", 30)) {
    dimensions.emplace_back(required(ask, node, "Name"), ask.text(node, "Value"));
  }
  ask.word("RecentlyActive", {"PT3H"});
  std::map<std::string, Json> found;
  std::vector<std::string> keys;
  for (const metrics::MetricName& name : metrics.store.names()) {
    bool has_all = std::ranges::all_of(dimensions, [&](const auto& dimension) {
      auto has = name.dimensions.find(dimension.first);
      return has != name.dimensions.end() &&
             (dimension.second.empty() || has->second == dimension.second);
    });
    bool is_wanted = has_all && (space.empty() || name.space == space) &&
                     (wanted.empty() || name.name == wanted);
    if (!is_wanted) continue;
    Json json = {{"Namespace", name.space},
                 {"MetricName", name.name},
                 {"Dimensions", dimensions_json(name.dimensions)}};
    keys.push_back(json.dump());
    found[keys.back()] = std::move(json);
  }
  Page page = page_of(ask, keys,
                      {.limit = "",
                       .token = "NextToken",
                       .token_fault = "InvalidNextToken",
                       .max = kMetricPageMax});
  Json list = Json::array();
  for (const std::string& key : page.items) list.push_back(found.at(key));
  Json json = {{"Metrics", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::cw
