// Deployments that shift traffic, task sets and berth's own members of services, by ECS's
// operations over a scheduler whose agent is the test.
#include "api/ecs_service.h"
#include "support/ecs_host.h"
#include "support/json_asker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>

namespace berth::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kHere = "arn:aws:ecs:us-east-1:000000000000:";
constexpr std::chrono::seconds kSettled(41);  // a task that has run for so long is healthy

class EcsStrategiesTest : public testing::Test, protected EcsHost, protected JsonAsker {
 protected:
  EcsStrategiesTest()
      : EcsHost({.region = "us-east-1",
                 .account = "000000000000",
                 .cpu_units = 4096,
                 .memory_mib = 4096,
                 .security_groups = {}}) {
    register_revision();
  }

  Answer call(const std::string& operation, const json& body) override {
    return ask(operation, body.dump());
  }

  void register_revision() {
    json container = {{"name", "a"}, {"image", "busybox"}, {"memory", 128}, {"cpu", 64}};
    good("RegisterTaskDefinition", {{"family", "web"}, {"containerDefinitions", {container}}});
  }
  static json web(const json& more) {
    json body = {{"serviceName", "s"}, {"taskDefinition", "web:1"}, {"desiredCount", 2}};
    body.update(more);
    return body;
  }
  static json with(const json& deployment) { return {{"deploymentConfiguration", deployment}}; }
  // A service whose first revision is complete, and its next deployment.
  std::string deploy(const json& deployment) {
    json first = deployment;
    first.erase("lifecycleHooks");  // they are for the next one
    good("CreateService", web(with(first)));
    settle();
    register_revision();
    json request = with(deployment);
    request.update({{"service", "s"}, {"taskDefinition", "web:2"}});
    json changed = good("UpdateService", request);
    return changed["service"]["currentServiceDeployment"];
  }
  json service() { return good("DescribeServices", {{"services", {"s"}}})["services"][0]; }
  json progress(const std::string& arn) {
    json body = {{"serviceDeploymentArns", {arn}}, {"include", {"WAITS"}}};
    return good("DescribeServiceDeployments", body)["serviceDeployments"][0];
  }
  // The agent works, and what runs becomes healthy.
  void settle() {
    for (int i = 0; i < 4; ++i) pass(kSettled);
  }
  void pass(Duration time) {
    act();
    clock_.advance(time);
    ASSERT_TRUE(step());
    act();
  }

  json external() {
    return good("CreateService", {{"serviceName", "s"},
                                  {"desiredCount", 5},
                                  {"deploymentController", {{"type", "EXTERNAL"}}}})["service"];
  }
  static json of_s(const json& more) {
    json body = {{"cluster", "default"}, {"service", "s"}};
    body.update(more);
    return body;
  }
  json create_set(const json& more) {
    json body = of_s({{"taskDefinition", "web"}});
    body.update(more);
    return good("CreateTaskSet", body)["taskSet"];
  }
};

