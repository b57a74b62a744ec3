// Application Auto Scaling as SDKs ask it, over a scheduler whose agent is the test.
#include "api/scaling_service.h"

#include "api/scaling_engine.h"
#include "api/scaling_operations.h"
#include "metrics/alarm_book.h"
#include "metrics/metric_store.h"
#include "scaling/book.h"
#include "support/api_doc.h"
#include "support/ecs_host.h"
#include "support/json_asker.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace berth::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(ScalingOperations, AreThoseOfTheDocument) {
  expect_documented(aas::all_operations(), "scaling.md");
}

class ScalingServiceTest : public testing::Test, protected EcsHost, protected JsonAsker {
 protected:
  ScalingServiceTest()
      : EcsHost({.region = "us-east-1",
                 .account = "000000000000",
                 .cpu_units = 4096,
                 .memory_mib = 4096,
                 .security_groups = {}}) {
    json container = {{"name", "a"}, {"image", "busybox"}, {"memory", 16}, {"cpu", 64}};
    ecs("RegisterTaskDefinition", {{"family", "web"}, {"containerDefinitions", {container}}});
    ecs("CreateService", {{"serviceName", "web"}, {"taskDefinition", "web"}, {"desiredCount", 2}});
    open_scaling();
  }

  // Another process over the same store.
  void open_scaling() {
    book_ = std::move(scaling::ScalingBook::open(store_).value());
    engine_ = std::make_unique<ScalingEngine>(
        ScalingEngine::World{*core_, *book_, alarms_, figures_}, Host{"000000000000", "us-east-1"},
        Env{clock_, rng_}, [this] { return step(); });
    service_of_scaling_ = std::make_unique<ScalingService>(
        *engine_, Host{"000000000000", "us-east-1"}, [this] { ++changes_; });
  }

