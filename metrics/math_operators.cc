// The operators of metric math.
#include "metrics/math_functions.h"

#include <cmath>
#include <map>
#include <utility>

namespace berth::metrics {
namespace {

const MathOperation& operation_of(const std::string& sign) {
  static const std::map<std::string, MathOperation> kOperations = {
      {"+", [](double a, double b) { return a + b; }},
      {"-", [](double a, double b) { return a - b; }},
      {"*", [](double a, double b) { return a * b; }},
      {"/", [](double a, double b) { return a / b; }},
      {"^", [](double a, double b) { return std::pow(a, b); }},
      {"==", [](double a, double b) { return a == b ? 1.0 : 0.0; }},
      {"!=", [](double a, double b) { return a != b ? 1.0 : 0.0; }},
      {"<", [](double a, double b) { return a < b ? 1.0 : 0.0; }},
      {"<=", [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
      {">", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
      {">=", [](double a, double b) { return a >= b ? 1.0 : 0.0; }},
      {"AND", [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; }},
      {"OR", [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; }},
  };
  return kOperations.at(sign);
}

// Of a number that is none nothing comes out: a comparison would make one of it.
MathOperation strict(const MathOperation& operation) {
  return [operation](double a, double b) {
    return std::isfinite(a) && std::isfinite(b) ? operation(a, b) : std::nan("");
  };
}

MathValue operate_on(const MathOperation& operation, const MathValue& left,
                     const MathSeries& right) {
  if (const auto* series = std::get_if<MathSeries>(&left)) {
    return combined(*series, right, operation);
  }
  double number = std::get<double>(left);
  return mapped(right, [&](double value) { return operation(number, value); });
}

MathOperation turned(const MathOperation& operation) {
  return [operation](double a, double b) { return operation(b, a); };
}

}  // namespace

Result<MathValue> operate(const std::string& sign, const MathValue& left, const MathValue& right) {
  MathOperation operation = strict(operation_of(sign));
  const auto* right_number = std::get_if<double>(&right);
  if (right_number != nullptr) {
    return map_each(left, [&](double value) { return operation(value, *right_number); });
  }
  const auto* left_array = std::get_if<MathArray>(&left);
  const auto* right_array = std::get_if<MathArray>(&right);
  if (left_array != nullptr && right_array != nullptr) {
    return fail(Errc::kInvalid, "Unsupported operand type(s) for {}: TS[] and TS[]", sign);
  }
  if (left_array == nullptr && right_array == nullptr) {
    return operate_on(operation, left, std::get<MathSeries>(right));
  }
  MathArray result;
  for (const MathSeries& series : left_array != nullptr ? *left_array : *right_array) {
    MathValue value = left_array != nullptr ? operate_on(turned(operation), right, series)
                                            : operate_on(operation, left, series);
    result.push_back(std::get<MathSeries>(std::move(value)));
    result.back().label = series.label;
  }
  return result;
}

}  // namespace berth::metrics
