#include "metrics/math_value.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace berth::metrics {
namespace {

constexpr size_t kSeriesWeight = 20;
constexpr size_t kPointBytes = sizeof(MathPoint);

size_t weight_of_series(const MathSeries& series) {
  return series.points.size() + kSeriesWeight + weight_of_labels(series.label, 1);
}

}  // namespace

void MathSeries::add(int64_t at, double value) {
  if (std::isfinite(value)) points.push_back({at, value});
}

const char* type_of(const MathValue& value) {
  if (std::holds_alternative<double>(value)) return "S";
  return std::holds_alternative<MathSeries>(value) ? "TS" : "TS[]";
}

size_t weight_of(const MathValue& value) {
  if (const auto* series = std::get_if<MathSeries>(&value)) return weight_of_series(*series);
  size_t weight = 1;
  if (const auto* array = std::get_if<MathArray>(&value)) {
    for (const MathSeries& series : *array) weight += weight_of_series(series);
  }
  return weight;
}

size_t weight_of_labels(const std::string& label, size_t series) {
  return series * (label.size() / kPointBytes);
}

MathSeries mapped(const MathSeries& series, const MathFunction& function) {
  MathSeries result{.label = series.label, .period = series.period};
  for (const MathPoint& point : series.points) result.add(point.at, function(point.value));
  return result;
}

// By leaps: of a long series and one with few figures only a little is looked at.
MathSeries combined(const MathSeries& left, const MathSeries& right,
                    const MathOperation& operation) {
  MathSeries result{.label = left.label, .period = std::max(left.period, right.period)};
  auto a = left.points.begin();
  auto b = right.points.begin();
  while (a != left.points.end() && b != right.points.end()) {
    if (a->at < b->at) {
      a = std::ranges::lower_bound(a, left.points.end(), b->at, {}, &MathPoint::at);
    } else if (b->at < a->at) {
      b = std::ranges::lower_bound(b, right.points.end(), a->at, {}, &MathPoint::at);
    } else {
      result.add(a->at, operation(a->value, b->value));
      ++a;
      ++b;
    }
  }
  return result;
}

MathSeries folded(const MathArray& array,
                  const std::function<double(const std::vector<double>&)>& fold) {
  MathSeries result{.period = array.empty() ? 60 : array.front().period};
  std::map<int64_t, std::vector<double>> values;
  for (const MathSeries& series : array) {
    result.period = std::max(result.period, series.period);
    for (const MathPoint& point : series.points) values[point.at].push_back(point.value);
  }
  for (const auto& [at, there] : values) result.add(at, fold(there));
  return result;
}

}  // namespace berth::metrics
