// CloudWatch's metrics and alarms in both protocols.
#include "api/metrics_service.h"

#include "api/metrics_operations.h"
#include "api/query_form.h"
#include "support/api_doc.h"
#include "support/json_service_fixture.h"

#include <gmock/gmock.h>

namespace berth::api {
namespace {

using testing::HasSubstr;

constexpr int64_t kMetricsStart = 1700000000;  // of ManualClock

class MetricsServiceTest : public JsonServiceTest {
 protected:
  Service& service() override { return service_; }

  Answer ask_form(const std::string& operation, const std::string& form) {
    Call call{.operation = operation, .body = form, .at = clock_.wall(), .is_form = true};
    return service_.answer(call);
  }

  metrics::MetricStore store_ =
      metrics::MetricStore::open(directory_.path(), clock_.wall()).value();
  metrics::AlarmBook alarms_ = metrics::AlarmBook::open(directory_.path()).value();
  MetricsService service_{store_, alarms_, {"123456789012", "eu-west-1"}};
};

const nlohmann::json kData = {
    {"Namespace", "App"},
    {"MetricData",
     {{{"MetricName", "Load"},
       {"Value", 1.5},
       {"Dimensions", {{{"Name", "Host"}, {"Value", "a"}}}}},
      {{"MetricName", "Load"},
       {"Values", {2.0, 4.0}},
       {"Counts", {1, 3}},
       {"Dimensions", {{{"Name", "Host"}, {"Value", "a"}}}}},
      {{"MetricName", "Sizes"},
       {"Unit", "Bytes"},
       {"StatisticValues", {{"SampleCount", 2}, {"Sum", 30}, {"Minimum", 10}, {"Maximum", 20}}}}}}};

TEST(MetricsOperations, AreThoseOfTheDocument) {
  expect_documented(cw::all_operations(), "metrics-api.md");
}

TEST(QueryForm, BecomesTheJsonOfTheSameRequest) {
  EXPECT_EQ(*json_of_form("Action=A&Version=1&Name=x&L.member.1.K=a&L.member.10.K=c&L.member.2.K=b&"
                          "F.1.V.1=y&E="),
            R"({"E":"","F":[{"V":["y"]}],"L":[{"K":"a"},{"K":"b"},{"K":"c"}],"Name":"x"})");
  EXPECT_EQ(*json_of_form("Action=A"), "{}");
  for (const char* bad :
       {"a=1&a.b=2", "a.b=1&a=2", "a=1&a=2", "a=%ff", "=1", "a.b.c.d.e.f.g.h.i.j.k.l.m=1"}) {
    EXPECT_FALSE(json_of_form(bad)) << bad;
  }
  nlohmann::ordered_json answer = {{"A", {1, "<"}}, {"B", true}, {"C", {{"D", nullptr}}}};
  EXPECT_EQ(xml_of_json(answer, "member"),
            "<A><member>1</member><member>&lt;</member></A><B>true</B><C><D></D></C>");
}

json alarm_of_load(const char* name) {
  return {{"AlarmName", name},    {"Namespace", "App"},
          {"MetricName", "Load"}, {"Statistic", "Average"},
          {"Period", 60},         {"EvaluationPeriods", 2},
          {"Threshold", 80.0},    {"ComparisonOperator", "GreaterThanThreshold"}};
}

// GetMetricStatistics of what kData puts, but for which statistics.
json load_query() {
  return {{"Namespace", "App"},
          {"MetricName", "Load"},
          {"Dimensions", {{{"Name", "Host"}, {"Value", "a"}}}},
          {"StartTime", kMetricsStart - 3600},
          {"EndTime", kMetricsStart + 60},
          {"Period", 60}};
}

TEST_F(MetricsServiceTest, FiguresComeBackAsTheyArePutTogether) {
  good("PutMetricData", kData);
  json query = load_query();
  query["Statistics"] = {"Average", "SampleCount", "Maximum", "Sum", "Minimum"};
  json points = good("GetMetricStatistics", query)["Datapoints"];
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0]["SampleCount"], 5);
  EXPECT_EQ(points[0]["Sum"], 15.5);
  EXPECT_EQ(points[0]["Average"], 3.1);
  EXPECT_EQ(points[0]["Timestamp"], kMetricsStart - kMetricsStart % 60);
  query["Unit"] = "Bytes";
  EXPECT_EQ(good("GetMetricStatistics", query)["Datapoints"].size(), 0U);
  query["Period"] = 30;
  EXPECT_EQ(code("GetMetricStatistics", query), "InvalidParameterValueException");
  json data = {{"StartTime", "2023-11-14T21:13:20Z"},
               {"EndTime", kMetricsStart + 60},
               {"MetricDataQueries",
                {{{"Id", "a"},
                  {"MetricStat",
                   {{"Metric", {{"Namespace", "App"}, {"MetricName", "Sizes"}}},
                    {"Period", 300},
                    {"Stat", "Sum"}}}}}}};
  json results = good("GetMetricData", data)["MetricDataResults"];
  EXPECT_EQ(results[0]["Values"], json::array({30.0}));
  EXPECT_EQ(results[0]["Label"], "Sizes");
  data["MetricDataQueries"][0]["Expression"] = "a + 1";
  EXPECT_EQ(code("GetMetricData", data), "ValidationError");
  json listed = good("ListMetrics", {{"Namespace", "App"}})["Metrics"];
  EXPECT_EQ(listed.size(), 2U);
  listed = good("ListMetrics", {{"Dimensions", {{{"Name", "Host"}}}}})["Metrics"];
  EXPECT_EQ(listed.size(), 1U);
}

