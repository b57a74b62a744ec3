// Metric math: what is written, what comes out.
#include "base/env.h"
#include "metrics/math_functions.h"
#include "metrics/math_queries.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <functional>
#include <set>

namespace berth::metrics {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int64_t kMathStart = 1700000040;  // a Tuesday, 2023-11-14 22:14
constexpr double kGap = -1;                 // of a row: no figure

MathQuery expression(const std::string& id, const std::string& text) {
  MathQuery query{.id = id, .expression_text = text};
  query.expression = MathExpression::parse(text).value();
  return query;
}

class MathTest : public testing::Test {
 protected:
  // A metric of that id with a figure a minute.
  void metric(const std::string& id, const std::vector<double>& row, int64_t period = 60) {
    MathQuery query{.id = id, .is_returned = false};
    query.stat = MetricStat{.metric = {"App", id, {}}, .statistic = "Sum", .period = period};
    queries_.push_back(query);
    std::vector<Datum> data;
    for (size_t i = 0; i < row.size(); ++i) {
      if (row[i] == kGap) continue;
      Datum datum{.name = query.stat->metric, .at = kMathStart + static_cast<int64_t>(i) * 60};
      datum.statistics = statistics_of(row[i], 1);
      data.push_back(datum);
    }
    ASSERT_TRUE(store_.add(data, Durability::kWritten, now_));
  }

  Result<MathValue> evaluated(const std::string& text, const MetricStore* store) {
    auto parsed = MathExpression::parse(text);
    if (!parsed) return tl::unexpected(parsed.error());
    MathQueries queries = queries_;
    queries.push_back(expression("e", text));
    queries.back().is_returned = false;
    auto values = evaluate_queries(queries, store, window_);
    if (!values) return tl::unexpected(values.error());
    return values->at("e");
  }
  // The same in words: "7", "1 2 _ 4", "[1 2, 3 4]"; or what is wrong.
  std::string value(const std::string& text) {
    auto found = evaluated(text, &store_);
    auto without = evaluated(text, nullptr);
    if (!found) {
      EXPECT_FALSE(without) << "refused whatever the figures are: " << text;
      return found.error().text;
    }
    EXPECT_STREQ(type_of(*found), type_of(without.value())) << text;
    if (const auto* number = std::get_if<double>(&*found)) return fmt::format("{:g}", *number);
    if (const auto* series = std::get_if<MathSeries>(&*found)) return row_of(*series);
    std::string all;
    for (const MathSeries& series : std::get<MathArray>(*found)) {
      all += (all.empty() ? "" : ", ") + row_of(series);
    }
    return "[" + all + "]";
  }
  std::string row_of(const MathSeries& series) const {
    std::string row;
    auto point = series.points.begin();
    for (int64_t at = window_.start; at < window_.end; at += 60) {
      bool is_there = point != series.points.end() && point->at == at;
      row += (row.empty() ? "" : " ") + (is_there ? fmt::format("{:g}", point->value) : "_");
      if (is_there) ++point;
    }
    EXPECT_EQ(point, series.points.end()) << "all are within the window, by time";
    return row;
  }