  json ecs(const std::string& operation, const json& body) {
    Answer answer = ask(operation, body.dump());
    EXPECT_TRUE(answer) << operation << ": " << answer.error().message;
    return answer ? json::parse(*answer) : json();
  }
  Answer call(const std::string& operation, const json& given) override {
    json body = given;
    if (!body.contains("ServiceNamespace")) body["ServiceNamespace"] = "ecs";
    if (operation.find("Describe") == std::string::npos) {
      if (!body.contains("ResourceId")) body["ResourceId"] = "service/default/web";
      body["ScalableDimension"] = "ecs:service:DesiredCount";
    }
    return service_of_scaling_->answer(
        {.operation = operation, .body = body.dump(), .at = clock_.wall()});
  }
  int desired() {
    return ecs("DescribeServices", {{"services", {"web"}}})["services"][0]["desiredCount"];
  }
  json activities(bool with_not_scaled) {
    return good("DescribeScalingActivities",
                {{"IncludeNotScaledActivities", with_not_scaled}})["ScalingActivities"];
  }
  void raise(const std::string& name, metrics::AlarmState state) {
    metrics::Alarm alarm = alarms_.alarms().at(name);
    alarm.state = state;
    ASSERT_TRUE(alarms_.put(alarm));
  }
  void put_figure(const metrics::MetricName& name, double value) {
    metrics::Datum datum{.name = name};
    datum.at =
        std::chrono::duration_cast<std::chrono::seconds>(clock_.wall().time_since_epoch()).count();
    datum.statistics = metrics::statistics_of(value, 1);
    ASSERT_TRUE(figures_.add({datum}, metrics::Durability::kWritten, clock_.wall()));
    clock_.advance(std::chrono::minutes(1));
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-scaling-").value();
  metrics::MetricStore figures_ =
      metrics::MetricStore::open(directory_.path(), clock_.wall()).value();
  metrics::AlarmBook alarms_ = metrics::AlarmBook::open(directory_.path()).value();
  std::optional<scaling::ScalingBook> book_;
  std::unique_ptr<ScalingEngine> engine_;
  std::unique_ptr<ScalingService> service_of_scaling_;
  int changes_ = 0;
};

const json kTracking = {{"PolicyName", "cpu"},
                        {"PolicyType", "TargetTrackingScaling"},
                        {"TargetTrackingScalingPolicyConfiguration",
                         {{"TargetValue", 50},
                          {"PredefinedMetricSpecification",
                           {{"PredefinedMetricType", "ECSServiceAverageCPUUtilization"}}}}}};
const metrics::MetricName kCpu{
    "AWS/ECS", "CPUUtilization", {{"ClusterName", "default"}, {"ServiceName", "web"}}};

TEST_F(ScalingServiceTest, BoundsAreKeptAtOnceAndStayWhatTheyWere) {
  std::string arn =
      good("RegisterScalableTarget",
           {{"MinCapacity", 3}, {"MaxCapacity", 6}, {"Tags", {{"a", "b"}}}})["ScalableTargetARN"];
  EXPECT_THAT(arn, testing::MatchesRegex("arn:aws:application-autoscaling:us-east-1:000000000000:"
                                         "scalable-target/0ec5[0-9a-f]+"));
  EXPECT_EQ(desired(), 3);
  EXPECT_EQ(good("RegisterScalableTarget", {{"MaxCapacity", 4}})["ScalableTargetARN"], arn);
  json target = good("DescribeScalableTargets", json::object())["ScalableTargets"][0];
  EXPECT_EQ(target["MinCapacity"], 3);
  EXPECT_EQ(target["MaxCapacity"], 4);
  EXPECT_EQ(target["ResourceId"], "service/default/web");
  EXPECT_EQ(good("ListTagsForResource", {{"ResourceARN", arn}})["Tags"],
            json::object({{"a", "b"}}));
  good("TagResource", {{"ResourceARN", arn}, {"Tags", {{"c", "d"}}}});
  good("UntagResource", {{"ResourceARN", arn}, {"TagKeys", {"a"}}});
  EXPECT_EQ(good("ListTagsForResource", {{"ResourceARN", arn}})["Tags"],
            json::object({{"c", "d"}}));
  json story = activities(false);
  ASSERT_EQ(story.size(), 1U);
  EXPECT_EQ(story[0]["Cause"], "minimum capacity was set to 3");
  EXPECT_EQ(story[0]["StatusCode"], "InProgress");
  json request = {{"services", {"web"}}, {"include", {"CAUSES"}}};
  json events = ecs("DescribeServices", request)["services"][0]["events"];
  EXPECT_THAT(events.dump(), HasSubstr("desired count 3 instead of 2: minimum capacity"));

  open_scaling();
  EXPECT_EQ(good("DescribeScalableTargets", json::object())["ScalableTargets"][0], target);
  EXPECT_EQ(activities(false), story);
}

TEST_F(ScalingServiceTest, TargetTrackingActsByItsAlarms) {
  good("RegisterScalableTarget", {{"MinCapacity", 1}, {"MaxCapacity", 3}});
  json put = good("PutScalingPolicy", kTracking);
  std::string high = put["Alarms"][0]["AlarmName"];
  const metrics::Alarm alarm = alarms_.alarms().at(high);
  EXPECT_EQ(alarm.metric, kCpu);
  EXPECT_EQ(alarm.threshold, 50);
  EXPECT_EQ(alarm.evaluation_periods, 3);
  const metrics::Alarm low = alarms_.alarms().at(std::string(put["Alarms"][1]["AlarmName"]));
  EXPECT_EQ(low.threshold, 45);
  EXPECT_EQ(low.evaluation_periods, 15);

  for (int minute = 0; minute < 3; ++minute) put_figure(kCpu, 80);
  ASSERT_TRUE(alarms_.evaluate(figures_, clock_.wall()));
  EXPECT_EQ(alarms_.alarms().at(high).state, metrics::AlarmState::kAlarm);
  engine_->look();
  EXPECT_EQ(desired(), 2) << "nothing runs yet: nothing to count from";
  act();
  engine_->look();
  EXPECT_EQ(desired(), 3) << "2 x 80 / 50, and no more than its maximum";
  engine_->look();
  engine_->look();
  json story = activities(true);
  ASSERT_EQ(story.size(), 2U) << story;
  EXPECT_EQ(story[0]["NotScaledReasons"][0]["Code"], "AlreadyAtMaxCapacity");
  EXPECT_EQ(story[1]["Description"], "Setting desired count to 3.");
  EXPECT_THAT(std::string(story[1]["Cause"]), HasSubstr(high));
  EXPECT_EQ(activities(false).size(), 1U);

  // The same name again: the same policy and alarms, with another target.
  json changed = kTracking;
  changed["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] = 60;
  EXPECT_EQ(good("PutScalingPolicy", changed), put);
  EXPECT_EQ(alarms_.alarms().at(high).threshold, 60);

  // A death between the database and the alarms.
  ASSERT_TRUE(alarms_.remove({high}, 0));
  metrics::Alarm orphan = low;
  orphan.name = "TargetTracking-service/default/gone-AlarmLow-1";
  ASSERT_TRUE(alarms_.put(orphan));
  ASSERT_TRUE(engine_->reconcile());
  EXPECT_TRUE(alarms_.alarms().contains(high));
  EXPECT_FALSE(alarms_.alarms().contains(orphan.name));

  good("DeleteScalingPolicy", {{"PolicyName", "cpu"}});
  EXPECT_TRUE(alarms_.alarms().empty());
}

TEST_F(ScalingServiceTest, SchedulesAreDueAndMadeUpForOnce) {
  good("RegisterScalableTarget", {{"MinCapacity", 1}, {"MaxCapacity", 9}});
  good("PutScheduledAction", {{"ScheduledActionName", "more"},
                              {"Schedule", "rate(1 hour)"},
                              {"ScalableTargetAction", {{"MinCapacity", 5}}}});
  EXPECT_EQ(*engine_->next_due() - clock_.wall(), std::chrono::hours(1));
  clock_.advance(std::chrono::minutes(59));
  engine_->run_due();
  EXPECT_EQ(desired(), 2);
  clock_.advance(std::chrono::hours(5));
  open_scaling();  // it was not there for five of them
  engine_->run_due();
  EXPECT_EQ(desired(), 5);
  json story = activities(false);
  ASSERT_EQ(story.size(), 2U) << story;
  EXPECT_EQ(story[0]["Cause"], "minimum capacity was set to 5");
  EXPECT_EQ(story[1]["Cause"], "scheduled action name more was triggered");
  EXPECT_EQ(*engine_->next_due() - clock_.wall(), std::chrono::minutes(1));
  good("DeleteScheduledAction", {{"ScheduledActionName", "more"}});
  EXPECT_FALSE(engine_->next_due());
  EXPECT_GT(changes_, 0);
}

TEST_F(ScalingServiceTest, GoesWithItsService) {
  good("RegisterScalableTarget", {{"MinCapacity", 1}, {"MaxCapacity", 9}});
  good("PutScalingPolicy", kTracking);
  ecs("DeleteService", {{"service", "web"}, {"force", true}});
  engine_->look();
  EXPECT_TRUE(book_->targets().empty());
  EXPECT_TRUE(book_->policies().empty());
  EXPECT_TRUE(alarms_.alarms().empty());
}

TEST_F(ScalingServiceTest, SaysWhatIsWrong) {
  auto policy = [&](const json& changes) {
    json body = kTracking;
    body.merge_patch(changes);
    return refusal("PutScalingPolicy", body);
  };
  EXPECT_EQ(policy(json::object()).code, "ObjectNotFoundException");
  EXPECT_EQ(policy(json::object()).message,
            "No scalable target registered for service namespace: ecs, resource ID: "
            "service/default/web, scalable dimension: ecs:service:DesiredCount");
  EXPECT_EQ(refusal("DeregisterScalableTarget", json::object()).code, "ObjectNotFoundException");
  EXPECT_THAT(refusal("RegisterScalableTarget", {{"MinCapacity", 1}}).message,
              HasSubstr("MaxCapacity are required"));
  EXPECT_THAT(refusal("RegisterScalableTarget", {{"MinCapacity", 5}, {"MaxCapacity", 4}}).message,
              HasSubstr("cannot be less than MinCapacity"));
  EXPECT_THAT(
      refusal("RegisterScalableTarget",
              {{"ResourceId", "service/default/no"}, {"MinCapacity", 5}, {"MaxCapacity", 6}})
          .message,
      HasSubstr("ECS service doesn't exist"));
  EXPECT_THAT(refusal("RegisterScalableTarget", {{"ResourceId", "table/t"}}).message,
              HasSubstr("service/CLUSTER/SERVICE"));
  EXPECT_THAT(refusal("DescribeScalableTargets", {{"ServiceNamespace", "ec2"}}).message,
              HasSubstr("ServiceNamespace 'ec2'"));
  good("RegisterScalableTarget", {{"MinCapacity", 1}, {"MaxCapacity", 9}});
  const char* kRule = "TargetTrackingScalingPolicyConfiguration";
  EXPECT_THAT(policy({{"PolicyType", "PredictiveScaling"}}).message,
              HasSubstr("does not forecast"));
  EXPECT_THAT(policy({{kRule, {{"TargetValue", 0}}}}).message, HasSubstr("above 0"));
  EXPECT_THAT(policy({{kRule, {{"PredefinedMetricSpecification", nullptr}}}}).message,
              HasSubstr("has one of"));
  json alb = {{"PredefinedMetricType", "ALBRequestCountPerTarget"}};
  EXPECT_THAT(policy({{kRule, {{"PredefinedMetricSpecification", alb}}}}).message,
              HasSubstr("no load balancers"));
  json steps = {{"PolicyName", "s"},
                {"StepScalingPolicyConfiguration",
                 {{"AdjustmentType", "ChangeInCapacity"},
                  {"StepAdjustments",
                   {{{"MetricIntervalLowerBound", 0},
                     {"MetricIntervalUpperBound", 5},
                     {"ScalingAdjustment", 1}},
                    {{"MetricIntervalLowerBound", 7}, {"ScalingAdjustment", 1}}}}}}};
  EXPECT_THAT(refusal("PutScalingPolicy", steps).message, HasSubstr("gap"));
  auto action = [&](const json& changes) {
    json body = {{"ScheduledActionName", "a"},
                 {"Schedule", "rate(1 hour)"},
                 {"ScalableTargetAction", {{"MinCapacity", 5}}}};
    body.merge_patch(changes);
    return refusal("PutScheduledAction", body).message;
  };
  EXPECT_THAT(action({{"Schedule", "rate(1 hours)"}}), HasSubstr("Schedule: rate"));
  EXPECT_THAT(action({{"Timezone", "Mars/Olympus"}}), HasSubstr("no time zone of this host"));
  EXPECT_THAT(action({{"Timezone", "../../etc/passwd"}}), HasSubstr("no time zone of this host"));
  EXPECT_THAT(action({{"ScalableTargetAction", {{"MinCapacity", nullptr}}}}),
              HasSubstr("is required"));
  EXPECT_THAT(action({{"ScheduledActionName", "a/b"}}), HasSubstr("ScheduledActionName"));
  EXPECT_EQ(refusal("GetPredictiveScalingForecast", json::object()).code, "ValidationException");
}

}  // namespace
}  // namespace berth::api