// A metric of kData with that id.
json load_metric(const std::string& id, const std::string& stat) {
  json metric = {{"Namespace", "App"},
                 {"MetricName", "Load"},
                 {"Dimensions", {{{"Name", "Host"}, {"Value", "a"}}}}};
  return {{"Id", id},
          {"ReturnData", false},
          {"MetricStat", {{"Metric", metric}, {"Period", 60}, {"Stat", stat}}}};
}

json data_of_queries(const json& queries) {
  return {{"StartTime", kMetricsStart - 120},
          {"EndTime", kMetricsStart + 40},  // a full minute
          {"MetricDataQueries", queries}};
}

TEST_F(MetricsServiceTest, ExpressionsAreComputed) {
  good("PutMetricData", kData);
  const json e1 = {{"Id", "e1"}, {"Expression", "sum / count"}, {"Label", "Average"}};
  const json e2 = {{"Id", "e2"}, {"Expression", "FILL([e1, count], 0)"}, {"Label", "Filled"}};
  json queries = {load_metric("sum", "Sum"), load_metric("count", "SampleCount"), e1, e2};
  json results = good("GetMetricData", data_of_queries(queries))["MetricDataResults"];
  ASSERT_EQ(results.size(), 3U);
  EXPECT_EQ(results[0]["Label"], "Average");
  EXPECT_EQ(results[0]["Values"], json::array({3.1}));
  EXPECT_EQ(results[1]["Id"], "e2");
  EXPECT_EQ(results[1]["Label"], "Filled Average");
  EXPECT_EQ(results[1]["Values"], json::array({3.1, 0, 0})) << "the newest first";
  EXPECT_EQ(results[2]["Label"], "Filled Load");
  EXPECT_EQ(results[2]["Timestamps"][0], kMetricsStart - kMetricsStart % 60);
  queries = {{{"Id", "found"}, {"Expression", "SEARCH('{App,Host} load', 'Maximum', 60)"}}};
  results = good("GetMetricData", data_of_queries(queries))["MetricDataResults"];
  EXPECT_EQ(results[0]["Values"], json::array({4.0}));
  queries = {load_metric("sum", "Sum"), load_metric("count", "SampleCount"), e1, e2};
  json ascending = data_of_queries(queries);
  ascending["ScanBy"] = "TimestampAscending";
  results = good("GetMetricData", ascending)["MetricDataResults"];
  EXPECT_EQ(results[1]["Values"], json::array({0, 0, 3.1}));
}

TEST_F(MetricsServiceTest, BadExpressionsAreRefused) {
  auto why = [&](const json& query) {
    Refusal found = refusal("GetMetricData", data_of_queries({load_metric("m1", "Sum"), query}));
    EXPECT_EQ(found.code, "ValidationError") << found.message;
    return found.message;
  };
  auto of_text = [&](const std::string& text) { return why({{"Id", "e1"}, {"Expression", text}}); };
  EXPECT_EQ(of_text("m1 +"),
            "Error in expression 'e1': expected a number, an id, a function, '[' or '(' at "
            "character 5, not the end");
  EXPECT_EQ(of_text("m2"), "Error in expression 'e1': Undefined metric id 'm2'.");
  EXPECT_THAT(of_text("SUM(m1)"), HasSubstr("TIME_SERIES() makes one"));
  EXPECT_THAT(of_text("LAMBDA('x')"), HasSubstr("LAMBDA is not supported"));
  EXPECT_THAT(of_text("SELECT AVG(Load) FROM App"), HasSubstr("SELECT"));
  EXPECT_THAT(why({{"Id", "E1"}, {"Expression", "m1"}}), HasSubstr("expected pattern"));
  EXPECT_THAT(why({{"Id", "m1"}, {"Expression", "m1"}}), HasSubstr("not unique"));
  EXPECT_THAT(why({{"Id", "e1"}}), HasSubstr("either Expression or MetricStat"));
  json both = load_metric("m2", "Sum");
  both["Expression"] = "m1";
  EXPECT_THAT(why(both), HasSubstr("either Expression or MetricStat"));
  json data = data_of_queries({load_metric("m1", "Sum"), {{"Id", "e"}, {"Expression", "m1"}}});
  data["StartTime"] = 0;
  EXPECT_THAT(refusal("GetMetricData", data).message, HasSubstr("100800 at most"));
}