TEST_F(EcsStrategiesTest, BlueGreenPausesShiftsBakesAndCleansUp) {
  json hook = {{"targetType", "PAUSE"},
               {"lifecycleStages", {"POST_TEST_TRAFFIC_SHIFT"}},
               {"hookDetails", {{"who", "me"}}},
               {"timeoutConfiguration", {{"timeoutInMinutes", 60}}}};
  json rules = {{"strategy", "BLUE_GREEN"}, {"bakeTimeInMinutes", 5}, {"lifecycleHooks", {hook}}};
  std::string arn = deploy(rules);
  json shown = service()["deploymentConfiguration"];
  EXPECT_EQ(shown["strategy"], "BLUE_GREEN");
  EXPECT_EQ(shown["lifecycleHooks"][0]["hookDetails"], json({{"who", "me"}}));
  EXPECT_EQ(shown["lifecycleHooks"][0]["timeoutConfiguration"],
            json({{"timeoutInMinutes", 60}, {"action", "ROLLBACK"}}));
  EXPECT_EQ(service()["deployments"][1]["desiredCount"], 2);
  settle();
  json paused = progress(arn);
  EXPECT_EQ(paused["status"], "IN_PROGRESS");
  EXPECT_EQ(paused["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
  EXPECT_EQ(paused["targetServiceRevision"]["requestedTestTrafficWeight"], 100.0);
  EXPECT_EQ(paused["targetServiceRevision"]["requestedProductionTrafficWeight"], 0.0);
  EXPECT_EQ(paused["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"], 100.0);
  json waiting = paused["lifecycleHookDetails"][0];
  EXPECT_EQ(waiting["status"], "AWAITING_ACTION");
  EXPECT_EQ(waiting["targetType"], "PAUSE");
  EXPECT_EQ(waiting["timeoutAction"], "ROLLBACK");
  EXPECT_EQ(waiting["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
  EXPECT_THAT(std::string(waiting["hookId"]), HasSubstr("ecs-pause-"));
  json plain = good("DescribeServiceDeployments", {{"serviceDeploymentArns", {arn}}});
  EXPECT_FALSE(
      plain["serviceDeployments"][0]["lifecycleHookDetails"][0].contains("lifecycleStage"));
  EXPECT_EQ(
      refusal("ContinueServiceDeployment", {{"serviceDeploymentArn", arn}, {"hookId", "x"}}).code,
      "InvalidParameterException");
  open();  // berthd dies and comes back
  json request = {{"serviceDeploymentArn", arn}, {"hookId", waiting["hookId"]}};
  EXPECT_EQ(good("ContinueServiceDeployment", request)["serviceDeploymentArn"], arn);
  json baking = progress(arn);
  EXPECT_EQ(baking["lifecycleStage"], "BAKE_TIME");
  EXPECT_EQ(baking["targetServiceRevision"]["requestedProductionTrafficWeight"], 100.0);
  EXPECT_EQ(baking["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"], 0.0);
  EXPECT_TRUE(baking.contains("bakesUntil"));
  EXPECT_EQ(service()["runningCount"], 4);
  EXPECT_EQ(refusal("ContinueServiceDeployment", request).code, "InvalidParameterException");
  pass(std::chrono::minutes(5));
  act();
  json done = progress(arn);
  EXPECT_EQ(done["status"], "SUCCESSFUL");
  EXPECT_EQ(done["lifecycleHookDetails"][0]["status"], "SUCCEEDED");
  EXPECT_EQ(service()["deployments"].size(), 1u);
  EXPECT_EQ(service()["runningCount"], 2);
  EXPECT_EQ(service()["taskDefinition"], kHere + "task-definition/web:2");
}

TEST_F(EcsStrategiesTest, GreenHasNoTasksToHaveBeforeItScalesUp) {
  json hook = {{"targetType", "PAUSE"}, {"lifecycleStages", {"PRE_SCALE_UP"}}};
  std::string arn =
      deploy({{"strategy", "BLUE_GREEN"}, {"bakeTimeInMinutes", 0}, {"lifecycleHooks", {hook}}});
  EXPECT_EQ(progress(arn)["targetServiceRevision"]["requestedTaskCount"], 0);
  EXPECT_EQ(progress(arn)["sourceServiceRevisions"][0]["requestedTaskCount"], 2);
  json waiting = progress(arn)["lifecycleHookDetails"][0];
  double now = std::chrono::duration<double>(clock_.wall().time_since_epoch()).count();
  EXPECT_NEAR(waiting["expiresAt"], now + 1440 * 60, 1);  // AWS's default
  json answer = {
      {"serviceDeploymentArn", arn}, {"hookId", waiting["hookId"]}, {"action", "ROLLBACK"}};
  good("ContinueServiceDeployment", answer);
  act();
  EXPECT_EQ(progress(arn)["status"], "ROLLBACK_SUCCESSFUL");
  EXPECT_EQ(progress(arn)["lifecycleHookDetails"][0]["status"], "FAILED");
  EXPECT_EQ(service()["taskDefinition"], kHere + "task-definition/web:1");
}

TEST_F(EcsStrategiesTest, AHookThatIsNotAnsweredTimesOut) {
  for (const char* action : {"ROLLBACK", "CONTINUE"}) {
    json hook = {{"targetType", "PAUSE"},
                 {"lifecycleStages", {"PRE_SCALE_UP"}},
                 {"timeoutConfiguration", {{"timeoutInMinutes", 10}, {"action", action}}}};
    std::string arn =
        deploy({{"strategy", "BLUE_GREEN"}, {"bakeTimeInMinutes", 0}, {"lifecycleHooks", {hook}}});
    pass(std::chrono::minutes(10));
    settle();
    EXPECT_EQ(progress(arn)["lifecycleHookDetails"][0]["status"], "TIMED_OUT");
    EXPECT_EQ(progress(arn)["status"],
              std::string(action) == "CONTINUE" ? "SUCCESSFUL" : "ROLLBACK_SUCCESSFUL");
    good("DeleteService", {{"service", "s"}, {"force", true}});
    act();
  }
}

TEST_F(EcsStrategiesTest, LinearAndCanaryGoInSteps) {
  json linear = {{"strategy", "LINEAR"},
                 {"linearConfiguration", {{"stepPercent", 33.4}, {"stepBakeTimeInMinutes", 2}}}};
  std::string arn = deploy(linear);
  EXPECT_EQ(service()["deploymentConfiguration"]["linearConfiguration"],
            linear["linearConfiguration"]);
  pass(kSettled);
  EXPECT_EQ(progress(arn)["lifecycleStage"], "PRODUCTION_TRAFFIC_SHIFT");
  EXPECT_EQ(progress(arn)["targetServiceRevision"]["requestedProductionTrafficWeight"], 33.4);
  EXPECT_EQ(progress(arn)["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"], 66.6);
  pass(std::chrono::minutes(2));
  EXPECT_EQ(progress(arn)["targetServiceRevision"]["requestedProductionTrafficWeight"], 66.8);
  json canary = with({{"strategy", "CANARY"}, {"canaryConfiguration", {{"canaryPercent", 0.1}}}});
  canary.update({{"service", "s"}, {"forceNewDeployment", true}});
  json changed = good("UpdateService", canary)["service"];
  EXPECT_EQ(progress(arn)["status"], "STOPPED");
  EXPECT_FALSE(changed["deploymentConfiguration"].contains("linearConfiguration"));
  EXPECT_EQ(changed["deploymentConfiguration"]["canaryConfiguration"],
            json({{"canaryPercent", 0.1}, {"canaryBakeTimeInMinutes", 10}}));
  arn = changed["currentServiceDeployment"];
  EXPECT_EQ(progress(arn)["lifecycleStage"], "RECONCILE_SERVICE");
  act();
  pass(kSettled);
  EXPECT_EQ(progress(arn)["targetServiceRevision"]["requestedProductionTrafficWeight"], 0.1);
  pass(std::chrono::minutes(10));
  act();
  EXPECT_EQ(progress(arn)["status"], "SUCCESSFUL");
}

TEST_F(EcsStrategiesTest, StoppedWhereItIsBothSidesStay) {
  std::string arn = deploy({{"strategy", "BLUE_GREEN"}, {"bakeTimeInMinutes", 60}});
  settle();
  EXPECT_EQ(progress(arn)["lifecycleStage"], "BAKE_TIME");
  good("StopServiceDeployment", {{"serviceDeploymentArn", arn}, {"stopType", "ABORT"}});
  settle();
  json stopped = progress(arn);
  EXPECT_EQ(stopped["status"], "STOPPED");
  EXPECT_EQ(stopped["targetServiceRevision"]["requestedProductionTrafficWeight"], 100.0);
  EXPECT_EQ(service()["runningCount"], 4);
  json tasks = good("ListTasks", {{"serviceName", "s"}})["taskArns"];
  for (const json& task : tasks) {  // blue or green, it is made up for
    std::string id = std::string(task).substr(std::string(task).rfind('/') + 1);
    end_container(id, 1);
    act();
  }
  EXPECT_EQ(service()["runningCount"], 4);
  EXPECT_EQ(refusal("StopServiceDeployment", {{"serviceDeploymentArn", arn}}).code,
            "ConflictException");
  json next = good("UpdateService", {{"service", "s"}, {"taskDefinition", "web:1"}})["service"];
  clock_.advance(std::chrono::hours(2));
  settle();
  EXPECT_EQ(service()["runningCount"], 4);  // another bake
  clock_.advance(std::chrono::hours(2));
  settle();
  EXPECT_EQ(progress(next["currentServiceDeployment"])["status"], "SUCCESSFUL");
  EXPECT_EQ(service()["runningCount"], 2);
}

struct RefusedMember {
  const char* more;
  const char* code;
  const char* message;
};

TEST_F(EcsStrategiesTest, WhatAStrategyMayNotBe) {
  constexpr const char* kInvalid = "InvalidParameterException";
  constexpr const char* kUnsupported = "UnsupportedFeatureException";
  const std::vector<RefusedMember> cases = {
      {R"({"strategy": "BLUE_GREEN"})", kInvalid, "bakeTimeInMinutes can not be null"},
      {R"({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1441})", kInvalid, "between 0 and 1440"},
      {R"({"strategy": "CANARY", "linearConfiguration": {}})", kInvalid,
       "linearConfiguration is only valid when the deployment strategy is LINEAR."},
      {R"({"canaryConfiguration": {}})", kInvalid, "only valid when the deployment strategy is"},
      {R"({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.9}})", kInvalid,
       "stepPercent must be a multiple of 0.1 from 3.0 to 100.0"},
      {R"({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 10.05}})", kInvalid,
       "multiple of 0.1"},
      {R"({"strategy": "LINEAR", "linearConfiguration": {"stepBakeTimeInMinutes": 1441}})",
       kInvalid, "stepBakeTimeInMinutes must be between 0 and 1440"},
      {R"({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0}})", kInvalid,
       "canaryPercent must be a multiple of 0.1 from 0.1 to 100.0"},
      {R"({"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": -1}})",
       kInvalid, "canaryBakeTimeInMinutes"},
      {R"({"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]})",
       kUnsupported, "ROLLING has no stages"},
      {R"({"strategy": "LINEAR", "lifecycleHooks": [{"lifecycleStages": ["PRE_SCALE_UP"],
          "hookTargetArn": "arn:aws:lambda:us-east-1:000000000000:function:f"}]})",
       kUnsupported, "runs no Lambda functions"},
      {R"({"strategy": "LINEAR", "lifecycleHooks": [{"targetType": "PAUSE"}]})", kInvalid,
       "lifecycleStages can not be empty"},
      {R"({"strategy": "LINEAR", "lifecycleHooks": [{"targetType": "PAUSE",
          "lifecycleStages": ["SCALE_UP"]}]})",
       kInvalid, "SCALE_UP is no lifecycle stage that hooks are asked at"},
      {R"({"strategy": "LINEAR", "lifecycleHooks": [{"targetType": "PAUSE",
          "lifecycleStages": ["PRODUCTION_TRAFFIC_SHIFT"]}]})",
       kInvalid, "a PAUSE hook cannot be at PRODUCTION_TRAFFIC_SHIFT"},
      {R"({"strategy": "LINEAR", "lifecycleHooks": [{"targetType": "PAUSE", "roleArn": "r",
          "lifecycleStages": ["PRE_SCALE_UP"]}]})",
       kInvalid, "roleArn: a hook of targetType PAUSE has none"},
      {R"({"strategy": "LINEAR", "lifecycleHooks": [{"targetType": "PAUSE",
          "lifecycleStages": ["PRE_SCALE_UP"],
          "timeoutConfiguration": {"timeoutInMinutes": 20161}}]})",
       kInvalid, "timeoutInMinutes must be between 1 and 20160"},
      {R"({"strategy": "LINEAR", "lifecycleHooks": [{"targetType": "PAUSE",
          "lifecycleStages": ["PRE_SCALE_UP"], "timeoutConfiguration": {"action": "STOP"}}]})",
       kInvalid, "action"},
  };
  for (const RefusedMember& each : cases) {
    SCOPED_TRACE(each.more);
    Refusal got = refusal("CreateService", web(with(json::parse(each.more))));
    EXPECT_EQ(got.code, each.code) << got.message;
    EXPECT_THAT(got.message, HasSubstr(each.message));
  }
  json daemon = {{"serviceName", "s"}, {"taskDefinition", "web"}, {"schedulingStrategy", "DAEMON"}};
  daemon.update(with({{"strategy", "CANARY"}}));
  EXPECT_THAT(refusal("CreateService", daemon).message, HasSubstr("daemon scheduling strategy"));
  EXPECT_TRUE(core_->services().all().empty());
}

