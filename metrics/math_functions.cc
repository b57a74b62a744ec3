#include "metrics/math_functions.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <string_view>
#include <utility>

namespace berth::metrics {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

struct MathCall {
  const std::vector<MathArgument>& arguments;
  const MathScope& scope;

  size_t count() const { return arguments.size(); }
  template <class T>
  const T* get(size_t i) const {
    bool is_value = i < count() && arguments[i].value;
    return is_value ? std::get_if<T>(&*arguments[i].value) : nullptr;
  }
  const MathValue* value(size_t i) const {
    return i < count() && arguments[i].value ? &*arguments[i].value : nullptr;
  }
  std::string_view word(size_t i) const {
    bool is_word = i < count() && arguments[i].term->kind == MathTerm::Kind::kWord;
    return is_word ? std::string_view(arguments[i].term->text) : std::string_view();
  }
};

// Nothing: the arguments are not those that it takes.
using Called = std::optional<MathValue>;

// ---- Of several values one ----

// `of`: how many there could be; those that are missing count as 0 where CloudWatch says so.
using Fold = double (*)(const std::vector<double>& there, size_t of);

double sum_of(const std::vector<double>& there, size_t) {
  return std::accumulate(there.begin(), there.end(), 0.0);
}
double average_of(const std::vector<double>& there, size_t of) {
  return sum_of(there, of) / static_cast<double>(of);
}
double least_of(const std::vector<double>& there, size_t) {
  return there.empty() ? kNoNumber : *std::ranges::min_element(there);
}
double greatest_of(const std::vector<double>& there, size_t) {
  return there.empty() ? kNoNumber : *std::ranges::max_element(there);
}
double count_of(const std::vector<double>& there, size_t) {
  return static_cast<double>(there.size());
}
double deviation_of(const std::vector<double>& there, size_t of) {
  double average = average_of(there, of);
  auto missing = static_cast<double>(of - there.size());
  double squares = missing * average * average;
  for (double value : there) squares += (value - average) * (value - average);
  return std::sqrt(squares / static_cast<double>(of));
}

double fold_series(const MathSeries& series, Fold fold) {
  std::vector<double> values;
  for (const MathPoint& point : series.points) values.push_back(point.value);
  return fold(values, values.size());
}

template <Fold kFold>
Called aggregate(const MathCall& call) {
  if (call.count() != 1) return std::nullopt;
  if (const auto* series = call.get<MathSeries>(0)) return fold_series(*series, kFold);
  const auto* array = call.get<MathArray>(0);
  if (array == nullptr) return std::nullopt;
  size_t of = array->size();
  return folded(*array, [of](const std::vector<double>& there) { return kFold(there, of); });
}

// ---- Of each value ----

template <double (*kFunction)(double)>
Called of_each_value(const MathCall& call) {
  const MathValue* value = call.value(0);
  if (call.count() != 1 || value == nullptr) return std::nullopt;
  return map_each(*value, kFunction);
}
double absolute(double value) {
  return std::fabs(value);
}
double ceiling(double value) {
  return std::ceil(value);
}
double floor_of(double value) {
  return std::floor(value);
}
double natural_logarithm(double value) {
  return std::log(value);
}
double decimal_logarithm(double value) {
  return std::log10(value);
}

// ---- Of a series, or of each of an array ----

template <class Change>
Called of_each_series(const MathValue* value, Change change) {
  if (value == nullptr) return std::nullopt;
  if (const auto* series = std::get_if<MathSeries>(value)) return change(*series);
  const auto* array = std::get_if<MathArray>(value);
  if (array == nullptr) return std::nullopt;
  MathArray result;
  for (const MathSeries& series : *array) result.push_back(change(series));
  return result;
}

using Step = double (*)(const MathPoint& before, const MathPoint& point);

double difference(const MathPoint& before, const MathPoint& point) {
  return point.value - before.value;
}
double seconds_between(const MathPoint& before, const MathPoint& point) {
  return static_cast<double>(point.at - before.at);
}
double rate_between(const MathPoint& before, const MathPoint& point) {
  return difference(before, point) / seconds_between(before, point);
}

template <Step kStep>
Called of_neighbours(const MathCall& call) {
  if (call.count() != 1) return std::nullopt;
  return of_each_series(call.value(0), [](const MathSeries& series) {
    MathSeries result{.label = series.label, .period = series.period};
    for (size_t i = 1; i < series.points.size(); ++i) {
      result.add(series.points[i].at, kStep(series.points[i - 1], series.points[i]));
    }
    return result;
  });
}

Called running_sum(const MathCall& call) {
  if (call.count() != 1) return std::nullopt;
  return of_each_series(call.value(0), [](const MathSeries& series) {
    double sum = 0;
    return mapped(series, [&sum](double value) { return sum += value; });
  });
}

// Without gaps: `value_at` is asked of each period of the window.
template <class ValueAt>
MathSeries dense_series(const MathSeries& like, const Window& window, ValueAt value_at) {
  MathSeries result{.label = like.label, .period = like.period};
  int64_t start = window.start - window.start % like.period;
  for (int64_t at = start; at < window.end; at += like.period) result.add(at, value_at(at));
  return result;
}

using Calendar = double (*)(int64_t at);

template <Calendar kCalendar>
Called by_calendar(const MathCall& call) {
  if (call.count() != 1) return std::nullopt;
  return of_each_series(call.value(0), [&](const MathSeries& series) {
    return dense_series(series, call.scope.window, kCalendar);
  });
}

constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 24 * kHour;

std::chrono::sys_days day_of(int64_t at) {
  return std::chrono::sys_days(std::chrono::days(at / kDay));
}
double minute_at(int64_t at) {
  return static_cast<double>(at % kHour / kMinute);
}
double hour_at(int64_t at) {
  return static_cast<double>(at % kDay / kHour);
}
double weekday_at(int64_t at) {  // Monday is 1
  return std::chrono::weekday(day_of(at)).iso_encoding();
}
double date_at(int64_t at) {
  return unsigned{std::chrono::year_month_day(day_of(at)).day()};
}
double month_at(int64_t at) {
  return unsigned{std::chrono::year_month_day(day_of(at)).month()};
}
double year_at(int64_t at) {
  return int{std::chrono::year_month_day(day_of(at)).year()};
}
double epoch_at(int64_t at) {
  return static_cast<double>(at);
}

// ---- FILL ----

std::vector<MathPoint>::const_iterator not_before(const MathSeries& series, int64_t at) {
  return std::ranges::lower_bound(series.points, at, {}, &MathPoint::at);
}

double find_at(const MathSeries& series, int64_t at) {
  auto found = not_before(series, at);
  return found != series.points.end() && found->at == at ? found->value : kNoNumber;
}

double repeated_at(const MathSeries& series, int64_t at) {
  auto after = not_before(series, at);
  return after == series.points.begin() ? kNoNumber : std::prev(after)->value;
}

double interpolated_at(const MathSeries& series, int64_t at) {
  auto after = not_before(series, at);
  if (after == series.points.begin() || after == series.points.end()) return kNoNumber;
  auto before = std::prev(after);
  double share = static_cast<double>(at - before->at) / static_cast<double>(after->at - before->at);
  return before->value + share * (after->value - before->value);
}

template <class Filler>
MathSeries fill_with(const MathSeries& series, const Window& window, Filler filler) {
  return dense_series(series, window, [&](int64_t at) {
    double there = find_at(series, at);
    return std::isnan(there) ? filler(at) : there;
  });
}

Called fill(const MathCall& call) {
  bool is_repeat = call.word(1) == "REPEAT";
  bool is_linear = call.word(1) == "LINEAR";
  const auto* number = call.get<double>(1);
  const auto* other = call.get<MathSeries>(1);
  bool is_known = is_repeat || is_linear || number != nullptr || other != nullptr;
  if (call.count() != 2 || !is_known) return std::nullopt;
  return of_each_series(call.value(0), [&](const MathSeries& series) {
    return fill_with(series, call.scope.window, [&](int64_t at) {
      if (is_repeat) return repeated_at(series, at);
      if (is_linear) return interpolated_at(series, at);
      return number != nullptr ? *number : find_at(*other, at);
    });
  });
}

// ---- Arrays ----

Called first(const MathCall& call) {
  const auto* array = call.get<MathArray>(0);
  if (call.count() != 1 || array == nullptr) return std::nullopt;
  return array->empty() ? MathSeries() : array->front();
}

Called last(const MathCall& call) {
  const auto* array = call.get<MathArray>(0);
  if (call.count() != 1 || array == nullptr) return std::nullopt;
  return array->empty() ? MathSeries() : array->back();
}

Called metric_count(const MathCall& call) {
  const auto* array = call.get<MathArray>(0);
  if (call.count() != 1 || array == nullptr) return std::nullopt;
  return static_cast<double>(array->size());
}

Called remove_empty(const MathCall& call) {
  const auto* array = call.get<MathArray>(0);
  if (call.count() != 1 || array == nullptr) return std::nullopt;
  MathArray result = *array;
  std::erase_if(result, [](const MathSeries& series) { return series.points.empty(); });
  return result;
}

// As far as there are elements; what is no number is 0.
size_t index_of(double number, size_t size) {
  if (!(number > 0)) return 0;
  return number < static_cast<double>(size) ? static_cast<size_t>(number) : size;
}

Called slice(const MathCall& call) {
  const auto* array = call.get<MathArray>(0);
  const auto* from = call.get<double>(1);
  const auto* to = call.get<double>(2);
  bool is_known = array != nullptr && from != nullptr && (call.count() == 2 || to != nullptr);
  if (!is_known || call.count() > 3) return std::nullopt;
  size_t begin = index_of(*from, array->size());
  if (to == nullptr) return begin < array->size() ? (*array)[begin] : MathSeries();
  size_t end = std::max(begin, index_of(*to, array->size()));
  return MathArray(array->begin() + static_cast<std::ptrdiff_t>(begin),
                   array->begin() + static_cast<std::ptrdiff_t>(end));
}

Fold fold_named(std::string_view name) {
  if (name == "AVG") return average_of;
  if (name == "MIN") return least_of;
  if (name == "MAX") return greatest_of;
  return name == "SUM" ? sum_of : nullptr;
}

// Series without figures are behind the others.
Called sort(const MathCall& call) {
  const auto* array = call.get<MathArray>(0);
  Fold fold = fold_named(call.word(1));
  bool is_descending = call.word(2) == "DESC";
  bool is_known = array != nullptr && fold != nullptr && (is_descending || call.word(2) == "ASC");
  const auto* most = call.get<double>(3);
  if (!is_known || call.count() > 4 || (call.count() == 4) != (most != nullptr)) {
    return std::nullopt;
  }
  std::vector<std::pair<double, const MathSeries*>> order;
  for (const MathSeries& series : *array) {
    double key = series.points.empty() ? std::numeric_limits<double>::infinity()
                                       : fold_series(series, fold) * (is_descending ? -1 : 1);
    order.emplace_back(key, &series);
  }
  std::ranges::stable_sort(order, {}, &std::pair<double, const MathSeries*>::first);
  if (most != nullptr) order.resize(index_of(*most, order.size()));
  MathArray result;
  for (const auto& [key, series] : order) result.push_back(*series);
  return result;
}

Called metrics_named(const MathCall& call) {
  if (call.count() == 0) return call.scope.metrics("");
  bool is_text = call.arguments[0].term->kind == MathTerm::Kind::kText;
  if (call.count() != 1 || !is_text) return std::nullopt;
  return call.scope.metrics(call.arguments[0].term->text);
}

// ---- Others ----

Called period(const MathCall& call) {
  const auto* series = call.get<MathSeries>(0);
  if (call.count() != 1 || series == nullptr) return std::nullopt;
  return static_cast<double>(series->period);
}

Called time_series(const MathCall& call) {
  const auto* number = call.get<double>(0);
  if (call.count() != 1 || number == nullptr) return std::nullopt;
  return constant_series(*number, call.scope.window);
}

bool holds(double condition) {
  return condition != 0 && !std::isnan(condition);
}

double value_at(const MathValue& value, int64_t at) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return find_at(std::get<MathSeries>(value), at);
}