TEST_F(MetricsServiceTest, AnAlarmMayBeAboutAnExpression) {
  json alarm = {
      {"AlarmName", "math"},
      {"Metrics",
       {load_metric("m1", "Sum"), {{"Id", "e1"}, {"Expression", "m1 / 5"}, {"Label", "Fifth"}}}},
      {"EvaluationPeriods", 1},
      {"Threshold", 3.0},
      {"ComparisonOperator", "GreaterThanThreshold"}};
  good("PutMetricAlarm", alarm);
  json found = good("DescribeAlarms", json::object())["MetricAlarms"][0];
  EXPECT_FALSE(found.contains("MetricName"));
  EXPECT_FALSE(found.contains("Period"));
  json wanted = alarm["Metrics"];
  wanted[1]["ReturnData"] = true;
  EXPECT_EQ(found["Metrics"], wanted);
  good("PutMetricData", kData);
  clock_.advance(std::chrono::minutes(1));
  ASSERT_TRUE(alarms_.evaluate(store_, clock_.wall()));
  found = good("DescribeAlarms", json::object())["MetricAlarms"][0];
  EXPECT_EQ(found["StateValue"], "ALARM") << found["StateReason"];
  json reason = json::parse(found["StateReasonData"].get<std::string>());
  EXPECT_EQ(reason["recentDatapoints"], json::array({3.1}));
  EXPECT_EQ(reason["evaluatedDatapoints"][0]["timestamp"], "2023-11-14T22:13:00.000+0000");
  json history = good("DescribeAlarmHistory", {{"HistoryItemType", "ConfigurationUpdate"}});
  json told = json::parse(history["AlarmHistoryItems"][0]["HistoryData"].get<std::string>());
  EXPECT_EQ(told["createdAlarm"]["metrics"][1]["expression"], "m1 / 5");

  auto refused = [&](const json& more) {
    json body = alarm;
    body.merge_patch(more);
    return refusal("PutMetricAlarm", body);
  };
  EXPECT_EQ(refused({{"MetricName", "Load"}}).code, "InvalidParameterCombinationException");
  EXPECT_EQ(refused({{"Period", 60}}).code, "InvalidParameterCombinationException");
  EXPECT_EQ(refused({{"Metrics", {load_metric("m1", "Sum")}}}).message,
            "Exactly one element of the metrics list should return data.");
  EXPECT_THAT(refused({{"Metrics", {{{"Id", "e"}, {"Expression", "METRICS()"}}}}}).message,
              HasSubstr("an alarm watches one time series"));
  EXPECT_EQ(
      refused({{"Metrics", {{{"Id", "e"}, {"Expression", "SUM(SEARCH('{App}', 'Sum', 60))"}}}}})
          .message,
      "SEARCH is not supported on Metric Alarms.");
  EXPECT_THAT(refused({{"Metrics", {{{"Id", "e"}, {"Expression", "m1"}}}}}).message,
              HasSubstr("Undefined metric id"));
  // So many figures each minute as would keep the daemon from everything else.
  std::string many = "m1";
  for (int i = 0; i < 99; ++i) many += ",m1";
  json dear = {load_metric("m1", "Sum"), {{"Id", "e"}, {"Expression", "SUM([" + many + "])"}}};
  dear[0]["ReturnData"] = false;
  EXPECT_THAT(refused({{"Metrics", dear}, {"EvaluationPeriods", 1440}}).message,
              HasSubstr("more than 100000 figures"));
  json labelled = alarm["Metrics"];
  labelled[1]["Label"] = std::string(1025, 'l');
  EXPECT_THAT(refused({{"Metrics", labelled}}).message, HasSubstr("Label: has at most 1024"));
}

TEST_F(MetricsServiceTest, PercentilesAreOfValuesThatAreKnown) {
  good("PutMetricData", kData);
  json query = load_query();
  query["ExtendedStatistics"] = {"p0", "p40", "p50", "tm80"};
  json point = good("GetMetricStatistics", query)["Datapoints"][0];
  EXPECT_EQ(point["ExtendedStatistics"],
            (json{{"p0", 1.5}, {"p40", 2.0}, {"p50", 4.0}, {"tm80", (1.5 + 2 + 4 + 4) / 4}}));
  Answer answer = ask_form("GetMetricStatistics",
                           "Namespace=App&MetricName=Load&Dimensions.member.1.Name=Host&"
                           "Dimensions.member.1.Value=a&StartTime=2023-11-14T22:00:00Z&Period=60&"
                           "EndTime=2023-11-14T23:00:00Z&ExtendedStatistics.member.1=p50&"
                           "ExtendedStatistics.member.2=PR(:2)");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer,
              HasSubstr("<ExtendedStatistics><entry><key>p50</key><value>4.0</value></entry>"
                        "<entry><key>PR(:2)</key><value>40.0</value></entry>"
                        "</ExtendedStatistics>"));
  query["Statistics"] = {"Sum"};
  EXPECT_EQ(code("GetMetricStatistics", query), "InvalidParameterCombinationException");
  query.erase("Statistics");
  for (const char* bad : {"p101", "Average", "median"}) {
    query["ExtendedStatistics"] = {bad};
    EXPECT_EQ(code("GetMetricStatistics", query), "InvalidParameterValueException") << bad;
  }
  query["ExtendedStatistics"] = {"p50"};
  query["MetricName"] = "Sizes";
  query.erase("Dimensions");
  EXPECT_EQ(good("GetMetricStatistics", query)["Datapoints"].size(), 0U) << "a StatisticSet";
  query.erase("ExtendedStatistics");
  query["Statistics"] = {"p50"};
  EXPECT_EQ(code("GetMetricStatistics", query), "InvalidParameterValueException");
}

TEST_F(MetricsServiceTest, AnAlarmMayBeAboutAPercentile) {
  json alarm = alarm_of_load("slow");
  alarm.erase("Statistic");
  alarm["ExtendedStatistic"] = "p99.5";
  alarm["EvaluateLowSampleCountPercentile"] = "ignore";
  good("PutMetricAlarm", alarm);
  json found = good("DescribeAlarms", json::object())["MetricAlarms"][0];
  EXPECT_EQ(found["ExtendedStatistic"], "p99.5");
  EXPECT_EQ(found["EvaluateLowSampleCountPercentile"], "ignore");
  EXPECT_FALSE(found.contains("Statistic"));
  alarm["EvaluateLowSampleCountPercentile"] = "perhaps";
  EXPECT_EQ(code("PutMetricAlarm", alarm), "InvalidParameterValueException");
  alarm["EvaluateLowSampleCountPercentile"] = "ignore";
  alarm["ExtendedStatistic"] = "tm90";
  EXPECT_EQ(code("PutMetricAlarm", alarm), "InvalidParameterCombinationException");
  alarm.erase("EvaluateLowSampleCountPercentile");
  good("PutMetricAlarm", alarm);
  alarm.erase("ExtendedStatistic");
  EXPECT_EQ(code("PutMetricAlarm", alarm), "MissingRequiredParameterException");
}

