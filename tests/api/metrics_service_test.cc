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

TEST_F(MetricsServiceTest, FiguresComeBackAsTheyArePutTogether) {
  good("PutMetricData", kData);
  json query = {{"Namespace", "App"},
                {"MetricName", "Load"},
                {"Dimensions", {{{"Name", "Host"}, {"Value", "a"}}}},
                {"StartTime", kMetricsStart - 3600},
                {"EndTime", kMetricsStart + 60},
                {"Period", 60},
                {"Statistics", {"Average", "SampleCount", "Maximum", "Sum", "Minimum"}}};
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
  EXPECT_EQ(code("GetMetricData", data), "InvalidParameterValueException");
  json listed = good("ListMetrics", {{"Namespace", "App"}})["Metrics"];
  EXPECT_EQ(listed.size(), 2U);
  listed = good("ListMetrics", {{"Dimensions", {{{"Name", "Host"}}}}})["Metrics"];
  EXPECT_EQ(listed.size(), 1U);
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
  json alarm = {{"AlarmName", "high"},
                {"Namespace", "App"},
                {"MetricName", "Load"},
                {"Statistic", "Average"},
                {"Period", 60},
                {"EvaluationPeriods", 2},
                {"Threshold", 80.0},
                {"ComparisonOperator", "GreaterThanThreshold"},
                {"AlarmActions", {"arn:aws:sns:eu-west-1:123456789012:topic"}}};
  good("PutMetricAlarm", alarm);
  json found = good("DescribeAlarms", json::object())["MetricAlarms"];
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]["StateValue"], "INSUFFICIENT_DATA");
  EXPECT_EQ(found[0]["DatapointsToAlarm"], 2);
  EXPECT_EQ(found[0]["AlarmArn"], "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:high");
  good("SetAlarmState", {{"AlarmName", "high"}, {"StateValue", "ALARM"}, {"StateReason", "why"}});
  EXPECT_EQ(good("DescribeAlarms", {{"StateValue", "ALARM"}})["MetricAlarms"].size(), 1U);
  good("PutMetricAlarm", alarm);
  EXPECT_EQ(good("DescribeAlarms", {{"AlarmNamePrefix", "hi"}})["MetricAlarms"][0]["StateValue"],
            "ALARM");
  alarm["ExtendedStatistic"] = "p99";
  EXPECT_EQ(code("PutMetricAlarm", alarm), "InvalidParameterValueException");
  EXPECT_EQ(
      code("SetAlarmState", {{"AlarmName", "x"}, {"StateValue", "OK"}, {"StateReason", "why"}}),
      "ResourceNotFound");
  EXPECT_EQ(code("DeleteAlarms", {{"AlarmNames", {"high", "x"}}}), "ResourceNotFound");
  good("DeleteAlarms", {{"AlarmNames", {"high"}}});
  EXPECT_EQ(good("DescribeAlarms", json::object())["MetricAlarms"].size(), 0U);
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
  answer = ask_form("GetMetricStatistics", "Namespace=App");
  EXPECT_EQ(answer.error().code, "MissingParameter");
  EXPECT_EQ(answer.error().query_code, "");
}

}  // namespace
}  // namespace berth::api
