#include "metrics/math_value.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace berth::metrics {

void MathSeries::add(int64_t at, double value) {
  if (std::isfinite(value)) points.push_back({at, value});
}

const char* type_of(const MathValue& value) {
  if (std::holds_alternative<double>(value)) return "S";
  return std::holds_alternative<MathSeries>(value) ? "TS" : "TS[]";
}

size_t weight_of(const MathValue& value) {
  if (const auto* series = std::get_if<MathSeries>(&value)) return series->points.size() + 1;
  size_t weight = 1;
  if (const auto* array = std::get_if<MathArray>(&value)) {
    for (const MathSeries& series : *array) weight += series.points.size() + 1;
  }
  return weight;
}

MathSeries mapped(const MathSeries& series, const MathFunction& function) {
  MathSeries result{.label = series.label, .period = series.period};
  for (const MathPoint& point : series.points) result.add(point.at, function(point.value));
  return result;
}

MathSeries combined(const MathSeries& left, const MathSeries& right,
                    const MathOperation& operation) {
  MathSeries result{.label = left.label, .period = std::max(left.period, right.period)};
  auto other = right.points.begin();
  for (const MathPoint& point : left.points) {
    while (other != right.points.end() && other->at < point.at) ++other;
    bool has_both = other != right.points.end() && other->at == point.at;
    if (has_both) result.add(point.at, operation(point.value, other->value));
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