TEST_F(MetricsServiceTest, BadFiguresAreRefused) {
  auto refused = [&](const json& more) {
    json body = {{"Namespace", "App"}, {"MetricData", {{{"MetricName", "a"}, {"Value", 1}}}}};
    body.merge_patch(more);
    Refusal found = refusal("PutMetricData", body);
    EXPECT_FALSE(found.query_code.empty());
    return found.code;
  };
  EXPECT_EQ(refused({{"Namespace", "AWS/ECS"}}), "InvalidParameterValueException");
  EXPECT_EQ(refused({{"MetricData", {{{"Value", 1}}}}}), "MissingRequiredParameterException");
  EXPECT_EQ(refused({{"MetricData", {{{"MetricName", "a"}}}}}),
            "InvalidParameterCombinationException");
  EXPECT_EQ(refused({{"MetricData", {{{"MetricName", "a"}, {"Value", 1}, {"Unit", "Miles"}}}}}),
            "InvalidParameterValueException");
  EXPECT_EQ(refused({{"MetricData",
                      {{{"MetricName", "a"}, {"Value", 1}, {"Timestamp", kMetricsStart + 7300}}}}}),
            "InvalidParameterValueException");
}

TEST_F(MetricsServiceTest, AlarmsAreKeptAndSet) {
  json alarm = alarm_of_load("high");
  alarm["AlarmActions"] = {"arn:aws:sns:eu-west-1:123456789012:topic"};
  good("PutMetricAlarm", alarm);
  json found = good("DescribeAlarms", json::object())["MetricAlarms"];
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]["StateValue"], "INSUFFICIENT_DATA");
  EXPECT_FALSE(found[0].contains("DatapointsToAlarm")) << "it was not said";
  EXPECT_FALSE(found[0].contains("TreatMissingData"));
  EXPECT_EQ(found[0]["StateTransitionedTimestamp"], found[0]["StateUpdatedTimestamp"]);
  EXPECT_EQ(found[0]["AlarmArn"], "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:high");
  good("SetAlarmState", {{"AlarmName", "high"}, {"StateValue", "ALARM"}, {"StateReason", "why"}});
  EXPECT_EQ(good("DescribeAlarms", {{"StateValue", "ALARM"}})["MetricAlarms"].size(), 1U);
  good("PutMetricAlarm", alarm);
  EXPECT_EQ(good("DescribeAlarms", {{"AlarmNamePrefix", "hi"}})["MetricAlarms"][0]["StateValue"],
            "ALARM");
  alarm.update({{"DatapointsToAlarm", 2}, {"TreatMissingData", "missing"}});
  good("PutMetricAlarm", alarm);
  alarms_ = metrics::AlarmBook::open(directory_.path()).value();
  found = good("DescribeAlarms", json::object())["MetricAlarms"];
  EXPECT_EQ(found[0]["DatapointsToAlarm"], 2);
  EXPECT_EQ(found[0]["TreatMissingData"], "missing");
  alarm["ExtendedStatistic"] = "p99";
  EXPECT_EQ(code("PutMetricAlarm", alarm), "InvalidParameterCombinationException");
  EXPECT_EQ(
      code("SetAlarmState", {{"AlarmName", "x"}, {"StateValue", "OK"}, {"StateReason", "why"}}),
      "ResourceNotFound");
  EXPECT_EQ(code("DeleteAlarms", {{"AlarmNames", {"high", "x"}}}), "ResourceNotFound");
  good("DeleteAlarms", {{"AlarmNames", {"high"}}});
  EXPECT_EQ(good("DescribeAlarms", json::object())["MetricAlarms"].size(), 0U);
}

TEST_F(MetricsServiceTest, AlarmsAreFoundByTheirMetric) {
  good("PutMetricAlarm", alarm_of_load("all"));
  json of_host = alarm_of_load("host");
  of_host["Dimensions"] = {{{"Name", "Host"}, {"Value", "a"}}};
  good("PutMetricAlarm", of_host);
  json slow = alarm_of_load("slow");
  slow.merge_patch({{"Period", 300}, {"Statistic", nullptr}, {"ExtendedStatistic", "p99"}});
  good("PutMetricAlarm", slow);
  auto found = [&](const json& more) {
    json query = {{"Namespace", "App"}, {"MetricName", "Load"}};
    query.merge_patch(more);
    json answer = good("DescribeAlarmsForMetric", query);
    json names = json::array();
    for (const json& each : answer["MetricAlarms"]) names.push_back(each["AlarmName"]);
    return names;
  };
  EXPECT_EQ(found(json::object()), json::array({"all", "slow"}));
  EXPECT_EQ(found({{"Dimensions", of_host["Dimensions"]}}), json::array({"host"}));
  EXPECT_EQ(found({{"Period", 300}}), json::array({"slow"}));
  EXPECT_EQ(found({{"Statistic", "Average"}}), json::array({"all"}));
  EXPECT_EQ(found({{"ExtendedStatistic", "p99"}}), json::array({"slow"}));
  EXPECT_EQ(found({{"Unit", "Bytes"}}), json::array());
  EXPECT_EQ(found({{"MetricName", "Other"}}), json::array());
  EXPECT_EQ(code("DescribeAlarmsForMetric", {{"MetricName", "Load"}}),
            "MissingRequiredParameterException");
}