// None of them is an array. Without `otherwise`, nothing is there where the condition does not
// hold.
MathValue choose_one(const MathValue& condition, const MathValue& then, const MathValue* otherwise,
                     const Window& window) {
  if (const auto* series = std::get_if<MathSeries>(&condition)) {
    MathSeries result{.label = series->label, .period = series->period};
    for (const MathPoint& point : series->points) {
      const MathValue* chosen = holds(point.value) ? &then : otherwise;
      if (chosen != nullptr) result.add(point.at, value_at(*chosen, point.at));
    }
    return result;
  }
  bool does_hold = holds(std::get<double>(condition));
  const MathValue* chosen = does_hold ? &then : otherwise;
  bool is_number = std::holds_alternative<double>(then) && otherwise != nullptr &&
                   std::holds_alternative<double>(*otherwise);
  if (is_number) return *chosen;
  if (chosen == nullptr) return MathSeries{.period = window.period};
  const auto* number = std::get_if<double>(chosen);
  return number != nullptr ? constant_series(*number, window) : *chosen;
}

// One of them may be an array: then it is a choice for each of its series.
Called choose(const MathCall& call) {
  if (call.count() != 2 && call.count() != 3) return std::nullopt;
  std::array<const MathValue*, 3> values{};
  std::optional<size_t> array_at;
  for (size_t i = 0; i < call.count(); ++i) {
    values[i] = call.value(i);
    bool is_array = call.get<MathArray>(i) != nullptr;
    if (values[i] == nullptr || (is_array && array_at)) return std::nullopt;
    if (is_array) array_at = i;
  }
  if (!array_at) return choose_one(*values[0], *values[1], values[2], call.scope.window);
  MathArray result;
  for (const MathSeries& series : std::get<MathArray>(*values[*array_at])) {
    MathValue element = series;
    std::array<const MathValue*, 3> with_element = values;
    with_element[*array_at] = &element;
    MathValue chosen =
        choose_one(*with_element[0], *with_element[1], with_element[2], call.scope.window);
    result.push_back(std::get<MathSeries>(std::move(chosen)));
    result.back().label = series.label;
  }
  return result;
}