TEST_F(EcsStrategiesTest, BackToRollingNothingOfTheOthersIsLeft) {
  json hook = {{"targetType", "PAUSE"}, {"lifecycleStages", {"PRE_SCALE_UP"}}};
  json rules = {{"strategy", "CANARY"}, {"lifecycleHooks", {hook}}};
  good("CreateService", web(with(rules)));
  json request = with({{"strategy", "ROLLING"}});
  request["service"] = "s";
  json shown = good("UpdateService", request)["service"]["deploymentConfiguration"];
  EXPECT_EQ(shown["strategy"], "ROLLING");
  EXPECT_FALSE(shown.contains("lifecycleHooks") || shown.contains("canaryConfiguration"));
}

TEST_F(EcsStrategiesTest, TaskSetsAreMadeScaledAndRemoved) {
  json made = external();
  EXPECT_EQ(made["deploymentController"]["type"], "EXTERNAL");
  EXPECT_EQ(made["deployments"], json::array());
  EXPECT_EQ(made["taskSets"], json::array());
  EXPECT_FALSE(made.contains("taskDefinition") || made.contains("launchType"));
  json tags = {{{"key", "k"}, {"value", "v"}}};
  json blue = create_set({{"externalId", "one"}, {"clientToken", "t"}, {"tags", tags}});
  std::string id = blue["id"];
  EXPECT_EQ(blue["taskSetArn"], kHere + "task-set/default/s/" + id);
  EXPECT_EQ(blue["status"], "ACTIVE");
  EXPECT_EQ(blue["scale"], json({{"value", 100.0}, {"unit", "PERCENT"}}));
  EXPECT_EQ(blue["computedDesiredCount"], 5);
  EXPECT_EQ(blue["stabilityStatus"], "STABILIZING");
  EXPECT_EQ(blue["externalId"], "one");
  EXPECT_EQ(blue["launchType"], "EC2");
  EXPECT_EQ(blue["taskDefinition"], kHere + "task-definition/web:1");
  EXPECT_EQ(create_set({{"clientToken", "t"}})["id"], id);  // the same token is the same set
  json green = create_set({{"scale", {{"value", 24.9999}, {"unit", "PERCENT"}}}});
  EXPECT_EQ(green["computedDesiredCount"], 2);  // 1.249995, rounded up
  EXPECT_EQ(green["scale"]["value"], 24.9999);
  settle();
  json described = good("DescribeTaskSets", of_s({{"include", {"TAGS"}}}))["taskSets"];
  ASSERT_EQ(described.size(), 2u);
  EXPECT_EQ(described[0]["stabilityStatus"], "STEADY_STATE");
  std::string events = service()["events"].dump();
  EXPECT_THAT(events, HasSubstr("(service s, taskSet " + id + ") has started 5 tasks: (task "));
  EXPECT_THAT(events, HasSubstr("(service s, taskSet " + id + ") updated state to STEADY_STATE."));
  EXPECT_EQ(described[0]["runningCount"], 5);
  EXPECT_EQ(described[0]["tags"], tags);
  EXPECT_EQ(good("ListTasks", {{"startedBy", id}})["taskArns"].size(), 5u);
  json switched =
      good("UpdateServicePrimaryTaskSet", of_s({{"primaryTaskSet", green["taskSetArn"]}}));
  EXPECT_EQ(switched["taskSet"]["status"], "PRIMARY");
  EXPECT_EQ(service()["taskSets"][0]["id"], green["id"]);  // the PRIMARY in front
  EXPECT_EQ(service()["taskDefinition"], kHere + "task-definition/web:1");
  json scaled = of_s({{"taskSet", green["id"]}, {"scale", {{"value", 100}}}});
  EXPECT_EQ(good("UpdateTaskSet", scaled)["taskSet"]["computedDesiredCount"], 5);
  good("UpdateService", {{"service", "s"}, {"desiredCount", 3}});
  settle();
  EXPECT_EQ(service()["runningCount"], 6);
  EXPECT_THAT(refusal("DeleteTaskSet", of_s({{"taskSet", id}})).message, HasSubstr("force"));
  json gone = good("DeleteTaskSet", of_s({{"taskSet", id}, {"force", true}}))["taskSet"];
  EXPECT_EQ(gone["status"], "DRAINING");
  EXPECT_EQ(gone["computedDesiredCount"], 0);
  act();
  EXPECT_EQ(service()["taskSets"].size(), 1u);
  EXPECT_EQ(good("DescribeTaskSets", of_s({{"taskSets", {id}}}))["failures"][0]["reason"],
            "MISSING");
  good("TagResource", {{"resourceArn", green["taskSetArn"]}, {"tags", tags}});
  open();
  EXPECT_EQ(good("ListTagsForResource", {{"resourceArn", green["taskSetArn"]}})["tags"], tags);
  good("DeleteService", {{"service", "s"}, {"force", true}});
  act();
  EXPECT_EQ(service()["status"], "INACTIVE");
}