TEST_F(MetricsServiceTest, ActionsMayBeDisabled) {
  good("PutMetricAlarm", alarm_of_load("cpu"));
  good("PutCompositeAlarm", {{"AlarmName", "above"}, {"AlarmRule", "ALARM(cpu)"}});
  auto are_enabled = [&] {
    json found = good("DescribeAlarms", {{"AlarmTypes", {"CompositeAlarm", "MetricAlarm"}}});
    return json::array({found["MetricAlarms"][0]["ActionsEnabled"],
                        found["CompositeAlarms"][0]["ActionsEnabled"]});
  };
  auto updates = [&] {
    return good("DescribeAlarmHistory",
                {{"AlarmName", "cpu"},
                 {"HistoryItemType", "ConfigurationUpdate"}})["AlarmHistoryItems"]
        .size();
  };
  EXPECT_EQ(updates(), 1U);
  good("DisableAlarmActions", {{"AlarmNames", {"cpu", "above", "none"}}});
  EXPECT_EQ(are_enabled(), json::array({false, false}));
  EXPECT_EQ(updates(), 2U);
  good("EnableAlarmActions", {{"AlarmNames", {"cpu"}}});
  good("EnableAlarmActions", {{"AlarmNames", {"cpu"}}});
  EXPECT_EQ(are_enabled(), json::array({true, false}));
  EXPECT_EQ(updates(), 3U);
  EXPECT_EQ(code("EnableAlarmActions", json::object()), "MissingRequiredParameterException");
}

TEST_F(MetricsServiceTest, AlarmsThatHaveNoRoomAreALimit) {
  json alarm = alarm_of_load("small");
  alarm["OKActions"] = {std::string(1024, 'a')};
  good("PutMetricAlarm", alarm);
  for (const char* member : {"OKActions", "AlarmActions", "InsufficientDataActions"}) {
    json longer = alarm;
    longer[member] = {std::string(1025, 'a')};
    auto refused = refusal("PutMetricAlarm", longer);
    EXPECT_EQ(refused.code, "InvalidParameterValueException");
    EXPECT_THAT(refused.message, HasSubstr("an action has at most 1024 characters"));
  }
  constexpr size_t kSmall = 64 * 1024;
  alarms_ = metrics::AlarmBook::open(directory_.path(), kSmall).value();
  metrics::Alarm large = alarms_.alarms().at("small");
  large.name = "large";
  large.description.assign(kSmall - 8192, 'x');
  ASSERT_TRUE(alarms_.put(large));
  alarm["AlarmName"] = "next";
  alarm["OKActions"] = std::vector<std::string>(5, std::string(1024, 'a'));
  EXPECT_EQ(code("PutMetricAlarm", alarm), "LimitExceededFault");
  EXPECT_EQ(code("SetAlarmState", {{"AlarmName", "large"},
                                   {"StateValue", "OK"},
                                   {"StateReason", std::string(4000, 'r')},
                                   {"StateReasonData", std::string(4000, 'd')}}),
            "LimitExceededFault");
  json tags = json::array();
  for (int i = 0; i < 40; ++i) {
    tags.push_back({{"Key", std::to_string(i)}, {"Value", std::string(256, 'v')}});
  }
  EXPECT_EQ(
      code("TagResource", {{"ResourceARN", "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:large"},
                           {"Tags", tags}}),
      "LimitExceededFault");
  EXPECT_EQ(alarms_.alarms().size(), 2U);
}

TEST_F(MetricsServiceTest, AlarmsHaveTags) {
  auto tags = [](const char* key, const char* value) {
    return json::array({{{"Key", key}, {"Value", value}}});
  };
  json alarm = alarm_of_load("cpu");
  alarm["Tags"] = tags("team", "blue");
  good("PutMetricAlarm", alarm);
  good("PutCompositeAlarm",
       {{"AlarmName", "both"}, {"AlarmRule", "ALARM(cpu)"}, {"Tags", tags("of", "two")}});
  const std::string prefix = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:";
  auto listed = [&](const char* name) {
    json of = good("ListTagsForResource", {{"ResourceARN", prefix + name}})["Tags"];
    return of;
  };
  EXPECT_EQ(listed("cpu"), tags("team", "blue"));
  EXPECT_EQ(listed("both"), tags("of", "two"));
  alarm["Tags"] = tags("team", "red");
  alarm["Threshold"] = 2;
  good("PutMetricAlarm", alarm);
  EXPECT_EQ(listed("cpu"), tags("team", "blue")) << "those of an alarm that is there stay";
  good("TagResource", {{"ResourceARN", prefix + "cpu"}, {"Tags", tags("team", "green")}});
  good("TagResource", {{"ResourceARN", prefix + "cpu"}, {"Tags", tags("a", "")}});
  good("UntagResource", {{"ResourceARN", prefix + "both"}, {"TagKeys", {"of", "none"}}});
  alarms_ = metrics::AlarmBook::open(directory_.path()).value();
  EXPECT_EQ(listed("cpu"),
            json::array({{{"Key", "a"}, {"Value", ""}}, {{"Key", "team"}, {"Value", "green"}}}));
  EXPECT_EQ(listed("both"), json::array());
  auto xml = ask_form("ListTagsForResource", "ResourceARN=" + prefix + "cpu");
  EXPECT_THAT(*xml, HasSubstr("<member><Key>team</Key><Value>green</Value></member>"));
  EXPECT_EQ(listed("none"), json::array()) << "as AWS answers of what is not there";
  EXPECT_EQ(code("TagResource", {{"ResourceARN", prefix + "none"}, {"Tags", tags("a", "b")}}),
            "ResourceNotFoundException");
  EXPECT_EQ(code("TagResource", {{"ResourceARN", prefix + "cpu"}}),
            "MissingRequiredParameterException");
}

