// SEARCH() of metric math.
#include "metrics/metric_search.h"

#include "metrics/math_queries.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kSearchNow = 1700000040;

class MetricSearchTest : public testing::Test {
 protected:
  MetricSearchTest() {
    add({"AWS/ECS", "CPUUtilization", {{"ClusterName", "default"}}}, 1);
    add({"AWS/ECS", "CPUUtilization", {{"ClusterName", "default"}, {"ServiceName", "web-1"}}}, 2);
    add({"AWS/ECS", "CPUUtilization", {{"ClusterName", "default"}, {"ServiceName", "web-2"}}}, 3);
    add({"AWS/ECS", "MemoryUtilization", {{"ClusterName", "default"}, {"ServiceName", "web-1"}}},
        4);
    add({"My App", "HTTPErrors5xx", {{"Host", "a"}}}, 5);
  }
  void add(const MetricName& name, double value) {
    Datum datum{.name = name, .at = kSearchNow - 60};
    datum.statistics = statistics_of(value, 1);
    ASSERT_TRUE(store_.add({datum}, Durability::kWritten, now_));
  }
  Result<MathArray> computed(const std::string& expression, const MetricStore* store) {
    MathQueries queries = {{.id = "e", .expression_text = expression}};
    queries[0].expression = MathExpression::parse(expression).value();
    auto values = evaluate_queries(queries, store, {.start = kSearchNow - 60, .end = kSearchNow});
    if (!values) return tl::unexpected(values.error());
    return std::get<MathArray>(values->at("e"));
  }
  // The figures of the metrics that it finds.
  std::vector<double> found(const std::string& text) {
    auto array = computed("SEARCH('" + text + "', 'Sum', 60)", &store_);
    EXPECT_TRUE(array) << text << ": " << array.error().text;
    std::vector<double> figures;
    for (const MathSeries& series : array.value_or(MathArray())) {
      figures.push_back(series.points.at(0).value);
    }
    return figures;
  }

  const WallTime now_{std::chrono::seconds(kSearchNow)};
  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-search-").value();
  MetricStore store_ = MetricStore::open(directory_.path(), now_).value();
};

TEST_F(MetricSearchTest, FindsByNamespaceDimensionsAndTerms) {
  EXPECT_THAT(found("{AWS/ECS,ClusterName}"), ElementsAre(1));
  EXPECT_THAT(found("{AWS/ECS, ServiceName, ClusterName} "), ElementsAre(2, 3, 4));
  EXPECT_THAT(found("{AWS/ECS,ClusterName,ServiceName} CPUUtilization"), ElementsAre(2, 3));
  EXPECT_THAT(found("{AWS/ECS,ServiceName}"), IsEmpty()) << "just these dimensions";
  EXPECT_THAT(found("{\"My App\",Host}"), ElementsAre(5));
  EXPECT_THAT(found("{My App,\"Host\"} errors"), ElementsAre(5));
  EXPECT_THAT(found("utilization"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(found("cpu web"), ElementsAre(2, 3));
  EXPECT_THAT(found("web-1"), ElementsAre(2, 4));
  EXPECT_THAT(found("\"CPUUtilization\""), ElementsAre(1, 2, 3));
  EXPECT_THAT(found("\"cpu\""), IsEmpty()) << "in quotes it is all of a name";
  EXPECT_THAT(found("util"), IsEmpty()) << "parts of names, not any letters";
  EXPECT_THAT(found("http 5"), ElementsAre(5));
  EXPECT_THAT(found("ServiceName cpu"), ElementsAre(2, 3)) << "names of dimensions";
}

TEST_F(MetricSearchTest, TermsMayBeCombinedAndOfOneProperty) {
  EXPECT_THAT(found("MetricName=\"CPUUtilization\" ServiceName=web-2"), ElementsAre(3));
  EXPECT_THAT(found("MetricName=(memory OR errors)"), ElementsAre(4, 5));
  EXPECT_THAT(found("ServiceName=(web NOT 1)"), ElementsAre(3));
  EXPECT_THAT(found("ClusterName=web"), IsEmpty());
  EXPECT_THAT(found("Namespace=\"My App\""), ElementsAre(5));
  EXPECT_THAT(found("memory OR cpu AND \"web-2\""), ElementsAre(3, 4)) << "AND binds closer";
  EXPECT_THAT(found("(memory OR cpu) \"web-1\""), ElementsAre(2, 4));
  EXPECT_THAT(found("{AWS/ECS,ClusterName,ServiceName} NOT cpu"), ElementsAre(4));
}

TEST_F(MetricSearchTest, IsAnArrayOfExpressions) {
  auto total = computed("SEARCH('MetricName=CPUUtilization web', 'Sum')", &store_);
  ASSERT_TRUE(total) << total.error().text;
  ASSERT_EQ(total->size(), 2U);
  EXPECT_EQ(total->at(0).period, kFiveMinutes) << "of a request about no other metric";
  total =
      computed("SORT(SEARCH('MetricName=CPUUtilization web', 'Sum', 60) * 10, MAX, DESC)", &store_);
  ASSERT_TRUE(total) << total.error().text;
  ASSERT_EQ(total->size(), 2U);
  EXPECT_EQ(total->at(0).label, "web-2");
  EXPECT_EQ(total->at(0).points[0].value, 30);
  EXPECT_THAT(labels_of({MetricName{"a", "x", {{"k", "1"}}}, MetricName{"a", "y", {}}}),
              ElementsAre("1 x", "y"));
  EXPECT_THAT(labels_of({MetricName{"a", "x", {}}}), ElementsAre("x"));
}

TEST_F(MetricSearchTest, WhatIsWrongIsSaidWithoutFiguresToo) {
  for (const auto& [arguments, why] : std::map<std::string, std::string>{
           {"'', 'Sum', 60", "expected {namespace,dimension} or a term"},
           {"'{AWS/ECS', 'Sum', 60", "expected ',' or '}'"},
           {"'{,a}', 'Sum', 60", "expected a name"},
           {"'(cpu', 'Sum', 60", "a term or ')'"},
           {"'cpu)', 'Sum', 60", "expected a term at character 4"},
           {"'cpu AND', 'Sum', 60", "expected a term"},
           {"'NOT', 'Sum', 60", "expected a term"},
           {"'a=b=c', 'Sum', 60", "expected a term"},
           {"'a=(b=c)', 'Sum', 60", "expected a term"},
           {"'\"cpu', 'Sum', 60", "'\"' at the end"},
           {"'" + std::string(kSearchDepthMax + 1, '(') + "', 'Sum', 60", "nested deeper than 50"},
           {"'cpu', 'Median', 60", "'Median' is no statistic"},
           {"'cpu', 'Sum', 90", "a multiple of 60"},
           {"'cpu'", "a search and a statistic in quotes"},
           {"cpu, 'Sum', 60", "Undefined metric id 'cpu'"}}) {
    for (const MetricStore* store : {&store_, static_cast<MetricStore*>(nullptr)}) {
      auto refused = computed("SEARCH(" + arguments + ")", store);
      ASSERT_FALSE(refused) << arguments;
      EXPECT_THAT(refused.error().text, HasSubstr(why)) << arguments;
    }
  }
}

}  // namespace
}  // namespace berth::metrics
