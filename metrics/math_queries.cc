#include "metrics/math_queries.h"

#include "base/text.h"
#include "metrics/math_functions.h"
#include "metrics/metric_search.h"
#include "metrics/stat.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace berth::metrics {
namespace {

constexpr size_t kMathNameShownMax = 255;
constexpr int64_t kSearchPeriodMax = 86400;
// Of a search so many characters are looked for in so many bytes of names at the price of a figure.
constexpr size_t kSearchTextPerWeight = 8;
constexpr size_t kSearchNamesPerWeight = 16;

template <class... Args>
tl::unexpected<Error> wrong_in(const MathQuery& query, Errc code,
                               fmt::format_string<Args...> format, Args&&... args) {
  return fail(code, "Error in expression '{}': {}", query.id,
              fmt::format(format, std::forward<Args>(args)...));
}

// The least of the request's metrics; five minutes when there are none, as CloudWatch's console.
int64_t common_period(const MathQueries& queries) {
  int64_t period = 0;
  for (const MathQuery& query : queries) {
    if (!query.stat) continue;
    period = period == 0 ? query.stat->period : std::min(period, query.stat->period);
  }
  return period == 0 ? kFiveMinutes : period;
}

size_t bytes_of(const std::vector<MetricName>& names) {
  size_t bytes = 0;
  for (const MetricName& name : names) {
    bytes += name.space.size() + name.name.size();
    for (const auto& [key, value] : name.dimensions) bytes += key.size() + value.size();
  }
  return bytes;
}

// Where the figures of metrics come from.
enum class MathFigures { kNone, kStored, kInEachPeriod };

class MathEvaluator {
 public:
  struct Options {
    MathFigures figures = MathFigures::kNone;
    const MetricStore* store = nullptr;  // of kStored
    size_t weight_max = kMathWeightMax;
  };
  MathEvaluator(const MathQueries& queries, const Options& options, const Window& window)
      : queries_(queries), options_(options) {
    scope_.window = window;
    scope_.metrics = [this](const std::string& text) { return metrics_named(text); };
  }

  Result<std::map<std::string, MathValue>> run() {
    TRY(check_window());
    for (const MathQuery& query : queries_) {
      by_id_[query.id] = &query;
      if (!query.stat) continue;
      MathSeries series = TRY(figures_of(*query.stat));
      series.label = query.label.empty() ? query.stat->metric.name : query.label;
      values_[query.id] = TRY(counted(std::move(series)));
    }
    for (const MathQuery& query : queries_) TRY(visit(query));
    return std::move(values_);
  }

 private:
  Result<MathSeries> figures_of(const MetricStat& stat) {
    if (options_.figures == MathFigures::kStored) {
      return series_of(stat, *options_.store, scope_.window);
    }
    if (options_.figures == MathFigures::kNone) return MathSeries{.period = stat.period};
    TRY(count(periods_of(stat.period)));
    Window window = scope_.window;
    window.period = stat.period;
    return constant_series(1, window);
  }

  // How many of them the window touches.
  size_t periods_of(int64_t period) const {
    int64_t whole = (scope_.window.end - scope_.window.start) / period;
    return static_cast<size_t>(std::max<int64_t>(whole, 0)) + 2;
  }

  Status check_window() const {
    int64_t period = common_period(queries_);
    for (const MathQuery& query : queries_) {
      if (query.period > 0) period = std::min(period, query.period);
    }
    bool has_expression =
        std::ranges::any_of(queries_, [](const MathQuery& query) { return !query.stat; });
    int64_t periods = (scope_.window.end - scope_.window.start) / period;
    if (!has_expression || periods <= kMathPeriodsMax) return {};
    return fail(Errc::kExhausted,
                "between StartTime and EndTime are {} periods of {} s, and expressions are about "
                "{} at most: ask for less time, or a longer Period",
                periods, period, kMathPeriodsMax);
  }

  // An expression behind those that it is about.
  Status visit(const MathQuery& query) {
    if (values_.contains(query.id)) return {};
    if (!open_.insert(query.id).second) {
      return wrong_in(query, Errc::kInvalid, "it is about itself, directly or over others");
    }
    for (const std::string& id : query.expression.ids()) {
      auto found = by_id_.find(id);
      if (found == by_id_.end()) {
        return wrong_in(query, Errc::kInvalid, "Undefined metric id '{}'",
                        printable(id, kMathNameShownMax));
      }
      TRY(visit(*found->second));
    }
    scope_.window.period = query.period > 0 ? query.period : common_period(queries_);
    auto value = value_of(query.expression.root());
    if (!value && value.error().code == Errc::kExhausted) return tl::unexpected(value.error());
    if (!value) return wrong_in(query, value.error().code, "{}", value.error().text);
    if (std::holds_alternative<double>(*value) && query.is_returned) {
      return wrong_in(query, Errc::kInvalid,
                      "it is a number (S), and what is returned is a time series (TS or TS[]): "
                      "TIME_SERIES() makes one");
    }
    if (const auto* array = std::get_if<MathArray>(&*value)) {
      TRY(count(weight_of_labels(query.label, array->size())));
    }
    label(query, *value);
    values_[query.id] = std::move(*value);
    open_.erase(query.id);
    return {};
  }