// What is expected of these was recorded from AWS (docs/conformance.md).
TEST_F(MetricsServiceTest, RefusalsAreAmazons) {
  json datum = {{"MetricName", "a"}, {"Value", 1.5}, {"Values", {1.0, 10.0}}};
  json put = {{"Namespace", "App"}, {"MetricData", {datum}}};
  EXPECT_EQ(refusal("PutMetricData", put).message,
            "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually "
            "exclusive and you have specified both.");
  put["MetricData"][0] = {{"MetricName", "a"}, {"Values", {1.0, 10.0}}, {"Counts", {2, 4, 5}}};
  EXPECT_EQ(
      refusal("PutMetricData", put).message,
      "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the "
      "same size.");
  json set = {{"SampleCount", 10}, {"Sum", 55}, {"Minimum", 1}, {"Maximum", 10}};
  put["MetricData"][0] = {{"MetricName", "a"}, {"Value", 1.5}, {"StatisticValues", set}};
  EXPECT_EQ(refusal("PutMetricData", put).message,
            "The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are "
            "mutually exclusive and you have specified both.");
  put["MetricData"][0] = {{"MetricName", "a"}, {"Values", {1.0}}, {"StatisticValues", set}};
  good("PutMetricData", put);
  json get = {{"Namespace", "App"},         {"MetricName", "a"},
              {"StartTime", kMetricsStart}, {"EndTime", kMetricsStart + 86400},
              {"Statistics", {"Average"}},  {"Period", 1}};
  Refusal many = refusal("GetMetricStatistics", get);
  EXPECT_EQ(many.code, "InvalidParameterCombinationException");
  EXPECT_EQ(many.message,
            "You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range.");
  get["Period"] = 60;
  good("GetMetricStatistics", get);
  json state = {{"AlarmName", "none"}, {"StateValue", "INVALID"}, {"StateReason", "why"}};
  Refusal invalid = refusal("SetAlarmState", state);
  EXPECT_EQ(invalid.code, "ValidationException");
  EXPECT_EQ(invalid.query_code, "ValidationError");
  EXPECT_EQ(invalid.message,
            "1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy "
            "constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]");
  state["StateValue"] = "OK";
  Refusal none = refusal("SetAlarmState", state);
  EXPECT_EQ(none.message, "");
  EXPECT_EQ(none.status, 404);
}

TEST_F(MetricsServiceTest, ResultsHaveLabelsByWhichTheyDifferAndComeInPages) {
  json data = json::array();
  for (int i = 0; i < 4; ++i) {
    data.push_back({{"MetricName", "m"}, {"Value", i}, {"Timestamp", kMetricsStart + i * 60}});
  }
  good("PutMetricData", {{"Namespace", "App"}, {"MetricData", data}});
  auto query = [](const char* id, const char* stat, int period) -> json {
    return {{"Id", id},
            {"MetricStat",
             {{"Metric", {{"Namespace", "App"}, {"MetricName", "m"}}},
              {"Stat", stat},
              {"Period", period}}}};
  };
  json ask = {{"StartTime", kMetricsStart},
              {"EndTime", kMetricsStart + 240},
              {"ScanBy", "TimestampAscending"},
              {"MetricDataQueries", {query("a", "Sum", 60)}}};
  auto label = [&](size_t at) {
    return good("GetMetricData", ask)["MetricDataResults"][at]["Label"].get<std::string>();
  };
  EXPECT_EQ(label(0), "m");
  ask["MetricDataQueries"] = {query("a", "Sum", 60), query("b", "Minimum", 60)};
  EXPECT_EQ(label(1), "m Minimum");
  ask["MetricDataQueries"] = {query("a", "Sum", 60), query("b", "Sum", 120)};
  EXPECT_EQ(label(1), "m 120");
  ask["MetricDataQueries"] = {query("a", "Sum", 60), query("b", "Minimum", 120)};
  EXPECT_EQ(label(0), "m Sum 60");
  ask["MetricDataQueries"] = {query("a", "Sum", 60), query("b", "Maximum", 60)};
  ask["MaxDatapoints"] = 6;
  json page = good("GetMetricData", ask);
  ASSERT_EQ(page["MetricDataResults"].size(), 2U);
  EXPECT_EQ(page["MetricDataResults"][0]["StatusCode"], "Complete");
  EXPECT_EQ(page["MetricDataResults"][1]["Values"], json::array({0.0, 1.0}));
  EXPECT_EQ(page["MetricDataResults"][1]["StatusCode"], "PartialData");
  ask["NextToken"] = page["NextToken"];
  page = good("GetMetricData", ask);
  ASSERT_EQ(page["MetricDataResults"].size(), 1U);
  EXPECT_EQ(page["MetricDataResults"][0]["Id"], "b");
  EXPECT_EQ(page["MetricDataResults"][0]["Values"], json::array({2.0, 3.0}));
  EXPECT_FALSE(page.contains("NextToken"));
  // One without values stands on one page, too.
  ask.erase("NextToken");
  ask["MaxDatapoints"] = 3;
  ask["MetricDataQueries"] = {query("a", "Sum", 60), query("b", "Sum", 60)};
  ask["MetricDataQueries"][1]["MetricStat"]["Metric"]["MetricName"] = "none";
  page = good("GetMetricData", ask);
  ASSERT_EQ(page["MetricDataResults"].size(), 1U);
  EXPECT_EQ(page["MetricDataResults"][0]["Values"].size(), 3U);
  ask["NextToken"] = page["NextToken"];
  page = good("GetMetricData", ask);
  ASSERT_EQ(page["MetricDataResults"].size(), 2U);
  EXPECT_EQ(page["MetricDataResults"][1]["Id"], "b");
  EXPECT_EQ(page["MetricDataResults"][1]["StatusCode"], "Complete");
  EXPECT_FALSE(page.contains("NextToken"));
}

