// EventBridge as SDKs ask it, over a scheduler whose agent is the test.
#include "api/events_service.h"

#include "api/events_operations.h"
#include "api/rule_engine.h"
#include "support/api_doc.h"
#include "support/ecs_host.h"
#include "support/json_asker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace berth::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(EventsOperations, AreThoseOfTheDocument) {
  expect_documented(eb::all_operations(), "events-api.md");
}

class EventsServiceTest : public testing::Test, protected EcsHost, protected JsonAsker {
 protected:
  EventsServiceTest()
      : EcsHost({.region = "us-east-1",
                 .account = "000000000000",
                 .cpu_units = 4096,
                 .memory_mib = 4096,
                 .security_groups = {}}) {
    json container = {{"name", "a"}, {"image", "busybox"}, {"memory", 16}};
    json body = {{"family", "job"}, {"containerDefinitions", {container}}};
    EXPECT_TRUE(ask("RegisterTaskDefinition", body.dump()));
    open_rules();
  }

  // Another process over the same store.
  void open_rules() {
    book_ = std::move(scaling::RuleBook::open(store_).value());
    Host host{"000000000000", "us-east-1"};
    engine_ = std::make_unique<RuleEngine>(*book_, *service_, host, Env{clock_, rng_});
    engine_->watch([this](const RuleRun& run) { runs_.push_back(run); });
    events_ = std::make_unique<EventsService>(*engine_, host, [] {});
  }
  Answer call(const std::string& operation, const json& body) override {
    return events_->answer({.operation = operation, .body = body.dump(), .at = clock_.wall()});
  }
  static json target(const std::string& id) {
    return {{"Id", id},
            {"Arn", "arn:aws:ecs:us-east-1:000000000000:cluster/default"},
            {"EcsParameters",
             {{"TaskDefinitionArn", "job"},
              {"TaskCount", 2},
              {"LaunchType", "EC2"},
              {"Tags", json::array({{{"Key", "k"}, {"Value", "v"}}})}}},
            {"Input", R"({"containerOverrides": [{"name": "a", "command": ["x"]}]})"}};
  }
  void put(const std::string& schedule) {
    good("PutRule", {{"Name", "nightly"}, {"ScheduleExpression", schedule}});
    good("PutTargets", {{"Rule", "nightly"}, {"Targets", json::array({target("1")})}});
  }
  void pass(Duration time) {
    clock_.advance(time);
    engine_->run_due();
  }

  std::vector<RuleRun> runs_;
  std::optional<scaling::RuleBook> book_;
  std::unique_ptr<RuleEngine> engine_;
  std::unique_ptr<EventsService> events_;
};

TEST_F(EventsServiceTest, ARuleRunsItsTasks) {
  put("rate(10 minutes)");
  EXPECT_EQ(*engine_->next_due() - clock_.wall(), std::chrono::minutes(10));
  pass(std::chrono::minutes(9));
  EXPECT_TRUE(core_->task_ids().empty());
  pass(std::chrono::minutes(1));
  ASSERT_EQ(core_->task_ids().size(), 2U);
  const scheduler::Task& task = *core_->find_task(core_->task_ids()[0]);
  EXPECT_EQ(task.request.started_by, "events-rule/nightly");
  EXPECT_EQ(task.definition.container_definitions[0].command, std::vector<std::string>{"x"});
  EXPECT_EQ(task.request.tags, (std::vector<scheduler::KeyValue>{{"k", "v"}}));
  pass(std::chrono::minutes(35));  // a process that was busy: once
  EXPECT_EQ(core_->task_ids().size(), 4U);
  good("DisableRule", {{"Name", "nightly"}});
  EXPECT_FALSE(engine_->next_due());
  pass(std::chrono::hours(1));
  EXPECT_EQ(core_->task_ids().size(), 4U);
  good("EnableRule", {{"Name", "nightly"}});
  EXPECT_EQ(*engine_->next_due() - clock_.wall(), std::chrono::minutes(10));
}

TEST_F(EventsServiceTest, WhatAProcessWasNotThereForIsNotMadeUpFor) {
  put("cron(0 2 * * ? *)");
  clock_.advance(std::chrono::hours(49));
  open_rules();
  pass(std::chrono::seconds(0));
  EXPECT_TRUE(core_->task_ids().empty());
  pass(std::chrono::hours(24));
  EXPECT_EQ(core_->task_ids().size(), 2U);
}

TEST_F(EventsServiceTest, WhatBecameOfATargetIsTold) {
  put("rate(1 day)");
  pass(std::chrono::hours(24));
  ASSERT_EQ(runs_.size(), 1U);
  EXPECT_EQ(runs_[0], (RuleRun{.rule = "nightly",
                               .target = "1",
                               .cluster = "default",
                               .at = clock_.wall(),
                               .tasks = 2}));
  json many = {{"name", "a"}, {"image", "busybox"}, {"memory", 3000}};
  json body = {{"family", "job"}, {"containerDefinitions", {many}}};
  ASSERT_TRUE(ask("RegisterTaskDefinition", body.dump()));
  pass(std::chrono::hours(24));
  EXPECT_EQ(runs_[1].tasks, 1U);  // there is room for one
  EXPECT_THAT(runs_[1].failure, HasSubstr("RESOURCE:MEMORY"));
  json gone = target("1");
  gone["EcsParameters"]["TaskDefinitionArn"] = "none";
  good("PutTargets", {{"Rule", "nightly"}, {"Targets", json::array({gone})}});
  pass(std::chrono::hours(24));
  EXPECT_EQ(runs_[2].tasks, 0U);
  EXPECT_EQ(runs_[2].failure, "ClientException: TaskDefinition not found.");
}