  // As CloudWatch's console has it: the expression's label, and of arrays what it is about.
  static void label(const MathQuery& query, MathValue& value) {
    if (auto* series = std::get_if<MathSeries>(&value)) {
      series->label = query.label.empty() ? query.id : query.label;
    }
    if (auto* array = std::get_if<MathArray>(&value)) {
      for (MathSeries& series : *array) {
        if (series.label.empty()) series.label = query.id;
        if (!query.label.empty()) series.label = query.label + " " + series.label;
      }
    }
  }

  MathArray metrics_named(const std::string& text) const {
    MathArray result;
    for (const MathQuery& query : queries_) {
      bool is_named = query.stat && query.id.find(text) != std::string::npos;
      if (is_named) result.push_back(std::get<MathSeries>(values_.at(query.id)));
    }
    return result;
  }

  Status count(size_t weight) {
    weight_ += weight;
    if (weight_ <= options_.weight_max) return {};
    return fail(Errc::kExhausted,
                "the expressions compute more than {} figures: ask for less time, or a longer "
                "Period",
                options_.weight_max);
  }

  Result<MathValue> counted(MathValue value) {
    TRY(count(weight_of(value)));
    return value;
  }

  // Before it is made: of each series of an array one may come that is as long as the longest of
  // the others, or as the window has periods.
  Status count_dense(const MathTerm& term, const std::vector<MathArgument>& arguments) {
    bool is_by_window = term.text == "IF" || term.text == "TIME_SERIES";
    size_t longest = is_by_window ? periods_of(scope_.window.period) : 1;
    size_t number = 1;
    auto look_at = [&](const MathSeries& series) {
      longest = std::max({longest, series.points.size(), periods_of(series.period)});
    };
    for (const MathArgument& argument : arguments) {
      if (!argument.value) continue;
      if (const auto* series = std::get_if<MathSeries>(&*argument.value)) look_at(*series);
      const auto* array = std::get_if<MathArray>(&*argument.value);
      if (array == nullptr) continue;
      number = std::max(number, array->size());
      for (const MathSeries& series : *array) look_at(series);
    }
    return count(number * longest);
  }

  Result<MathValue> value_of(const MathTerm& term) {
    switch (term.kind) {
      case MathTerm::Kind::kNumber:
        return term.number;
      case MathTerm::Kind::kId:
        return counted(values_.at(term.text));
      case MathTerm::Kind::kMinus: {
        MathValue value = TRY(value_of(term.terms[0]));
        return counted(map_each(value, [](double number) { return -number; }));
      }
      case MathTerm::Kind::kOperator: {
        MathValue left = TRY(value_of(term.terms[0]));
        MathValue right = TRY(value_of(term.terms[1]));
        return counted(TRY(operate(term.text, left, right)));
      }
      case MathTerm::Kind::kArray:
        return array_of(term);
      case MathTerm::Kind::kCall:
        return call(term);
      default:
        return fail(Errc::kInvalid, "'{}' is no value: it goes into a function",
                    printable(term.text, kMathNameShownMax));
    }
  }

  Result<MathValue> array_of(const MathTerm& term) {
    MathArray array;
    for (const MathTerm& element : term.terms) {
      MathValue value = TRY(value_of(element));
      if (auto* series = std::get_if<MathSeries>(&value)) {
        array.push_back(std::move(*series));
      } else if (auto* more = std::get_if<MathArray>(&value)) {
        array.insert(array.end(), std::make_move_iterator(more->begin()),
                     std::make_move_iterator(more->end()));
      } else {
        return fail(Errc::kInvalid, "an array is of time series, not of numbers");
      }
    }
    return array;
  }

  // SEARCH('search', 'statistic', period): of each metric that it finds.
  Result<MathValue> search(const MathTerm& term) {
    auto is_of = [&](size_t i, MathTerm::Kind kind) {
      return i < term.terms.size() && term.terms[i].kind == kind;
    };
    bool is_known =
        is_of(0, MathTerm::Kind::kText) && is_of(1, MathTerm::Kind::kText) &&
        (term.terms.size() == 2 || (term.terms.size() == 3 && is_of(2, MathTerm::Kind::kNumber)));
    if (!is_known) {
      return fail(Errc::kInvalid, "SEARCH takes a search and a statistic in quotes, and a period");
    }
    const std::string& text = term.terms[0].text;
    auto wanted = TRY(MetricSearch::parse(text));
    MetricStat stat{.statistic = term.terms[1].text, .period = scope_.window.period};
    if (!parse_stat(stat.statistic)) {
      return fail(Errc::kInvalid, "SEARCH: '{}' is no statistic",
                  printable(stat.statistic, kMathNameShownMax));
    }
    if (term.terms.size() == 3) stat.period = TRY(period_of(term.terms[2].number));
    if (options_.figures != MathFigures::kStored) return MathArray();
    std::vector<MetricName> names = options_.store->names();
    TRY(count(bytes_of(names) * (1 + text.size() / kSearchTextPerWeight) / kSearchNamesPerWeight));
    std::erase_if(names, [&](const MetricName& name) { return !wanted.accepts(name); });
    if (names.size() > kSearchFoundMax) names.resize(kSearchFoundMax);
    std::vector<std::string> labels = labels_of(names);
    MathArray array;
    for (size_t i = 0; i < names.size(); ++i) {
      stat.metric = names[i];
      MathSeries series = series_of(stat, *options_.store, scope_.window);
      series.label = labels[i];
      TRY(count(weight_of(series)));
      array.push_back(std::move(series));
    }
    return array;
  }