TEST_F(EcsStrategiesTest, ADefinitionOfATaskSetIsNotForgotten) {
  external();
  create_set(json::object());
  good("DeregisterTaskDefinition", {{"taskDefinition", "web:1"}});
  good("DeleteTaskDefinitions", {{"taskDefinitions", {"web:1"}}});
  clock_.advance(std::chrono::hours(3));
  json shown = good("DescribeTaskDefinition", {{"taskDefinition", "web:1"}});
  EXPECT_EQ(shown["taskDefinition"]["status"], "DELETE_IN_PROGRESS");
}

TEST_F(EcsStrategiesTest, WhatTaskSetsMayNotBe) {
  good("CreateService", web({{"serviceName", "own"}}));
  json own = {{"cluster", "default"}, {"service", "own"}, {"taskDefinition", "web"}};
  EXPECT_THAT(
      refusal("CreateTaskSet", own).message,
      HasSubstr("only supports task set management on services configured to use external"));
  external();
  struct RefusedCall {
    const char* operation;
    const char* more;
    const char* code;
    const char* message;
  };
  constexpr const char* kInvalid = "InvalidParameterException";
  const std::vector<RefusedCall> cases = {
      {"CreateTaskSet", R"({"cluster": null})", kInvalid, "cluster can not be blank"},
      {"CreateTaskSet", R"({"service": "no"})", "ServiceNotFoundException", "Service not found."},
      {"CreateTaskSet", "{}", kInvalid, "taskDefinition can not be blank"},
      {"CreateTaskSet", R"({"taskDefinition": "no"})", "ClientException", "not found"},
      {"CreateTaskSet", R"({"taskDefinition": "web", "scale": {"value": 100.1}})", kInvalid,
       "scale.value must be between 0 and 100"},
      {"CreateTaskSet", R"({"taskDefinition": "web", "scale": {"unit": "COUNT", "value": 1}})",
       kInvalid, "scale.unit"},
      {"CreateTaskSet", R"({"taskDefinition": "web", "scale": {}})", kInvalid,
       "scale.value can not be null"},
      {"CreateTaskSet", R"({"taskDefinition": "web", "loadBalancers": [{"targetGroupArn": "x"}]})",
       "UnsupportedFeatureException", "loadBalancers"},
      {"CreateTaskSet", R"({"taskDefinition": "web", "launchType": "FARGATE"})", kInvalid,
       "FARGATE"},
      {"UpdateTaskSet", R"({"taskSet": "ecs-svc/1"})", kInvalid, "scale can not be null"},
      {"UpdateTaskSet", R"({"taskSet": "ecs-svc/1", "scale": {"value": 1}})",
       "TaskSetNotFoundException", "TaskSet not found."},
      {"DeleteTaskSet", R"({"taskSet": "ecs-svc/1"})", "TaskSetNotFoundException", "not found"},
      {"DeleteTaskSet", "{}", kInvalid, "taskSet can not be blank"},
      {"DescribeTaskSets", R"({"include": ["ALL"]})", kInvalid, "include"},
      {"UpdateServicePrimaryTaskSet", R"({"primaryTaskSet": "ecs-svc/1"})",
       "TaskSetNotFoundException", "not found"},
      {"UpdateService", R"({"taskDefinition": "web"})", kInvalid,
       "Unable to update task definition on services with an EXTERNAL deployment controller"},
      {"UpdateService", R"({"forceNewDeployment": true})", kInvalid, "Cannot force"},
      {"UpdateService", R"({"deploymentConfiguration": {"strategy": "LINEAR"}})", kInvalid,
       "whoever controls"},
  };
  for (const RefusedCall& each : cases) {
    SCOPED_TRACE(std::string(each.operation) + each.more);
    Refusal got = refusal(each.operation, of_s(json::parse(each.more)));
    EXPECT_EQ(got.code, each.code) << got.message;
    EXPECT_THAT(got.message, HasSubstr(each.message));
  }
  for (int i = 0; i < 5; ++i) create_set({{"scale", {{"value", 0}}}});
  EXPECT_EQ(refusal("CreateTaskSet", of_s({{"taskDefinition", "web"}})).message,
            "5 deployments exist on the service. Unable to create new TaskSet since this exceeds "
            "the maximum limit.");
  json mixed = web({{"serviceName", "x"}, {"deploymentController", {{"type", "EXTERNAL"}}}});
  EXPECT_THAT(refusal("CreateService", mixed).message, HasSubstr("TaskDefinition must be blank"));
}