TEST_F(EventsServiceTest, RulesAreToldAndGo) {
  put("rate(1 day)");
  json rule = good("DescribeRule", {{"Name", "nightly"}});
  EXPECT_EQ(rule["Arn"], "arn:aws:events:us-east-1:000000000000:rule/nightly");
  EXPECT_EQ(rule["State"], "ENABLED");
  EXPECT_EQ(good("ListRules", json::object())["Rules"][0], rule);
  EXPECT_EQ(good("ListTargetsByRule", {{"Rule", "nightly"}})["Targets"][0], target("1"));
  EXPECT_EQ(good("ListRuleNamesByTarget", {{"TargetArn", target("1")["Arn"]}})["RuleNames"],
            json::array({"nightly"}));
  good("TagResource",
       {{"ResourceARN", rule["Arn"]}, {"Tags", json::array({{{"Key", "a"}, {"Value", "b"}}})}});
  EXPECT_EQ(good("ListTagsForResource", {{"ResourceARN", rule["Arn"]}})["Tags"].size(), 1U);
  good("UntagResource", {{"ResourceARN", rule["Arn"]}, {"TagKeys", {"a"}}});
  EXPECT_TRUE(good("ListTagsForResource", {{"ResourceARN", rule["Arn"]}})["Tags"].empty());
  EXPECT_THAT(refusal("DeleteRule", {{"Name", "nightly"}}).message, HasSubstr("has targets"));
  json removed = good("RemoveTargets", {{"Rule", "nightly"}, {"Ids", {"1", "2"}}});
  EXPECT_EQ(removed["FailedEntryCount"], 1);
  EXPECT_EQ(removed["FailedEntries"][0]["TargetId"], "2");
  good("DeleteRule", {{"Name", "nightly"}});
  good("DeleteRule", {{"Name", "nightly"}});
  EXPECT_EQ(refusal("DescribeRule", {{"Name", "nightly"}}).code, "ResourceNotFoundException");
  open_rules();
  EXPECT_TRUE(book_->rules().empty());
}

TEST_F(EventsServiceTest, SaysWhatIsWrong) {
  auto rule = [&](json body) {
    body["Name"] = "r";
    return refusal("PutRule", body).message;
  };
  EXPECT_THAT(rule({{"EventPattern", "{}"}}), HasSubstr("EventPattern: berth has no events"));
  EXPECT_THAT(rule(json::object()), HasSubstr("ScheduleExpression is required"));
  EXPECT_THAT(rule({{"ScheduleExpression", "rate(5 minute)"}}),
              testing::EndsWith("ScheduleExpression is not valid."));
  EXPECT_EQ(rule({{"ScheduleExpression", "at(2026-12-24T18:00:00)"}}),
            "Parameter ScheduleExpression is not valid.");
  Refusal named = refusal("PutRule", {{"Name", "a b"}, {"ScheduleExpression", "rate(1 day)"}});
  EXPECT_EQ(named.code, "ValidationException");
  EXPECT_EQ(
      named.message,
      "1 validation error detected: Value 'a b' at 'name' failed to satisfy constraint: Member "
      "must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+");
  Refusal bus = refusal("PutRule", {{"Name", "a"}, {"EventBusName", "mine"}});
  EXPECT_EQ(bus.code, "ResourceNotFoundException");
  EXPECT_EQ(bus.message, "Event bus mine does not exist.");
  auto untagged = [&](const std::string& resource) {
    std::string arn = "arn:aws:events:us-east-1:000000000000:" + resource;
    return refusal("ListTagsForResource", {{"ResourceARN", arn}});
  };
  EXPECT_EQ(untagged("rule/none").message, "Rule none does not exist on EventBus default.");
  EXPECT_EQ(untagged("event-bus/none").message, "Event bus none does not exist.");
  EXPECT_EQ(untagged("event-bus/default").code, "ValidationException");
  put("rate(1 day)");
  auto wrong = [&](const json& changes) {
    json body = target("1");
    body.merge_patch(changes);
    return refusal("PutTargets", {{"Rule", "nightly"}, {"Targets", json::array({body})}}).message;
  };
  EXPECT_THAT(wrong({{"Arn", "arn:aws:lambda:us-east-1:000000000000:function:f"}}),
              HasSubstr("must be the ARN of a cluster"));
  EXPECT_THAT(wrong({{"SqsParameters", json::object()}}), HasSubstr("rules run tasks"));
  EXPECT_THAT(wrong({{"InputTransformer", json::object()}}), HasSubstr("constant Input"));
  EXPECT_THAT(wrong({{"EcsParameters", nullptr}}), HasSubstr("EcsParameters: is required"));
  EXPECT_THAT(wrong({{"EcsParameters", {{"TaskCount", 11}}}}),
              HasSubstr("Value '11' at 'targets.1.member.ecsParameters.taskCount' failed"));
  EXPECT_EQ(wrong({{"Id", std::string(65, 'a')}}),
            "1 validation error detected: Value '" + std::string(65, 'a') +
                "' at 'targets.1.member.id' failed to satisfy constraint: Member must have length "
                "less than or equal to 64");
  EXPECT_THAT(wrong({{"Input", "{"}}), HasSubstr("overrides of RunTask"));
  EXPECT_THAT(wrong({{"Input", R"({"containerOverrides": 5})"}}),
              HasSubstr("overrides of RunTask"));
}

}  // namespace
}  // namespace berth::api