TEST_F(MetricsServiceTest, HistoryIsAskedForByAlarmKindTypeAndTime) {
  json alarm = alarm_of_load("cpu");
  good("PutMetricAlarm", alarm);
  good("PutCompositeAlarm", {{"AlarmName", "above"}, {"AlarmRule", "ALARM(cpu)"}});
  good("SetAlarmState", {{"AlarmName", "cpu"}, {"StateValue", "ALARM"}, {"StateReason", "why"}});
  auto told = [&](const json& query) {
    std::vector<std::string> summaries;
    json answer = good("DescribeAlarmHistory", query);
    for (const json& item : answer["AlarmHistoryItems"]) {
      summaries.push_back(item["HistorySummary"]);
    }
    return summaries;
  };
  const std::string created = "Alarm \"cpu\" created";
  const std::string raised = "Alarm updated from INSUFFICIENT_DATA to ALARM";
  EXPECT_THAT(told(json::object()), testing::ElementsAre(raised, created)) << "metric alarms";
  EXPECT_THAT(told({{"ScanBy", "TimestampAscending"}}), testing::ElementsAre(created, raised));
  EXPECT_EQ(told({{"AlarmTypes", {"CompositeAlarm", "MetricAlarm"}}}).size(), 5U);
  EXPECT_THAT(told({{"HistoryItemType", "StateUpdate"}}), testing::ElementsAre(raised));
  EXPECT_EQ(told({{"AlarmTypes", {"CompositeAlarm"}}, {"AlarmName", "cpu"}}).size(), 0U);
  EXPECT_EQ(told({{"AlarmTypes", {"CompositeAlarm"}}, {"AlarmName", "above"}}).size(), 3U);
  EXPECT_EQ(told({{"StartDate", kMetricsStart + 1}}).size(), 0U);
  EXPECT_EQ(told({{"StartDate", kMetricsStart}, {"EndDate", kMetricsStart}}).size(), 2U);
  json page = good("DescribeAlarmHistory", {{"MaxRecords", 1}});
  json item = page["AlarmHistoryItems"][0];
  EXPECT_EQ(item["AlarmType"], "MetricAlarm");
  EXPECT_EQ(item["Timestamp"], kMetricsStart);
  EXPECT_EQ(json::parse(item["HistoryData"].get<std::string>())["newState"]["stateReason"], "why");
  EXPECT_THAT(told({{"MaxRecords", 1}, {"NextToken", page["NextToken"]}}),
              testing::ElementsAre(created));
  EXPECT_EQ(code("DescribeAlarmHistory", {{"NextToken", "x"}}), "InvalidNextToken");
  EXPECT_EQ(code("DescribeAlarmHistory", {{"HistoryItemType", "Other"}}),
            "InvalidParameterValueException");
  EXPECT_EQ(code("DescribeAlarmHistory", {{"MaxRecords", 101}}), "InvalidParameterValueException");
  EXPECT_EQ(code("DescribeAlarmHistory", {{"StartDate", 2}, {"EndDate", 1}}),
            "InvalidParameterValueException");
  good("DeleteAlarms", {{"AlarmNames", {"above", "cpu"}}});
  EXPECT_EQ(told({{"AlarmName", "cpu"}}).size(), 3U);
  clock_.advance(std::chrono::hours(24 * 30 + 1));
  EXPECT_EQ(told({{"AlarmName", "cpu"}}).size(), 0U);
}

TEST_F(MetricsServiceTest, CompositeAlarmsFollowOthers) {
  json alarm = alarm_of_load("cpu");
  good("PutMetricAlarm", alarm);
  alarm["AlarmName"] = "my disk";
  good("PutMetricAlarm", alarm);
  const std::string arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:";
  json both = {{"AlarmName", "both"},
               {"AlarmDescription", "of two"},
               {"AlarmRule", "ALARM(" + arn + "cpu) AND ALARM(\"my disk\")"},
               {"AlarmActions", {"arn:aws:sns:eu-west-1:123456789012:topic"}},
               {"ActionsSuppressor", arn + "cpu"},
               {"ActionsSuppressorWaitPeriod", 60},
               {"ActionsSuppressorExtensionPeriod", 30}};
  good("PutCompositeAlarm", both);
  EXPECT_EQ(good("DescribeAlarms", json::object())["CompositeAlarms"].size(), 0U)
      << "metric alarms, unless asked";
  json found = good("DescribeAlarms", {{"AlarmTypes", {"CompositeAlarm"}}});
  EXPECT_EQ(found["MetricAlarms"].size(), 0U);
  json told = found["CompositeAlarms"][0];
  EXPECT_EQ(told["AlarmArn"], arn + "both");
  EXPECT_EQ(told["AlarmRule"], both["AlarmRule"]);
  EXPECT_EQ(told["StateValue"], "OK");
  EXPECT_EQ(told["ActionsSuppressor"], arn + "cpu");
  EXPECT_EQ(told["ActionsSuppressorWaitPeriod"], 60);
  for (const char* name : {"cpu", "my disk"}) {
    good("SetAlarmState", {{"AlarmName", name}, {"StateValue", "ALARM"}, {"StateReason", "why"}});
  }
  found = good("DescribeAlarms",
               {{"AlarmTypes", {"CompositeAlarm", "MetricAlarm"}}, {"StateValue", "ALARM"}});
  ASSERT_EQ(found["CompositeAlarms"].size(), 1U);
  EXPECT_EQ(found["CompositeAlarms"][0]["ActionsSuppressedBy"], "Alarm");
  EXPECT_EQ(found["MetricAlarms"].size(), 2U);
  found = good("DescribeAlarms",
               {{"AlarmTypes", {"CompositeAlarm", "MetricAlarm"}}, {"MaxRecords", 2}});
  EXPECT_EQ(found["CompositeAlarms"].size() + found["MetricAlarms"].size(), 2U);
  EXPECT_TRUE(found.contains("NextToken"));

  found = good("DescribeAlarms", {{"ChildrenOfAlarmName", "both"}});
  EXPECT_EQ(found["MetricAlarms"].size(), 2U);
  EXPECT_EQ(found["MetricAlarms"][0]["StateValue"], "ALARM");
  found = good("DescribeAlarms", {{"ParentsOfAlarmName", "cpu"}});
  EXPECT_EQ(found["CompositeAlarms"],
            json::array({{{"AlarmName", "both"}, {"AlarmArn", arn + "both"}}}));
  EXPECT_EQ(code("DescribeAlarms", {{"ParentsOfAlarmName", "cpu"}, {"StateValue", "OK"}}),
            "ValidationError");

  EXPECT_EQ(code("DeleteAlarms", {{"AlarmNames", {"cpu"}}}), "ValidationError");
  EXPECT_EQ(code("PutMetricAlarm",
                 [&] {
                   json same = alarm;
                   same["AlarmName"] = "both";
                   return same;
                 }()),
            "ValidationError");
  good("DeleteAlarms", {{"AlarmNames", {"both", "cpu", "my disk"}}});
}