TEST_F(EcsStrategiesTest, AServiceWaitsForThoseThatItDependsOn) {
  good("CreateService", web({{"serviceName", "db"}, {"desiredCount", 1}}));
  good("CreateService", web({{"x-berth-dependsOn", {"db"}}}));
  json tag = {{{"key", "x-berth-dependsOn"}, {"value", "db s"}}};
  good("CreateService", web({{"serviceName", "t"}, {"tags", tag}}));
  EXPECT_EQ(core_->task_ids().size(), 1u);  // db's
  json causes = good("DescribeServices", {{"services", {"s"}}, {"include", {"CAUSES"}}});
  const json shown = causes["services"][0];
  EXPECT_EQ(shown["x-berth-dependsOn"], json({"db"}));
  EXPECT_FALSE(service().contains("x-berth-dependsOn"));
  EXPECT_EQ(shown["events"][0]["name"], "SERVICE_WAITS");
  EXPECT_EQ(shown["events"][0]["cause"], "it waits for service db to be steady");
  open();
  pass(kSettled);
  EXPECT_EQ(service()["pendingCount"].get<int>() + service()["runningCount"].get<int>(), 2);
  EXPECT_EQ(core_->task_ids().size(), 3u);
  pass(kSettled);
  EXPECT_EQ(core_->task_ids().size(), 5u);
  // One that serves goes on without it.
  good("DeleteService", {{"service", "db"}, {"force", true}});
  settle();
  json tasks = good("ListTasks", {{"serviceName", "s"}})["taskArns"];
  std::string arn = tasks[0];
  end_container(arn.substr(arn.rfind('/') + 1), 1);
  act();
  EXPECT_EQ(service()["runningCount"], 2);
}