  const WallTime now_{std::chrono::seconds(kMathStart + 600)};
  sys::TemporaryDirectory directory_ = sys::TemporaryDirectory::make("/tmp", "berth-math-").value();
  MetricStore store_ = MetricStore::open(directory_.path(), now_).value();
  Window window_{.start = kMathStart, .end = kMathStart + 240};
  MathQueries queries_;
};

TEST_F(MathTest, OperatorsBindAsInArithmetic) {
  for (const auto& [text, wanted] :
       std::map<std::string, std::string>{{"1 + 2 * 3", "7"},
                                          {"(1 + 2) * 3", "9"},
                                          {"10 - 4 - 3", "3"},
                                          {"12 / 3 / 2", "2"},
                                          {"2 ^ 3 ^ 2", "512"},
                                          {"-2 ^ 2", "-4"},
                                          {"2 ^ -1", "0.5"},
                                          {"2 * -3", "-6"},
                                          {"--1", "1"},
                                          {"1.5e1 + .5", "15.5"},
                                          {"1 + 1 == 2", "1"},
                                          {"1 < 2 == 1", "1"},
                                          {"3 != 3", "0"},
                                          {"3 >= 3 AND 2 <= 1", "0"},
                                          {"1 > 2 OR 2 > 1 && 0", "0"},
                                          {"1 || 0 AND 0", "1"},
                                          {"5 AND 7", "1"},
                                          {"ABS(-3) + CEIL(1.2) + FLOOR(1.8)", "6"},
                                          {"LOG10(1000)", "3"},
                                          {"LOG(1)", "0"}}) {
    EXPECT_EQ(value(text), wanted) << text;
  }
}

TEST_F(MathTest, SeriesAreCombinedWhereBothHaveFigures) {
  metric("m1", {1, 2, kGap, 4});
  metric("m2", {2, 0, 5, 8});
  EXPECT_EQ(value("m1"), "1 2 _ 4");
  EXPECT_EQ(value("m1 + m2"), "3 2 _ 12");
  EXPECT_EQ(value("m1 / m2"), "0.5 _ _ 0.5") << "no figure of a division by zero";
  EXPECT_EQ(value("m1 * 10 - 1"), "9 19 _ 39");
  EXPECT_EQ(value("10 - m1"), "9 8 _ 6");
  EXPECT_EQ(value("-m1"), "-1 -2 _ -4");
  EXPECT_EQ(value("m1 > 1"), "0 1 _ 1");
  EXPECT_EQ(value("m2 >= 2 AND m1 >= 2"), "0 0 _ 1");
  EXPECT_EQ(value("m1 == m2"), "0 0 _ 0");
  EXPECT_EQ(value("m1 / 0"), "_ _ _ _");
  EXPECT_EQ(value("m1 > 0 / 0"), "_ _ _ _") << "nothing is said of what is no number";
  EXPECT_EQ(value("[m1, m2] * 2"), "[2 4 _ 8, 4 0 10 16]");
  EXPECT_EQ(value("m2 - [m1]"), "[1 -2 _ 4]");
  EXPECT_EQ(value("[m1, m2] - m1"), "[0 0 _ 0, 1 -2 _ 4]");
  EXPECT_EQ(value("[[m1], m2, METRICS(\"2\")]"), "[1 2 _ 4, 2 0 5 8, 2 0 5 8]");
}

TEST_F(MathTest, FiguresOfASeriesBecomeANumberAndThoseOfAnArrayASeries) {
  metric("m1", {1, 2, kGap, 3});
  metric("m2", {5, kGap, kGap, 9});
  EXPECT_EQ(value("SUM(m1)"), "6");
  EXPECT_EQ(value("AVG(m1)"), "2");
  EXPECT_EQ(value("MIN(m1) + MAX(m1)"), "4");
  EXPECT_EQ(value("DATAPOINT_COUNT(m1)"), "3");
  EXPECT_EQ(value("STDDEV(m2)"), "2");
  EXPECT_EQ(value("SUM([m1, m2])"), "6 2 _ 12");
  EXPECT_EQ(value("AVG(METRICS())"), "3 1 _ 6") << "what is missing counts as 0";
  EXPECT_EQ(value("MIN(METRICS())"), "1 2 _ 3");
  EXPECT_EQ(value("MAX(METRICS())"), "5 2 _ 9");
  EXPECT_EQ(value("STDDEV(METRICS())"), "2 1 _ 3");
  EXPECT_EQ(value("DATAPOINT_COUNT(METRICS())"), "2 1 _ 2");
  EXPECT_EQ(value("METRIC_COUNT(METRICS(\"m\"))"), "2");
  EXPECT_EQ(value("SUM(METRICS(\"none\"))"), "_ _ _ _");
  EXPECT_EQ(value("m1 - AVG(m1)"), "-1 0 _ 1");
}

TEST_F(MathTest, SeriesChangeAlongTheTime) {
  metric("m1", {60, 180, kGap, 60});
  EXPECT_EQ(value("DIFF(m1)"), "_ 120 _ -120");
  EXPECT_EQ(value("DIFF_TIME(m1)"), "_ 60 _ 120");
  EXPECT_EQ(value("RATE(m1)"), "_ 2 _ -1");
  EXPECT_EQ(value("RUNNING_SUM(m1)"), "60 240 _ 300");
  EXPECT_EQ(value("RUNNING_SUM([m1, m1 + 1])"), "[60 240 _ 300, 61 242 _ 303]");
  EXPECT_EQ(value("PERIOD(m1)"), "60");
  EXPECT_EQ(value("m1 / PERIOD(m1)"), "1 3 _ 1");
  EXPECT_EQ(value("TIME_SERIES(5)"), "5 5 5 5");
  EXPECT_EQ(value("TIME_SERIES(MAX(m1))"), "180 180 180 180");
}

TEST_F(MathTest, GapsAreFilled) {
  metric("m1", {kGap, 10, kGap, 30});
  metric("m2", {1, 2, 3, kGap});
  EXPECT_EQ(value("FILL(m1, 0)"), "0 10 0 30");
  EXPECT_EQ(value("FILL(m1, REPEAT)"), "_ 10 10 30");
  EXPECT_EQ(value("FILL(m1, LINEAR)"), "_ 10 20 30");
  EXPECT_EQ(value("FILL(m2, REPEAT)"), "1 2 3 3");
  EXPECT_EQ(value("FILL(m2, LINEAR)"), "1 2 3 _");
  EXPECT_EQ(value("FILL(m1, m2)"), "1 10 3 30");
  EXPECT_EQ(value("FILL(METRICS(), MIN(m1))"), "[10 10 10 30, 1 2 3 10]");
  EXPECT_EQ(value("FILL(m1, 1 / 0)"), "_ 10 _ 30");
}

TEST_F(MathTest, ConditionsChoose) {
  metric("m1", {1, 5, kGap, 9});
  metric("m2", {10, 20, 30, kGap});
  EXPECT_EQ(value("IF(m1 > 2, m1)"), "_ 5 _ 9");
  EXPECT_EQ(value("IF(m1 > 2, m1, 0)"), "0 5 _ 9");
  EXPECT_EQ(value("IF(m1 > 2, m2, m1)"), "1 20 _ _");
  EXPECT_EQ(value("IF(m1, 1, 0)"), "1 1 _ 1");
  EXPECT_EQ(value("IF(1, m1, m2)"), "1 5 _ 9");
  EXPECT_EQ(value("IF(0, m1, 7)"), "7 7 7 7");
  EXPECT_EQ(value("IF(0, m1)"), "_ _ _ _");
  EXPECT_EQ(value("IF(2 > 1, 3, 4)"), "3");
  EXPECT_EQ(value("IF(METRICS() > 9, 1, 0)"), "[0 0 _ 0, 1 1 1 _]");
  EXPECT_EQ(value("IF(m1 > 2, METRICS())"), "[_ 5 _ 9, _ 20 _ _]");
  EXPECT_THAT(value("IF(METRICS(), METRICS())"), HasSubstr("IF takes"));
}

TEST_F(MathTest, TimesAreFigures) {
  metric("m1", {1});
  EXPECT_EQ(value("MINUTE(m1)"), "14 15 16 17");
  EXPECT_EQ(value("HOUR(m1)"), "22 22 22 22");
  EXPECT_EQ(value("DAY(m1)"), "2 2 2 2") << "Monday is 1";
  EXPECT_EQ(value("DATE(m1)"), "14 14 14 14");
  EXPECT_EQ(value("MONTH(m1)"), "11 11 11 11");
  EXPECT_EQ(value("YEAR(m1)"), "2023 2023 2023 2023");
  EXPECT_EQ(value("EPOCH(m1) - 1700000000"), "40 100 160 220");
}

TEST_F(MathTest, ArraysAreCutAndSorted) {
  metric("a", {3, 3});
  metric("b", {1, 9});
  metric("c", {});
  metric("d", {2});
  EXPECT_EQ(value("FIRST(METRICS())"), "3 3 _ _");
  EXPECT_EQ(value("LAST(METRICS())"), "2 _ _ _");
  EXPECT_EQ(value("SLICE(METRICS(), 1)"), "1 9 _ _");
  EXPECT_EQ(value("SLICE(METRICS(), 1, 3)"), "[1 9 _ _, _ _ _ _]");
  EXPECT_EQ(value("SLICE(METRICS(), 3, 99)"), "[2 _ _ _]");
  EXPECT_EQ(value("SLICE(METRICS(), 99)"), "_ _ _ _");
  EXPECT_EQ(value("SORT(METRICS(), SUM, DESC)"), "[1 9 _ _, 3 3 _ _, 2 _ _ _, _ _ _ _]");
  EXPECT_EQ(value("SORT(METRICS(), MIN, ASC)"), "[1 9 _ _, 2 _ _ _, 3 3 _ _, _ _ _ _]");
  EXPECT_EQ(value("SORT(METRICS(), MAX, DESC, 1)"), "[1 9 _ _]");
  EXPECT_EQ(value("FIRST(SORT(METRICS(), AVG, ASC))"), "2 _ _ _");
  EXPECT_EQ(value("REMOVE_EMPTY(METRICS())"), "[3 3 _ _, 1 9 _ _, 2 _ _ _]");
  EXPECT_EQ(value("FIRST([])"), "_ _ _ _");
}

TEST_F(MathTest, WhatIsWrongIsSaid) {
  metric("m1", {1});
  for (const auto& [text, why] : std::map<std::string, std::string>{
           {"", "expected a number, an id, a function, '[' or '(' at character 1, not the end"},
           {"m1 +", "at character 5, not the end"},
           {"m1 m1", "expected an operator or the end of the expression at character 4"},
           {"(m1", "expected an operator or ')'"},
           {"[m1", "',' or ']'"},
           {"SUM(m1", "',' or ')'"},
           {"1 = 2", "at character 3"},
           {"12abc", "an operator behind the number"},
           {"METRICS(\"a)", "a quote at its end"},
           {"Load", "an id (it begins with a small letter)"},
           {std::string(kMathDepthMax + 1, '(') + "1", "nested deeper than 100"},
           {std::string(kMathTextMax, ' ') + "1", "may have 2048"},
           {"m2", "Error in expression 'e': Undefined metric id 'm2'"},
           {"e + 1", "it is about itself"},
           {"HYPOT(m1)", "there is no function HYPOT"},
           {"SERVICE_QUOTA(m1)", "the function SERVICE_QUOTA is not supported"},
           {"ANOMALY_DETECTION_BAND(m1)", "is not supported"},
           {"[m1] + [m1]", "Unsupported operand type(s) for +: TS[] and TS[]"},
           {"SUM(1)", "SUM takes (TS or TS[]), not (S)"},
           {"FILL(m1, NEXT)", "an id (it begins"},
           {"FILL(m1, ASC)", "not (TS, ASC)"},
           {"RATE(m1, m1)", "not (TS, TS)"},
           {"IF(m1)", "not (TS)"},
           {"FIRST(m1)", "not (TS)"},
           {"[1]", "an array is of time series"},
           {"REPEAT + 1", "'REPEAT' is no value"},
           {"\"m1\"", "'m1' is no value"},
           {"METRICS(m1)", "not (TS)"}}) {
    EXPECT_THAT(value(text), HasSubstr(why)) << text;
  }
}

TEST_F(MathTest, ExpressionsAreAboutOthersInAnyOrder) {
  metric("m1", {1, 2});
  queries_.push_back(expression("sum", "twice + m1"));
  queries_.push_back(expression("twice", "m1 * 2"));
  queries_.back().label = "Doubled";
  queries_.push_back(expression("all", "METRICS() + 1"));
  queries_.back().label = "More";
  auto values = evaluate_queries(queries_, &store_, window_);
  ASSERT_TRUE(values) << values.error().text;
  EXPECT_EQ(row_of(std::get<MathSeries>(values->at("sum"))), "3 6 _ _");
  EXPECT_EQ(std::get<MathSeries>(values->at("sum")).label, "sum");
  EXPECT_EQ(std::get<MathSeries>(values->at("twice")).label, "Doubled");
  EXPECT_EQ(std::get<MathArray>(values->at("all")).at(0).label, "More m1");
  queries_.push_back(expression("x", "y"));
  queries_.push_back(expression("y", "x"));
  EXPECT_THAT(evaluate_queries(queries_, &store_, window_).error().text,
              HasSubstr("'x': it is about itself"));
  queries_ = {expression("e", "1 + 1")};
  EXPECT_THAT(evaluate_queries(queries_, &store_, window_).error().text,
              HasSubstr("TIME_SERIES() makes one"));
  queries_[0].is_returned = false;
  EXPECT_TRUE(evaluate_queries(queries_, &store_, window_));
}

TEST_F(MathTest, PeriodsMayDiffer) {
  metric("m1", {1, 2, 3, 4, 5});
  metric("m5", {1, 2, 3, 4, 5}, 300);
  window_ = {.start = kMathStart - 240, .end = kMathStart + 360};
  EXPECT_EQ(window_.start % 300, 0);
  EXPECT_EQ(value("m5"), "1 _ _ _ _ 14 _ _ _ _");
  EXPECT_EQ(value("PERIOD(m1 + m5)"), "300");
  EXPECT_EQ(value("FILL(m5, 0) + FILL(m1, 0)"), "1 _ _ _ _ 16 _ _ _ _");
}

TEST_F(MathTest, HasBounds) {
  metric("m1", {1});
  window_.end = window_.start + 60 * (kMathPeriodsMax + 1);
  auto refused = evaluated("FILL(m1, 0)", &store_);
  EXPECT_EQ(refused.error().code, Errc::kExhausted);
  window_.end = window_.start + 60 * kMathPeriodsMax;
  EXPECT_TRUE(evaluated("FILL(m1, 0)", &store_));
  refused = evaluated("FILL([m1,m1,m1,m1,m1,m1,m1,m1,m1,m1], 0)", &store_);
  EXPECT_EQ(refused.error().code, Errc::kExhausted);
  EXPECT_THAT(refused.error().text, HasSubstr("more than 1000000 figures"));
  // A label costs, too, and so does each series, however few figures it has.
  std::string many = "m1";
  for (int i = 0; i < 500; ++i) many += ",m1";
  window_.end = window_.start + 240;
  queries_.push_back(expression("a", "[" + many + "]"));
  queries_.push_back(expression("b", "[a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a]"));
  queries_.back().label = std::string(1024, 'l');
  queries_.push_back(expression("c", "[b,b,b,b,b,b,b,b,b,b]"));
  EXPECT_EQ(evaluated("1 + m1", &store_).error().code, Errc::kExhausted);
  queries_.resize(1);
  // Long, and deep as a tree: no recursion that a text can make ends the process.
  std::string text = "m1";
  while (text.size() + 3 < kMathTextMax) text += "+1";
  window_.end = window_.start + 240;
  EXPECT_EQ(value(text), fmt::format("{} _ _ _", 1 + (text.size() - 2) / 2));
}

// Refused before it is made: each would take gigabytes.
TEST_F(MathTest, WhatHasNoGapsIsCountedByTheLongestThatMayComeOfIt) {
  metric("m1", {1}, /*period=*/86400);
  auto code_of = [&](const std::string& text) {
    MathQueries queries = queries_;
    queries.push_back(expression("e", text));
    queries.back().period = 60;
    queries.back().is_returned = false;
    auto values = evaluate_queries(queries, &store_, window_);
    return values ? Errc::kInternal : values.error().code;
  };
  std::string array = "m1";
  for (int i = 0; i < 400; ++i) array += ",m1";
  window_.end = window_.start + 60 * kMathPeriodsMax;
  EXPECT_EQ(code_of("IF(0,[" + array + "],1)"), Errc::kExhausted);
  EXPECT_EQ(code_of("IF(1,FILL(TIME_SERIES(1),0),[" + array + "])"), Errc::kExhausted);
  EXPECT_EQ(code_of("IF(0,[m1],1)"), Errc::kInternal) << "what is small is computed";
  queries_.push_back(expression("f", "HOUR(FIRST([]))"));
  window_.end = window_.start + 86400 * int64_t{90'000};
  auto values = evaluate_queries(queries_, &store_, window_);
  EXPECT_EQ(values.error().code, Errc::kExhausted);
}

TEST_F(MathTest, AManyTimesCopiedExpressionIsOneTree) {
  MathExpression parsed = MathExpression::parse("m1 + 1").value();
  MathExpression copy = parsed;
  EXPECT_EQ(&copy.root(), &parsed.root());
}

TEST_F(MathTest, OfTwoSeriesWithGapsWhatBothHaveIsLookedFor) {
  MathSeries left{.period = 60};
  MathSeries right{.period = 60};
  std::set<int64_t> both;
  for (int64_t at = 0; at < 6000; at += 60) {
    if (at % 7 != 0) left.add(at, 1);
    if (at % 11 < 4) right.add(at, 2);
    if (at % 7 != 0 && at % 11 < 4) both.insert(at);
  }
  for (const auto& [a, b] : {std::pair{left, right}, std::pair{right, left}}) {
    std::set<int64_t> found;
    for (const MathPoint& point : combined(a, b, std::plus<>()).points) {
      EXPECT_EQ(point.value, 3);
      found.insert(point.at);
    }
    EXPECT_EQ(found, both);
  }
}

TEST_F(MathTest, QueriesAreWrittenDown) {
  metric("m1", {1});
  queries_[0].stat->metric.dimensions = {{"Host", "a"}};
  queries_[0].stat->unit = "Count";
  queries_.push_back(expression("e", "m1 * 2"));
  queries_.back().label = "Twice";
  queries_.back().period = 300;
  std::string text = render_queries(queries_).dump();
  auto document = json::Document::parse(text, {.name = "queries"}).value();
  MathQueries again = parse_queries(document.root()).value();
  EXPECT_EQ(render_queries(again).dump(), text);
  EXPECT_EQ(again[0].stat, queries_[0].stat);
  EXPECT_TRUE(again[1].expression.ids().contains("m1"));
}

// Random expressions of two series against a reckoning by the period that shares nothing with it.
class PlainMath {
 public:
  explicit PlainMath(uint64_t seed) : rng_(seed) {}

  // A text, and what it comes to of a and b.
  struct Said {
    std::string text;
    std::function<double(double a, double b)> value;
  };
  Said any(int depth) {
    switch (depth == 0 ? rng_.next() % 3 : rng_.next() % 10) {
      case 0:
        return {"a", [](double a, double) { return a; }};
      case 1:
        return {"b", [](double, double b) { return b; }};
      case 2: {
        double number = static_cast<double>(rng_.next() % 9);
        return {fmt::format("{}", number), [number](double, double) { return number; }};
      }
      case 3: {
        Said inner = any(depth - 1);
        return {"ABS(" + inner.text + ")",
                [of = inner.value](double a, double b) { return std::fabs(of(a, b)); }};
      }
      case 4: {
        Said inner = any(depth - 1);
        return {"(-(" + inner.text + "))",
                [of = inner.value](double a, double b) { return -of(a, b); }};
      }
      default:
        return two(depth);
    }
  }

 private:
  Said two(int depth) {
    using Plain = double (*)(double, double);
    static const std::vector<std::pair<std::string, Plain>> kPlain = {
        {"+", [](double x, double y) { return x + y; }},
        {"-", [](double x, double y) { return x - y; }},
        {"*", [](double x, double y) { return x * y; }},
        {"/", [](double x, double y) { return x / y; }},
        {"<", [](double x, double y) { return x < y ? 1.0 : 0.0; }},
        {">=", [](double x, double y) { return x >= y ? 1.0 : 0.0; }}};
    const auto& [sign, plain] = kPlain[rng_.next() % kPlain.size()];
    Said left = any(depth - 1);
    Said right = any(depth - 1);
    auto value = [plain = plain, x = left.value, y = right.value](double a, double b) {
      double of_left = x(a, b);
      double of_right = y(a, b);
      bool are_numbers = std::isfinite(of_left) && std::isfinite(of_right);
      return are_numbers ? plain(of_left, of_right) : std::nan("");
    };
    return {"(" + left.text + " " + sign + " " + right.text + ")", value};
  }

  SeededRng rng_;
};

TEST_F(MathTest, ComesToWhatPlainReckoningComesTo) {
  const std::vector<double> a = {1, 0, 7, 3};
  const std::vector<double> b = {2, 5, 0, 3};
  metric("a", a);
  metric("b", b);
  PlainMath plain(7);
  for (int i = 0; i < 500; ++i) {
    PlainMath::Said said = plain.any(4);
    auto found = evaluated("TIME_SERIES(0) * a + " + said.text, &store_);
    ASSERT_TRUE(found) << said.text;
    MathSeries wanted;
    for (size_t at = 0; at < a.size(); ++at) {
      wanted.add(kMathStart + static_cast<int64_t>(at) * 60, said.value(a[at], b[at]));
    }
    EXPECT_EQ(std::get<MathSeries>(*found).points, wanted.points) << said.text;
  }
}

}  // namespace
}  // namespace berth::metrics
