// MathValue: what an expression is: a number, a series of figures, or an array of series. Pure.
//
// A series is sparse: periods without a figure are left out, and so is whatever comes out as no
// finite number (a division by zero).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace berth::metrics {

struct MathPoint {
  int64_t at = 0;  // seconds; when the period began
  double value = 0;
  bool operator==(const MathPoint&) const = default;
};

struct MathSeries {
  std::string label{};
  int64_t period = 60;              // seconds
  std::vector<MathPoint> points{};  // by time

  // Unless it is no finite number. Times are added in their order.
  void add(int64_t at, double value);
};

using MathArray = std::vector<MathSeries>;
using MathValue = std::variant<double, MathSeries, MathArray>;

// "S", "TS", "TS[]", as CloudWatch's documents call them.
const char* type_of(const MathValue& value);
// What it takes, in points: a series has some more, and its label.
size_t weight_of(const MathValue& value);
// Of a label that each of so many series gets.
size_t weight_of_labels(const std::string& label, size_t series);

using MathFunction = std::function<double(double)>;
using MathOperation = std::function<double(double, double)>;

MathSeries mapped(const MathSeries& series, const MathFunction& function);
// At the times that both have.
MathSeries combined(const MathSeries& left, const MathSeries& right,
                    const MathOperation& operation);
// Of each time at least one series has: what `fold` makes of the values that are there.
MathSeries folded(const MathArray& array,
                  const std::function<double(const std::vector<double>&)>& fold);

}  // namespace berth::metrics