TEST_F(EcsStrategiesTest, AHeldServiceRestsUntilItIsResumed) {
  good("CreateService", web(json::object()));
  settle();
  good("UpdateService", {{"service", "s"}, {"x-berth-hold", true}});
  act();
  ASSERT_EQ(held_.size(), 2u);
  for (const auto& [id, is_held] : held_) EXPECT_TRUE(is_held);
  end_container(held_.begin()->first, 1);
  act();
  good("UpdateService", {{"service", "s"}, {"desiredCount", 3}});
  open();
  pass(kSettled);
  EXPECT_EQ(service()["runningCount"], 1);  // nothing is replaced, nothing started
  EXPECT_EQ(core_->task_ids().size(), 2u);
  json shown = good("DescribeServices", {{"services", {"s"}}, {"include", {"CAUSES"}}});
  EXPECT_EQ(shown["services"][0]["x-berth-hold"], true);
  EXPECT_FALSE(service().contains("x-berth-hold"));
  std::string left = good("ListTasks", {{"serviceName", "s"}})["taskArns"][0];
  EXPECT_TRUE(core_->find_task(left.substr(left.rfind('/') + 1))->is_held);
  good("UpdateService", {{"service", "s"}, {"x-berth-hold", false}});
  act();
  EXPECT_FALSE(held_[left.substr(left.rfind('/') + 1)]);
  EXPECT_EQ(service()["runningCount"], 3);
  good("UpdateService", {{"service", "s"}, {"x-berth-hold", true}});
  good("DeleteService", {{"service", "s"}, {"force", true}});
  act();
  EXPECT_EQ(service()["status"], "INACTIVE");
}

