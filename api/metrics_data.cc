// Figures of CloudWatch: put, asked for, listed.
#include "api/metrics_queries.h"
#include "api/page.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>

namespace berth::api::cw {
namespace {

constexpr size_t kDataMax = 1000;
constexpr size_t kValuesMax = 150;
constexpr size_t kStatisticsMax = 5;
constexpr size_t kExtendedStatisticsMax = 10;
constexpr size_t kQueriesMax = 500;
constexpr int64_t kDatapointsMax = 1440;
constexpr size_t kMaxDatapoints = 100800;
constexpr size_t kMetricPageMax = 500;
constexpr int64_t kOldestDays = 14;
constexpr int64_t kFutureSeconds = 2 * 3600;

double read_value(Ask& ask, const json::Node& node, std::string_view key) {
  double value = ask.real(node, key).value_or(0);
  if (std::isfinite(value)) return value;
  ask.invalid(path_of(node, key) + ": must be a number, and no infinite one.");
  return 0;
}

// "MetricData.member.1.Value" of "MetricData[0]".
std::string member_of(const json::Node& node, std::string_view key) {
  std::string path = node.path();
  size_t bracket = path.find('[');
  std::string index = path.substr(bracket + 1, path.size() - bracket - 2);
  return fmt::format("{}.member.{}.{}", path.substr(0, bracket), parse_u64(index).value_or(0) + 1,
                     key);
}

metrics::Statistics read_values(Ask& ask, const json::Node& node) {
  metrics::Statistics statistics;
  std::vector<double> values = ask.reals(node, "Values", kValuesMax);
  std::vector<double> counts = ask.reals(node, "Counts", kValuesMax);
  if (!counts.empty() && counts.size() != values.size()) {
    ask.invalid(fmt::format("The parameters {} and {} must be of the same size.",
                            member_of(node, "Values"), member_of(node, "Counts")));
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
  if (!has_value && !has_values && !set) {
    ask.refuse("InvalidParameterCombination",
               node.path() + ": has one of Value, Values and StatisticValues.");
    return {};
  }
  if (has_value && (has_values || set)) {
    ask.refuse("InvalidParameterCombination",
               fmt::format("The parameters {} and {} are mutually exclusive and you have specified "
                           "both.",
                           member_of(node, "Value"),
                           member_of(node, has_values ? "Values" : "StatisticValues")));
    return {};
  }
  if (has_value) return metrics::statistics_of(read_value(ask, node, "Value"), 1);
  if (!set) return read_values(ask, node);  // CloudWatch takes both
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
    ask.invalid("The parameter StartTime must be less than the parameter EndTime.");
  }
  if (!ask.refused() && window.start < 0) ask.invalid("StartTime: must be 1970 or later.");
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

Json result_json(const std::string& id, const std::string& label, Json times, Json values) {
  return {{"Id", id},
          {"Label", label},
          {"Timestamps", std::move(times)},
          {"Values", std::move(values)},
          {"StatusCode", "Complete"}};
}

// The name of its metric, and of statistic and period that by which others of the metric differ.
std::string label_of(const metrics::MathQuery& query, const metrics::MathQueries& all) {
  if (!query.label.empty()) return query.label;
  bool is_by_statistic = false;
  bool is_by_period = false;
  for (const metrics::MathQuery& other : all) {
    bool is_like_it = other.stat && other.is_returned && other.stat->metric == query.stat->metric;
    if (!is_like_it) continue;
    is_by_statistic |= other.stat->statistic != query.stat->statistic;
    is_by_period |= other.stat->period != query.stat->period;
  }
  std::string label = query.stat->metric.name;
  if (is_by_statistic) label += " " + query.stat->statistic;
  if (is_by_period) label += fmt::format(" {}", query.stat->period);
  return label;
}

// Of what stands on pages: a value, or a result without any.
std::string key_on_page(size_t result, const Json* time) {
  return fmt::format("{} {}", result, time == nullptr ? "-" : time->dump());
}

bool is_one_page(const Ask& ask, const Json& results) {
  size_t points = 0;
  for (const Json& result : results) points += result["Timestamps"].size();
  return points <= kMaxDatapoints && !ask.has("MaxDatapoints") && !ask.has("NextToken");
}

// Leaves of all values those of the page that the request asks for; the token of the next one.
std::string cut_to_page(Ask& ask, Json& results) {
  if (is_one_page(ask, results)) return "";
  std::vector<std::string> keys;
  for (size_t i = 0; i < results.size(); ++i) {
    const Json& all = results[i]["Timestamps"];
    if (all.empty()) keys.push_back(key_on_page(i, nullptr));
    for (const Json& time : all) keys.push_back(key_on_page(i, &time));
  }
  Page page = page_of(ask, keys,
                      {.limit = "MaxDatapoints",
                       .token = "NextToken",
                       .token_fault = "InvalidNextToken",
                       .max = kMaxDatapoints});
  if (ask.refused() || page.items.size() == keys.size()) return "";
  std::set<std::string> kept(page.items.begin(), page.items.end());
  Json left = Json::array();
  for (size_t i = 0; i < results.size(); ++i) {
    Json times = Json::array();
    Json values = Json::array();
    const Json& result = results[i];
    const Json& all = result["Timestamps"];
    for (size_t at = 0; at < all.size(); ++at) {
      if (!kept.contains(key_on_page(i, &all[at]))) continue;
      times.push_back(all[at]);
      values.push_back(result["Values"][at]);
    }
    bool is_here = all.empty() ? kept.contains(key_on_page(i, nullptr)) : !times.empty();
    if (!is_here) continue;
    bool is_whole = times.size() == all.size();
    left.push_back(result_json(result["Id"], result["Label"], std::move(times), std::move(values)));
    if (!is_whole) left.back()["StatusCode"] = "PartialData";
  }
  results = std::move(left);
  return page.next_token;
}

// A metric: of each unit.
Json metric_json(const Metrics& metrics, const Ask& ask, const metrics::MathQuery& query,
                 const metrics::MathQueries& queries, metrics::Window window, bool is_ascending) {
  align(window, query.stat->period);
  auto points = metrics.store.read(query.stat->metric, query.stat->unit, window);
  if (!is_ascending) std::ranges::reverse(points);
  Json times = Json::array();
  Json values = Json::array();
  for (const metrics::Point& point : points) {
    auto value = metrics::statistic_of(point.statistics, query.stat->statistic);
    if (!value) continue;
    times.push_back(time_json(ask, point.at));
    values.push_back(*value);
  }
  return result_json(query.id, label_of(query, queries), std::move(times), std::move(values));
}

Json series_json(const Ask& ask, const std::string& id, const metrics::MathSeries& series,
                 bool is_ascending) {
  Json times = Json::array();
  Json values = Json::array();
  auto points = series.points;
  if (!is_ascending) std::ranges::reverse(points);
  for (const metrics::MathPoint& point : points) {
    times.push_back(time_json(ask, point.at));
    values.push_back(point.value);
  }
  return result_json(id, series.label, std::move(times), std::move(values));
}

// What an expression is: one result, or one for each series of an array, all with its id.
void add_results(const Ask& ask, const std::string& id, const metrics::MathValue& value,
                 bool is_ascending, Json& results) {
  if (const auto* series = std::get_if<metrics::MathSeries>(&value)) {
    results.push_back(series_json(ask, id, *series, is_ascending));
  }
  if (const auto* array = std::get_if<metrics::MathArray>(&value)) {
    for (const metrics::MathSeries& series : *array) {
      results.push_back(series_json(ask, id, series, is_ascending));
    }
  }
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
  metrics::MathQueries queries = read_queries(ask, "MetricDataQueries", kQueriesMax);
  if (queries.empty()) {
    ask.refuse("MissingParameter", "The parameter MetricDataQueries is required.");
  }
  if (ask.refused()) return {};
  // Metrics are had below, by their units.
  bool has_expressions =
      std::ranges::any_of(queries, [](const metrics::MathQuery& query) { return !query.stat; });
  auto computed = metrics::evaluate_queries(has_expressions ? queries : metrics::MathQueries(),
                                            &metrics.store, window);
  if (!computed) {
    refuse_math(ask, computed.error());
    return {};
  }
  Json results = Json::array();
  for (const metrics::MathQuery& query : queries) {
    if (!query.is_returned) continue;
    if (query.stat) {
      results.push_back(metric_json(metrics, ask, query, queries, window, is_ascending));
    } else {
      add_results(ask, query.id, computed->at(query.id), is_ascending, results);
    }
  }
  std::string next_token = cut_to_page(ask, results);
  Json json = {{"MetricDataResults", std::move(results)}, {"Messages", Json::array()}};
  if (!next_token.empty()) json["NextToken"] = next_token;
  return json;
}

namespace {

// As many as there could be, whether or not there are figures.
void check_datapoints(Ask& ask, const metrics::Window& window) {
  int64_t period = ask.number("Period", {1, INT64_MAX}).value_or(0);
  if (ask.refused() || period == 0) return;
  int64_t span = window.end - window.start;
  int64_t asked = span / period + (span % period == 0 ? 0 : 1);
  if (asked <= kDatapointsMax) return;
  ask.refuse("InvalidParameterCombination",
             fmt::format("You have requested up to {} datapoints, which exceeds the limit of {}. "
                         "You may reduce the datapoints requested by increasing Period, or "
                         "decreasing the time range.",
                         asked, kDatapointsMax));
}

}  // namespace

Json get_metric_statistics(Metrics& metrics, Ask& ask) {
  metrics::MetricName name = read_metric_name(ask, ask.root());
  metrics::Window window = read_window(ask);
  check_datapoints(ask, window);
  int64_t period = read_period(ask, ask.root());
  std::string unit = read_unit(ask, ask.root());
  std::vector<std::string> statistics = read_statistic_names(ask);
  if (ask.refused()) return {};
  align(window, period);
  auto points = metrics.store.read(name, unit, window);
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
