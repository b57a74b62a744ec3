// The functions of metric math. Pure.
//
//   of each value       ABS CEIL FLOOR LOG LOG10
//   of one series, or of each of an array
//                       RATE DIFF DIFF_TIME RUNNING_SUM FILL MINUTE HOUR DAY DATE MONTH YEAR EPOCH
//   of one series a number, of an array a series
//                       AVG SUM MIN MAX STDDEV DATAPOINT_COUNT
//   of arrays           FIRST LAST SLICE SORT REMOVE_EMPTY METRIC_COUNT METRICS
//   others              IF PERIOD TIME_SERIES
//
// Types do not hang on figures: an expression that is refused is refused of any figures.
#pragma once

#include "base/result.h"
#include "metrics/math_expression.h"
#include "metrics/math_value.h"
#include "metrics/metric_store.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace berth::metrics {

// What a function may know besides its arguments.
struct MathScope {
  Window window{};  // aligned; `period` is that of series that come of no others
  // The series of the metrics whose id contains the text.
  std::function<MathArray(const std::string& text)> metrics{};
};

// An argument: a value, or a text or word.
struct MathArgument {
  const MathTerm* term = nullptr;
  std::optional<MathValue> value{};  // nothing of texts and words
};

// Whether it fills gaps: what it makes of a series may have a point in each period.
bool is_dense_math(const std::string& name);
// kUnsupported of a function of CloudWatch's that is not here, kInvalid of one that there is not,
// and of arguments that it does not take.
Result<MathValue> call_math(const std::string& name, const std::vector<MathArgument>& arguments,
                            const MathScope& scope);
// kInvalid of two arrays.
Result<MathValue> operate(const std::string& sign, const MathValue& left, const MathValue& right);
// With each value of it; a number or series become what an array's elements become.
MathValue map_each(const MathValue& value, const MathFunction& function);
// A series that has the value in each period of the window.
MathSeries constant_series(double value, const Window& window);

}  // namespace berth::metrics