struct FunctionEntry {
  std::string_view name;
  std::string_view takes;
  Called (*function)(const MathCall&);
  bool is_dense = false;
};

constexpr std::string_view kSeriesOrArray = "(TS or TS[])";

constexpr auto kMathFunctions = std::to_array<FunctionEntry>({
    {"ABS", "(S, TS or TS[])", of_each_value<absolute>},
    {"AVG", kSeriesOrArray, aggregate<average_of>},
    {"CEIL", "(S, TS or TS[])", of_each_value<ceiling>},
    {"DATAPOINT_COUNT", kSeriesOrArray, aggregate<count_of>},
    {"DATE", kSeriesOrArray, by_calendar<date_at>, true},
    {"DAY", kSeriesOrArray, by_calendar<weekday_at>, true},
    {"DIFF", kSeriesOrArray, of_neighbours<difference>},
    {"DIFF_TIME", kSeriesOrArray, of_neighbours<seconds_between>},
    {"EPOCH", kSeriesOrArray, by_calendar<epoch_at>, true},
    {"FILL", "(TS or TS[]; S, TS, REPEAT or LINEAR)", fill, true},
    {"FIRST", "(TS[])", first},
    {"FLOOR", "(S, TS or TS[])", of_each_value<floor_of>},
    {"HOUR", kSeriesOrArray, by_calendar<hour_at>, true},
    {"IF", "(condition, value, other value), of which one may be TS[]", choose, true},
    {"LAST", "(TS[])", last},
    {"LOG", "(S, TS or TS[])", of_each_value<natural_logarithm>},
    {"LOG10", "(S, TS or TS[])", of_each_value<decimal_logarithm>},
    {"MAX", kSeriesOrArray, aggregate<greatest_of>},
    {"METRICS", "() or a text in quotes", metrics_named},
    {"METRIC_COUNT", "(TS[])", metric_count},
    {"MIN", kSeriesOrArray, aggregate<least_of>},
    {"MINUTE", kSeriesOrArray, by_calendar<minute_at>, true},
    {"MONTH", kSeriesOrArray, by_calendar<month_at>, true},
    {"PERIOD", "(TS)", period},
    {"RATE", kSeriesOrArray, of_neighbours<rate_between>},
    {"REMOVE_EMPTY", "(TS[])", remove_empty},
    {"RUNNING_SUM", kSeriesOrArray, running_sum},
    {"SLICE", "(TS[], S) or (TS[], S, S)", slice},
    {"SORT", "(TS[]; AVG, MIN, MAX or SUM; ASC or DESC) and S", sort},
    {"STDDEV", kSeriesOrArray, aggregate<deviation_of>},
    {"SUM", kSeriesOrArray, aggregate<sum_of>},
    {"TIME_SERIES", "(S)", time_series, true},
    {"YEAR", kSeriesOrArray, by_calendar<year_at>, true},
});