TEST_F(MetricsServiceTest, ASuppressionEndsForWhoeverAsks) {
  good("PutMetricAlarm", alarm_of_load("cpu"));
  good("PutMetricAlarm", alarm_of_load("quiet"));
  good("PutCompositeAlarm", {{"AlarmName", "above"},
                             {"AlarmRule", "ALARM(cpu)"},
                             {"AlarmActions", {"arn:aws:sns:eu-west-1:123456789012:topic"}},
                             {"ActionsSuppressor", "quiet"},
                             {"ActionsSuppressorWaitPeriod", 20},
                             {"ActionsSuppressorExtensionPeriod", 0}});
  auto above = [&] {
    json found = good("DescribeAlarms", {{"AlarmTypes", {"CompositeAlarm"}}})["CompositeAlarms"];
    return found[0];
  };
  auto actions = [&] {
    json found = good("DescribeAlarmHistory",
                      {{"AlarmTypes", {"CompositeAlarm"}}, {"HistoryItemType", "Action"}});
    return found["AlarmHistoryItems"].size();
  };
  EXPECT_FALSE(above().contains("ActionsSuppressedBy"));
  good("SetAlarmState", {{"AlarmName", "cpu"}, {"StateValue", "ALARM"}, {"StateReason", "why"}});
  EXPECT_EQ(above()["ActionsSuppressedBy"], "WaitPeriod");
  EXPECT_EQ(above()["ActionsSuppressedReason"], "Actions suppressed by WaitPeriod");
  EXPECT_EQ(actions(), 0U);
  clock_.advance(std::chrono::seconds(20));
  EXPECT_FALSE(above().contains("ActionsSuppressedBy"));
  EXPECT_EQ(above()["StateValue"], "ALARM");
  EXPECT_EQ(actions(), 1U);
}

TEST_F(MetricsServiceTest, BadCompositeAlarmsAreRefused) {
  auto refused = [&](const json& more) {
    json body = {{"AlarmName", "a"}, {"AlarmRule", "TRUE"}};
    body.merge_patch(more);
    return code("PutCompositeAlarm", body);
  };
  EXPECT_EQ(refused({{"AlarmRule", nullptr}}), "MissingRequiredParameterException");
  EXPECT_EQ(refused({{"AlarmRule", "ALARM(gone)"}}), "ValidationError");
  EXPECT_EQ(refused({{"AlarmRule", "ALARM"}}), "ValidationError");
  EXPECT_EQ(refused({{"AlarmRule", "ALARM(a)"}}), "ValidationError");
  EXPECT_EQ(refused({{"ActionsSuppressorWaitPeriod", 60}}), "ValidationError");
  EXPECT_EQ(
      refused({{"AlarmActions", {"arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:x"}}}),
      "ValidationError");
  good("PutCompositeAlarm", {{"AlarmName", "a"}, {"AlarmRule", "TRUE"}});
  EXPECT_EQ(alarms_.raised().size(), 1U);
  good("PutCompositeAlarm", {{"AlarmName", "a"}, {"AlarmRule", "FALSE"}});
  EXPECT_EQ(alarms_.raised().size(), 0U);
}

TEST_F(MetricsServiceTest, TheQueryProtocolAsksTheSame) {
  ASSERT_TRUE(ask_form("PutMetricData",
                       "Action=PutMetricData&Version=2010-08-01&Namespace=App&"
                       "MetricData.member.1.MetricName=a&MetricData.member.1.Value=1.5&"
                       "MetricData.member.1.Timestamp=2023-11-14T22:13:20Z"));
  Answer answer = ask_form("GetMetricStatistics",
                           "Namespace=App&MetricName=a&StartTime=2023-11-14T22:00:00Z&"
                           "EndTime=2023-11-14T23:00:00Z&Period=60&Statistics.member.1=Average");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr("<GetMetricStatisticsResult><Label>a</Label><Datapoints><member>"
                                 "<Timestamp>2023-11-14T22:13:00Z</Timestamp><Average>1.5</Average>"
                                 "<Unit>None</Unit></member></Datapoints>"));
  answer = ask_form("GetMetricStatistics",
                    "Namespace=App&MetricName=a&Dimensions=&StartTime=2023-11-14T22:00:00Z&"
                    "EndTime=2023-11-14T23:00:00Z&Period=60&Statistics.member.1=Average&"
                    "ExtendedStatistics=");
  ASSERT_TRUE(answer) << "empty lists, as SDKs write them: " << answer.error().message;
  EXPECT_THAT(*answer, HasSubstr("<Average>1.5</Average>"));
  answer = ask_form("GetMetricStatistics", "Namespace=App&MetricName=a&Dimensions=x");
  EXPECT_EQ(answer.error().code, "SerializationException");
  answer = ask_form("GetMetricStatistics", "Namespace=App");
  EXPECT_EQ(answer.error().code, "MissingParameter");
  EXPECT_EQ(answer.error().query_code, "");
}

}  // namespace
}  // namespace berth::api