TEST_F(EcsStrategiesTest, WhatRunsBeforeTheStopSignalIsOfTheRevision) {
  json command = {{{"containerName", "a"}, {"command", {"drain", "--now"}}}};
  good("CreateService", web({{"x-berth-preStop", command}}));
  act();
  open();
  const scheduler::Task* task = core_->find_task(core_->task_ids().front());
  EXPECT_EQ(task->request.pre_stop.at("a"), (std::vector<std::string>{"drain", "--now"}));
  json shown = good("DescribeServices", {{"services", {"s"}}, {"include", {"CAUSES"}}});
  EXPECT_EQ(shown["services"][0]["x-berth-preStop"], command);
  auto deployments_after = [&](const json& said) {
    json changed = good("UpdateService", {{"service", "s"}, {"x-berth-preStop", said}});
    return changed["service"]["deployments"].size();
  };
  EXPECT_EQ(deployments_after(command), 1u);        // it is so already
  EXPECT_EQ(deployments_after(json::array()), 2u);  // other tasks than before
  const std::vector<RefusedMember> cases = {
      {R"([{"containerName": "b", "command": ["x"]}])", "InvalidParameterException",
       "The container b does not exist in the task definition."},
      {R"([{"containerName": "a", "command": []}])", "InvalidParameterException",
       "command can not be empty"},
      {R"([{"command": ["x"]}])", "InvalidParameterException", "containerName"},
      {R"([{"containerName": "a", "command": ["x"]}, {"containerName": "a", "command": ["y"]}])",
       "InvalidParameterException", "container a has one already"},
      {R"("x")", "SerializationException", "x-berth-preStop"},
  };
  for (const RefusedMember& each : cases) {
    Refusal got =
        refusal("UpdateService", {{"service", "s"}, {"x-berth-preStop", json::parse(each.more)}});
    EXPECT_EQ(got.code, each.code) << got.message;
    EXPECT_THAT(got.message, HasSubstr(each.message));
  }
}

TEST_F(EcsStrategiesTest, WhatDependenciesMayNotBe) {
  Refusal missing = refusal("CreateService", web({{"x-berth-dependsOn", {"no"}}}));
  EXPECT_THAT(missing.message, HasSubstr("the cluster default has no service no; create it first"));
  EXPECT_THAT(refusal("CreateService", web({{"x-berth-dependsOn", {"s"}}})).message,
              HasSubstr("waits for service s itself"));
  good("CreateService", web({{"serviceName", "a"}}));
  good("CreateService", web({{"serviceName", "b"}, {"x-berth-dependsOn", {"a"}}}));
  json circle = {{"service", "a"}, {"x-berth-dependsOn", {"b"}}};
  EXPECT_THAT(refusal("UpdateService", circle).message, HasSubstr("b waits for service a itself"));
  good("UpdateService", {{"service", "b"}, {"x-berth-dependsOn", json::array()}});
  good("UpdateService", circle);
}

}  // namespace
}  // namespace berth::api