  static Result<int64_t> period_of(double number) {
    bool is_known = number >= kMinute && number <= kSearchPeriodMax &&
                    static_cast<int64_t>(number) % kMinute == 0;
    if (is_known) return static_cast<int64_t>(number);
    return fail(Errc::kInvalid, "SEARCH: the period must be a multiple of {}, and {} at most",
                kMinute, kSearchPeriodMax);
  }

  Result<MathValue> call(const MathTerm& term) {
    if (term.text == "SEARCH") return search(term);
    std::vector<MathArgument> arguments;
    for (const MathTerm& each : term.terms) {
      MathArgument argument{.term = &each};
      bool is_value = each.kind != MathTerm::Kind::kText && each.kind != MathTerm::Kind::kWord;
      if (is_value) argument.value = TRY(value_of(each));
      arguments.push_back(std::move(argument));
    }
    if (is_dense_math(term.text)) TRY(count_dense(term, arguments));
    return counted(TRY(call_math(term.text, arguments, scope_)));
  }

  const MathQueries& queries_;
  Options options_;
  MathScope scope_{};
  std::map<std::string, const MathQuery*> by_id_{};
  std::map<std::string, MathValue> values_{};
  std::set<std::string> open_{};  // those that are being looked at
  size_t weight_ = 0;
};

nlohmann::ordered_json render_stat(const MetricStat& stat) {
  nlohmann::ordered_json json;
  render_metric_name(stat.metric, json);
  json.update({{"unit", stat.unit}, {"statistic", stat.statistic}, {"period", stat.period}});
  return json;
}

Result<MetricStat> parse_stat_of(const json::Node& node) {
  MetricStat stat;
  stat.metric = TRY(parse_metric_name(node));
  stat.unit = TRY(node.string_at("unit"));
  stat.statistic = TRY(node.string_at("statistic"));
  stat.period = TRY(node.i64_at("period"));
  if (stat.period <= 0) return fail(Errc::kCorrupt, "{}.period: must be above 0", node.path());
  return stat;
}

Result<MathQuery> parse_query(const json::Node& node) {
  MathQuery query;
  query.id = TRY(node.string_at("id"));
  query.label = TRY(node.string_at("label"));
  query.is_returned = TRY(TRY(node.at("isReturned")).as_bool());
  query.period = TRY(node.i64_at("period"));
  if (auto stat = node.find("stat")) {
    query.stat = TRY(parse_stat_of(*stat));
    return query;
  }
  query.expression_text = TRY(node.string_at("expression"));
  query.expression = TRY(MathExpression::parse(query.expression_text));
  return query;
}

}  // namespace

nlohmann::ordered_json render_queries(const MathQueries& queries) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const MathQuery& query : queries) {
    nlohmann::ordered_json json = {{"id", query.id},
                                   {"label", query.label},
                                   {"isReturned", query.is_returned},
                                   {"period", query.period}};
    if (query.stat) json["stat"] = render_stat(*query.stat);
    if (!query.stat) json["expression"] = query.expression_text;
    list.push_back(std::move(json));
  }
  return list;
}

Result<MathQueries> parse_queries(const json::Node& list) {
  MathQueries queries;
  for (const json::Node& node : TRY(list.as_array())) queries.push_back(TRY(parse_query(node)));
  return queries;
}

MathSeries series_of(const MetricStat& stat, const MetricStore& store, Window window) {
  window.period = stat.period;
  window.start -= window.start % stat.period;
  MathSeries series{.period = stat.period};
  for (const Point& point : store.read(stat.metric, stat.unit, window)) {
    auto value = statistic_of(point.statistics, stat.statistic);
    bool is_next = series.points.empty() || series.points.back().at < point.at;
    if (value && is_next) series.add(point.at, *value);
  }
  return series;
}

Result<std::map<std::string, MathValue>> evaluate_queries(const MathQueries& queries,
                                                          const MetricStore* store,
                                                          const Window& window, size_t weight_max) {
  MathFigures figures = store != nullptr ? MathFigures::kStored : MathFigures::kNone;
  MathEvaluator::Options options{.figures = figures, .store = store, .weight_max = weight_max};
  return MathEvaluator(queries, options, window).run();
}

Status check_queries(const MathQueries& queries, const Window& window, size_t weight_max) {
  MathEvaluator::Options options{.figures = MathFigures::kInEachPeriod, .weight_max = weight_max};
  TRY(MathEvaluator(queries, options, window).run());
  return {};
}

}  // namespace berth::metrics
