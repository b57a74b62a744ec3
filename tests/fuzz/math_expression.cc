// A metric math expression of a client's: it is refused, or comes to the same type whatever the
// figures are, within its bounds.
#include "metrics/math_expression.h"

#include "base/env.h"
#include "metrics/math_queries.h"
#include "sys/file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

constexpr int64_t kMathBegin = 1700000040;

struct MathWorld {
  MathWorld() {
    for (const char* id : {"m1", "m2", "none"}) {
      metrics::MathQuery query{.id = id, .is_returned = false};
      query.stat = metrics::MetricStat{.metric = {"App", id, {}}, .statistic = "Sum"};
      queries.push_back(query);
      metrics::Datum datum{.name = query.stat->metric, .at = kMathBegin};
      datum.statistics = metrics::statistics_of(id[1] - '0', 1);
      std::vector<metrics::Datum> data = {datum, datum};
      data[1].at += 180;
      if (id[0] == 'm') CHECK(store.add(data, metrics::Durability::kWritten, now));
    }
  }
  const WallTime now{std::chrono::seconds(kMathBegin)};
  sys::TemporaryDirectory directory = sys::TemporaryDirectory::make("/tmp", "berth-math-").value();
  metrics::MetricStore store = metrics::MetricStore::open(directory.path(), now).value();
  metrics::MathQueries queries{};
};

}  // namespace

void math_expression(std::string_view text) {
  static const MathWorld kWorld;
  auto expression = metrics::MathExpression::parse(text);
  if (!check_result(expression)) return;
  metrics::MathQueries queries = kWorld.queries;
  queries.push_back({.id = "e", .is_returned = false, .expression_text = std::string(text)});
  queries.back().expression = std::move(*expression);
  metrics::Window window{.start = kMathBegin, .end = kMathBegin + 600};
  auto value = metrics::evaluate_queries(queries, &kWorld.store, window);
  auto without = metrics::evaluate_queries(queries, nullptr, window);
  CHECK(value.has_value() == without.has_value());
  if (!check_result(value)) return;
  CHECK(value->at("e").index() == without->at("e").index());
  CHECK(metrics::weight_of(value->at("e")) <= metrics::kMathWeightMax);
}

}  // namespace berth::fuzz