// Those of CloudWatch's that need what is not here.
constexpr std::array<std::string_view, 5> kMathElsewhere = {
    "ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SERVICE_QUOTA"};

std::string types_of(const std::vector<MathArgument>& arguments) {
  std::string types;
  for (const MathArgument& argument : arguments) {
    if (!types.empty()) types += ", ";
    types += argument.value ? type_of(*argument.value) : argument.term->text;
  }
  return types;
}

}  // namespace

MathSeries constant_series(double value, const Window& window) {
  return dense_series({.period = window.period}, window, [value](int64_t) { return value; });
}

MathValue map_each(const MathValue& value, const MathFunction& function) {
  if (const auto* number = std::get_if<double>(&value)) return function(*number);
  if (const auto* series = std::get_if<MathSeries>(&value)) return mapped(*series, function);
  MathArray result;
  for (const MathSeries& series : std::get<MathArray>(value)) {
    result.push_back(mapped(series, function));
  }
  return result;
}

bool is_dense_math(const std::string& name) {
  const auto* found = std::ranges::find(kMathFunctions, name, &FunctionEntry::name);
  return found != kMathFunctions.end() && found->is_dense;
}

Result<MathValue> call_math(const std::string& name, const std::vector<MathArgument>& arguments,
                            const MathScope& scope) {
  const auto* found = std::ranges::find(kMathFunctions, name, &FunctionEntry::name);
  if (found == kMathFunctions.end()) {
    bool is_elsewhere = std::ranges::find(kMathElsewhere, name) != kMathElsewhere.end();
    if (is_elsewhere) return fail(Errc::kUnsupported, "the function {} is not supported", name);
    return fail(Errc::kInvalid, "there is no function {}", name);
  }
  auto value = found->function({arguments, scope});
  if (value) return std::move(*value);
  return fail(Errc::kInvalid, "{} takes {}, not ({})", name, found->takes, types_of(arguments));
}

}  // namespace berth::metrics
