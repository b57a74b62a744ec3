// Services by ECS's operations, over a scheduler whose agent is the test.
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

const std::string kOwn = "arn:aws:ecs:us-east-1:000000000000:";
constexpr std::chrono::seconds kHealthy(41);  // a task that has run for so long

class EcsServicesTest : public testing::Test, protected EcsHost, protected JsonAsker {
 protected:
  EcsServicesTest()
      : EcsHost({.region = "us-east-1",
                 .account = "000000000000",
                 .cpu_units = 4096,
                 .memory_mib = 4096,
                 .subnets = {{"subnet-1", "a"}, {"subnet-2", "b"}},
                 .security_groups = {}}) {
    register_web();
  }

  Answer call(const std::string& operation, const json& body) override {
    return ask(operation, body.dump());
  }

  void register_web() {
    json container = {{"name", "a"}, {"image", "busybox"}, {"memory", 128}, {"cpu", 64}};
    good("RegisterTaskDefinition", {{"family", "web"},
                                    {"tags", {{{"key", "from"}, {"value", "definition"}}}},
                                    {"containerDefinitions", {container}}});
  }
  void register_fargate() {
    json container = {{"name", "a"}, {"image", "busybox"}};
    good("RegisterTaskDefinition", {{"family", "far"},
                                    {"networkMode", "awsvpc"},
                                    {"requiresCompatibilities", {"FARGATE"}},
                                    {"cpu", "256"},
                                    {"memory", "512"},
                                    {"containerDefinitions", {container}}});
  }

  static json web(const json& more) {
    json body = {{"serviceName", "s"}, {"taskDefinition", "web"}, {"desiredCount", 2}};
    if (!more.is_null()) body.update(more);  // "{}" in C++ is null
    return body;
  }
  json create(const json& more) { return good("CreateService", web(more))["service"]; }
  json update(json body) {
    body["service"] = "s";
    return good("UpdateService", body)["service"];
  }
  json service() {
    return good("DescribeServices", {{"services", {"s"}}, {"include", {"TAGS"}}})["services"][0];
  }
  // The agent works, and time passes until all that runs is healthy.
  void settle() {
    for (int i = 0; i < 4; ++i) {
      act();
      clock_.advance(kHealthy);
      ASSERT_TRUE(step());
    }
    act();
  }
  std::vector<std::string> messages() {
    std::vector<std::string> list;
    const json shown = service();
    for (const json& event : shown["events"]) list.push_back(event["message"]);
    return list;
  }
};

TEST_F(EcsServicesTest, AServiceIsCreatedRunsAndIsSteady) {
  json made = create({{"tags", {{{"key", "k"}, {"value", "v"}}}}});
  EXPECT_EQ(made["serviceArn"], kOwn + "service/default/s");
  EXPECT_EQ(made["status"], "ACTIVE");
  EXPECT_EQ(made["desiredCount"], 2);
  EXPECT_EQ(made["runningCount"], 0);
  EXPECT_EQ(made["launchType"], "EC2");
  EXPECT_EQ(made["schedulingStrategy"], "REPLICA");
  EXPECT_EQ(made["deploymentController"]["type"], "ECS");
  EXPECT_EQ(made["propagateTags"], "NONE");
  EXPECT_EQ(made["availabilityZoneRebalancing"], "ENABLED");
  EXPECT_EQ(made["createdBy"], "arn:aws:iam::000000000000:root");
  EXPECT_EQ(made["deploymentConfiguration"]["minimumHealthyPercent"], 100);
  EXPECT_EQ(made["deploymentConfiguration"]["maximumPercent"], 200);
  EXPECT_EQ(made["deploymentConfiguration"]["deploymentCircuitBreaker"],
            json({{"enable", false}, {"rollback", false}}));
  EXPECT_EQ(made["tags"][0]["key"], "k");
  ASSERT_EQ(made["deployments"].size(), 1u);
  EXPECT_EQ(made["deployments"][0]["status"], "PRIMARY");
  EXPECT_EQ(made["deployments"][0]["rolloutState"], "IN_PROGRESS");
  EXPECT_EQ(made["deployments"][0]["taskDefinition"], kOwn + "task-definition/web:1");
  EXPECT_THAT(std::string(made["currentServiceDeployment"]),
              HasSubstr(kOwn + "service-deployment/default/s/"));
  settle();
  json steady = service();
  EXPECT_EQ(steady["runningCount"], 2);
  EXPECT_EQ(steady["pendingCount"], 0);
  EXPECT_EQ(steady["deployments"][0]["rolloutState"], "COMPLETED");
  EXPECT_EQ(steady["deployments"][0]["runningCount"], 2);
  EXPECT_EQ(messages().front(), "(service s) has reached a steady state.");
  json causes = good("DescribeServices", {{"services", {"s"}}, {"include", {"CAUSES"}}});
  EXPECT_NE(causes["services"][0]["events"][0]["cause"], "");
}

TEST_F(EcsServicesTest, TasksSayWhoseTheyAre) {
  create({{"propagateTags", "SERVICE"},
          {"enableECSManagedTags", true},
          {"tags", {{{"key", "k"}, {"value", "v"}}}}});
  act();
  json listed = good("ListTasks", {{"serviceName", "s"}})["taskArns"];
  ASSERT_EQ(listed.size(), 2u);
  json task = good("DescribeTasks", {{"tasks", listed}, {"include", {"TAGS"}}})["tasks"][0];
  EXPECT_EQ(task["group"], "service:s");
  EXPECT_EQ(task["startedBy"], service()["deployments"][0]["id"]);
  EXPECT_EQ(good("ListTasks", {{"startedBy", task["startedBy"]}})["taskArns"].size(), 2u);
  std::map<std::string, std::string> tags;
  for (const json& tag : task["tags"]) tags[tag["key"]] = tag["value"];
  EXPECT_EQ(tags,
            (std::map<std::string, std::string>{
                {"k", "v"}, {"aws:ecs:clusterName", "default"}, {"aws:ecs:serviceName", "s"}}));
  EXPECT_EQ(refusal("ListTasks", {{"serviceName", "no"}}).code, "ServiceNotFoundException");
  json cluster = good("DescribeClusters", {{"include", {"STATISTICS"}}})["clusters"][0];
  EXPECT_EQ(cluster["activeServicesCount"], 1);
  EXPECT_THAT(cluster["statistics"].dump(),
              HasSubstr(R"({"name":"activeEC2ServiceCount","value":"1"})"));
  EXPECT_EQ(refusal("DeleteCluster", {{"cluster", "default"}}).code,
            "ClusterContainsServicesException");
}

TEST_F(EcsServicesTest, WhatStartsADeploymentAndWhatDoesNot) {
  create({});
  settle();
  register_web();
  auto deployments = [&] {
    return good("ListServiceDeployments", {{"service", "s"}})["serviceDeployments"].size();
  };
  ASSERT_EQ(deployments(), 1u);
  const std::vector<json> without = {
      {{"desiredCount", 3}},
      {{"deploymentConfiguration", {{"maximumPercent", 150}}}},
      {{"healthCheckGracePeriodSeconds", 5}},
      {{"enableExecuteCommand", true}},
      {{"enableECSManagedTags", true}},
      {{"propagateTags", "TASK_DEFINITION"}},
      {{"availabilityZoneRebalancing", "DISABLED"}},
      {{"placementStrategy", {{{"type", "spread"}, {"field", "host"}}}}},
      {{"placementConstraints", {{{"type", "memberOf"}, {"expression", "runningTasksCount < 9"}}}}},
      {{"taskDefinition", "web:1"}},
      {{"forceNewDeployment", false}},
      json::object()};
  for (const json& body : without) {
    SCOPED_TRACE(body.dump());
    update(body);
    EXPECT_EQ(deployments(), 1u);
  }
  json kept = service();
  EXPECT_EQ(kept["desiredCount"], 3);
  EXPECT_EQ(kept["deploymentConfiguration"]["minimumHealthyPercent"], 100);
  EXPECT_EQ(kept["deploymentConfiguration"]["maximumPercent"], 150);
  EXPECT_EQ(kept["placementStrategy"].size(), 1u);
  EXPECT_EQ(update({{"placementStrategy", json::array()}})["placementStrategy"], json::array());
  size_t expected = 1;
  const std::vector<json> with = {{{"taskDefinition", "web:2"}},
                                  {{"forceNewDeployment", true}},
                                  {{"serviceConnectConfiguration", {{"enabled", false}}}}};
  for (const json& body : with) {
    SCOPED_TRACE(body.dump());
    json changed = update(body);
    EXPECT_EQ(deployments(), ++expected);
    EXPECT_EQ(changed["deployments"][0]["rolloutState"], "IN_PROGRESS");
    settle();
    EXPECT_EQ(service()["deployments"].size(), 1u);
  }
}

TEST_F(EcsServicesTest, ADeploymentReplacesEveryTask) {
  create({});
  settle();
  json old = good("ListTasks", {{"serviceName", "s"}})["taskArns"];
  register_web();
  json changed = update({{"taskDefinition", "web"}});
  ASSERT_EQ(changed["deployments"].size(), 2u);
  EXPECT_EQ(changed["deployments"][1]["status"], "ACTIVE");
  EXPECT_EQ(changed["taskDefinition"], kOwn + "task-definition/web:2");
  settle();
  const json now = good("ListTasks", {{"serviceName", "s"}});
  for (const json& task : now["taskArns"]) {
    EXPECT_THAT(old, testing::Not(testing::Contains(task)));
  }
  json all = good("ListServiceDeployments", {{"service", "s"}})["serviceDeployments"];
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0]["status"], "SUCCESSFUL");  // the newest first
  json request = {{"serviceDeploymentArns",
                   {all[0]["serviceDeploymentArn"], kOwn + "service-deployment/default/s/no"}}};
  json described = good("DescribeServiceDeployments", request);
  EXPECT_EQ(described["failures"][0]["reason"], "MISSING");
  const json& deployment = described["serviceDeployments"][0];
  EXPECT_EQ(deployment["sourceServiceRevisions"].size(), 1u);
  EXPECT_EQ(deployment["targetServiceRevision"]["runningTaskCount"], 2);
  EXPECT_EQ(deployment["deploymentCircuitBreaker"]["status"], "DISABLED");
  json revisions = good("DescribeServiceRevisions",
                        {{"serviceRevisionArns", {deployment["targetServiceRevision"]["arn"]}}});
  const json& revision = revisions["serviceRevisions"][0];
  EXPECT_EQ(revision["taskDefinition"], kOwn + "task-definition/web:2");
  EXPECT_EQ(revision["containerImages"][0]["imageDigest"], "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(good("ListServiceDeployments",
                 {{"service", "s"}, {"status", {"STOPPED"}}})["serviceDeployments"],
            json::array());
  double created = all[0]["createdAt"];
  EXPECT_EQ(good("ListServiceDeployments",
                 {{"service", "s"}, {"createdAt", {{"after", created - 1}}}})["serviceDeployments"]
                .size(),
            1u);
  EXPECT_EQ(
      refusal("StopServiceDeployment", {{"serviceDeploymentArn", all[0]["serviceDeploymentArn"]}})
          .code,
      "ConflictException");
}

TEST_F(EcsServicesTest, AStoppedDeploymentGoesBack) {
  create({});
  settle();
  register_web();
  json changed = update({{"taskDefinition", "web:2"}});
  std::string arn = changed["currentServiceDeployment"];
  EXPECT_EQ(good("StopServiceDeployment", {{"serviceDeploymentArn", arn}})["serviceDeploymentArn"],
            arn);
  settle();
  EXPECT_EQ(service()["taskDefinition"], kOwn + "task-definition/web:1");
  json deployment = good("DescribeServiceDeployments",
                         {{"serviceDeploymentArns", {arn}}})["serviceDeployments"][0];
  EXPECT_EQ(deployment["status"], "ROLLBACK_SUCCESSFUL");
  EXPECT_FALSE(deployment["rollback"]["serviceRevisionArn"].empty());
  EXPECT_EQ(refusal("StopServiceDeployment", {{"serviceDeploymentArn", "no"}}).code,
            "ServiceDeploymentNotFoundException");
}

TEST_F(EcsServicesTest, ADeletedServiceDrainsAndItsNameIsFreeAgain) {
  create({});
  settle();
  EXPECT_EQ(refusal("DeleteService", {{"service", "s"}}).message,
            "The service cannot be stopped while it is scaled above 0.");
  EXPECT_EQ(good("DeleteService", {{"service", "s"}, {"force", true}})["service"]["status"],
            "DRAINING");
  EXPECT_EQ(good("ListServices", json::object())["serviceArns"], json::array());
  EXPECT_EQ(refusal("CreateService", web({})).message,
            "Unable to Start a service that is still Draining.");
  EXPECT_EQ(refusal("UpdateService", {{"service", "s"}, {"desiredCount", 1}}).code,
            "ServiceNotActiveException");
  act();
  json gone = service();
  EXPECT_EQ(gone["status"], "INACTIVE");
  EXPECT_EQ(gone["desiredCount"], 0);
  EXPECT_EQ(gone["runningCount"], 0);
  EXPECT_EQ(good("DeleteService", {{"service", "s"}})["service"]["status"], "INACTIVE");
  EXPECT_EQ(create({{"desiredCount", 1}})["status"], "ACTIVE");
  settle();
  EXPECT_EQ(service()["runningCount"], 1);
}

TEST_F(EcsServicesTest, TheSameTokenIsTheSameService) {
  json body = web({{"clientToken", "once"}});
  json made = good("CreateService", body)["service"];
  EXPECT_EQ(good("CreateService", body)["service"]["createdAt"], made["createdAt"]);
  EXPECT_EQ(core_->task_ids().size(), 2u);
  body["desiredCount"] = 3;
  EXPECT_EQ(refusal("CreateService", body).message, "Creation of service was not idempotent.");
  EXPECT_EQ(refusal("CreateService", web({})).code, "InvalidParameterException");
  open();  // as after a restart
  body["desiredCount"] = 2;
  EXPECT_EQ(good("CreateService", body)["service"]["createdAt"], made["createdAt"]);
}

TEST_F(EcsServicesTest, ATaskThatEndsIsReplaced) {
  create({});
  settle();
  json tasks = good("ListTasks", {{"serviceName", "s"}})["taskArns"];
  std::string arn = tasks[0];
  end_container(arn.substr(arn.rfind('/') + 1), 1);
  act();
  EXPECT_EQ(service()["runningCount"], 2);
  EXPECT_EQ(service()["deployments"].size(), 1u);
  EXPECT_THAT(good("ListTasks", {{"serviceName", "s"}})["taskArns"],
              testing::Not(testing::Contains(arn)));
}

TEST_F(EcsServicesTest, DaemonsHaveOneTaskHere) {
  json made = good("CreateService", {{"serviceName", "s"},
                                     {"taskDefinition", "web"},
                                     {"schedulingStrategy", "DAEMON"}})["service"];
  EXPECT_EQ(made["deploymentConfiguration"]["minimumHealthyPercent"], 0);
  EXPECT_EQ(made["deploymentConfiguration"]["maximumPercent"], 100);
  EXPECT_EQ(made["availabilityZoneRebalancing"], "DISABLED");
  settle();
  EXPECT_EQ(service()["runningCount"], 1);
  EXPECT_EQ(service()["desiredCount"], 1);
  EXPECT_EQ(good("ListServices", {{"schedulingStrategy", "REPLICA"}})["serviceArns"].size(), 0u);
  EXPECT_EQ(good("ListServices", {{"schedulingStrategy", "DAEMON"}})["serviceArns"].size(), 1u);
  good("DeleteService", {{"service", "s"}});
  act();
  EXPECT_EQ(service()["status"], "INACTIVE");
}

TEST_F(EcsServicesTest, FargateServicesShowTheirPlatformAndStrategy) {
  register_fargate();
  json vpc = {{"awsvpcConfiguration", {{"subnets", {"subnet-1"}}, {"securityGroups", {"sg-1"}}}}};
  json made = create(
      {{"taskDefinition", "far"},
       {"networkConfiguration", vpc},
       {"capacityProviderStrategy", {{{"capacityProvider", "FARGATE_SPOT"}, {"weight", 1}}}}});
  EXPECT_FALSE(made.contains("launchType"));
  EXPECT_EQ(made["capacityProviderStrategy"][0]["capacityProvider"], "FARGATE_SPOT");
  EXPECT_EQ(made["platformVersion"], "LATEST");
  EXPECT_EQ(made["deployments"][0]["platformVersion"], "1.4.0");
  EXPECT_EQ(made["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"], "DISABLED");
  act();
  json tasks = good("ListTasks", {{"serviceName", "s"}})["taskArns"];
  json task = good("DescribeTasks", {{"tasks", tasks}})["tasks"][0];
  EXPECT_EQ(task["capacityProviderName"], "FARGATE_SPOT");
  EXPECT_EQ(task["launchType"], "FARGATE");
  EXPECT_EQ(task["platformVersion"], "1.4.0");
  EXPECT_EQ(good("ListServices", {{"launchType", "FARGATE"}})["serviceArns"].size(), 1u);
  EXPECT_EQ(good("ListServices", {{"launchType", "EC2"}})["serviceArns"].size(), 0u);
  EXPECT_EQ(
      refusal("PutClusterCapacityProviders", {{"cluster", "default"},
                                              {"capacityProviders", {"FARGATE"}},
                                              {"defaultCapacityProviderStrategy", json::array()}})
          .code,
      "ResourceInUseException");
  // The network is part of what runs: another one is a deployment, the same is none.
  EXPECT_EQ(update({{"networkConfiguration", vpc}})["deployments"].size(), 1u);
  vpc["awsvpcConfiguration"]["subnets"] = {"subnet-2"};
  EXPECT_EQ(update({{"networkConfiguration", vpc}})["deployments"].size(), 2u);
}

TEST_F(EcsServicesTest, ProtectedTasksAreNotStoppedToScaleIn) {
  create({{"desiredCount", 3}});
  settle();
  json tasks = good("ListTasks", {{"serviceName", "s"}})["taskArns"];
  json request = {{"cluster", "default"},
                  {"tasks", {tasks[0], tasks[1]}},
                  {"protectionEnabled", true},
                  {"expiresInMinutes", 60}};
  json answer = good("UpdateTaskProtection", request);
  EXPECT_EQ(answer["failures"], json::array());
  EXPECT_EQ(answer["protectedTasks"][0]["protectionEnabled"], true);
  EXPECT_GT(answer["protectedTasks"][0]["expirationDate"], 1700000000.0);
  EXPECT_EQ(good("GetTaskProtection", {{"cluster", "default"}, {"tasks", tasks}})["protectedTasks"]
                .size(),
            3u);
  update({{"desiredCount", 1}});
  act();
  EXPECT_EQ(service()["runningCount"], 2);  // both that are protected
  request["protectionEnabled"] = false;
  good("UpdateTaskProtection", request);
  act();
  EXPECT_EQ(service()["runningCount"], 1);
}

TEST_F(EcsServicesTest, TagsAndPagesOfServices) {
  create({{"tags", {{{"key", "k"}, {"value", "v"}}}}});
  std::string arn = kOwn + "service/default/s";
  good("TagResource", {{"resourceArn", arn}, {"tags", {{{"key", "a"}, {"value", "b"}}}}});
  good("UntagResource", {{"resourceArn", arn}, {"tagKeys", {"k"}}});
  json tags = good("ListTagsForResource", {{"resourceArn", arn}})["tags"];
  EXPECT_EQ(tags, json({{{"key", "a"}, {"value", "b"}}}));
  EXPECT_EQ(service()["tags"], tags);
  EXPECT_EQ(good("DescribeServices", {{"services", {arn}}})["services"][0]["tags"], json::array());
  for (int i = 0; i < 11; ++i) {
    create({{"serviceName", "n" + std::to_string(i)}, {"desiredCount", 0}});
  }
  json first = good("ListServices", json::object());
  EXPECT_EQ(first["serviceArns"].size(), 10u);  // ECS's page
  json rest = good("ListServices", {{"nextToken", first["nextToken"]}});
  EXPECT_EQ(rest["serviceArns"].size(), 2u);
  EXPECT_EQ(good("ListServices", {{"maxResults", 100}})["serviceArns"].size(), 12u);
  EXPECT_EQ(good("ListServicesByNamespace", {{"namespace", "n"}})["serviceArns"].size(), 0u);
}

TEST_F(EcsServicesTest, ConstraintsAndDrainingKeepTasksAway) {
  json no = {{"type", "memberOf"}, {"expression", "attribute:stack == prod"}};
  create({{"desiredCount", 1}, {"placementConstraints", {no}}});
  act();
  EXPECT_EQ(service()["runningCount"], 0);
  EXPECT_THAT(messages().front(), HasSubstr("was unable to place a task"));
  std::string node = good("ListContainerInstances", json::object())["containerInstanceArns"][0];
  good("PutAttributes",
       {{"attributes", {{{"name", "stack"}, {"value", "prod"}, {"targetId", node}}}}});
  act();
  EXPECT_EQ(service()["runningCount"], 1);
}

TEST_F(EcsServicesTest, ADrainingInstanceStopsTasksOfServicesAndNoOthers) {
  create({{"deploymentConfiguration", {{"minimumHealthyPercent", 50}}}});
  good("RunTask", {{"taskDefinition", "web"}});
  settle();
  ASSERT_EQ(service()["runningCount"], 2);
  std::string node = good("ListContainerInstances", json::object())["containerInstanceArns"][0];
  json state = {{"containerInstances", {node}}, {"status", "DRAINING"}};
  good("UpdateContainerInstancesState", state);
  EXPECT_EQ(service()["runningCount"], 1);
  settle();
  EXPECT_EQ(service()["runningCount"], 1);
  EXPECT_EQ(good("ListTasks", {{"family", "web"}})["taskArns"].size(), 2u);  // one stands alone
  state["status"] = "ACTIVE";
  good("UpdateContainerInstancesState", state);
  settle();
  EXPECT_EQ(service()["runningCount"], 2);
}

TEST_F(EcsServicesTest, AnInactiveServiceIsShownForADay) {
  create({{"desiredCount", 1}});
  settle();
  std::string deployment =
      good("ListServiceDeployments",
           {{"service", "s"}})["serviceDeployments"][0]["serviceDeploymentArn"];
  good("DeleteService", {{"service", "s"}, {"force", true}});
  act();
  EXPECT_EQ(service()["status"], "INACTIVE");
  clock_.advance(std::chrono::hours(24));
  ASSERT_TRUE(step());
  json described = good("DescribeServices", {{"services", {"s"}}});
  EXPECT_TRUE(described["services"].empty());
  EXPECT_EQ(described["failures"][0]["reason"], "MISSING");
  json gone = good("DescribeServiceDeployments", {{"serviceDeploymentArns", {deployment}}});
  EXPECT_TRUE(gone["serviceDeployments"].empty());
}

TEST_F(EcsServicesTest, AServicesDefinitionIsNotForgotten) {
  create({});
  good("DeregisterTaskDefinition", {{"taskDefinition", "web:1"}});
  good("DeleteTaskDefinitions", {{"taskDefinitions", {"web:1"}}});
  good("DeleteService", {{"service", "s"}, {"force", true}});
  act();
  clock_.advance(std::chrono::hours(3));
  EXPECT_EQ(refusal("DescribeTaskDefinition", {{"taskDefinition", "web:1"}}).code,
            "ClientException");
  register_web();
  create({});
  good("DeregisterTaskDefinition", {{"taskDefinition", "web:2"}});
  good("DeleteTaskDefinitions", {{"taskDefinitions", {"web:2"}}});
  settle();
  clock_.advance(std::chrono::hours(3));
  good("DescribeTaskDefinition", {{"taskDefinition", "web:2"}});
  EXPECT_EQ(refusal("CreateService", web({{"serviceName", "t"}})).code, "ClientException");
}

struct RefusedService {
  const char* more;  // members over those of a good request
  const char* code;
  const char* message;  // a part of it
};

TEST_F(EcsServicesTest, WhatIsRefusedIsRefusedInWords) {
  register_fargate();
  constexpr const char* kInvalid = "InvalidParameterException";
  constexpr const char* kUnsupported = "UnsupportedFeatureException";
  const std::vector<RefusedService> cases = {
      {R"({"serviceName": "a b"})", kInvalid, "ServiceName must match"},
      {R"({"serviceName": null})", kInvalid, "serviceName can not be blank"},
      {R"({"cluster": "no"})", "ClusterNotFoundException", "Cluster not found."},
      {R"({"taskDefinition": "no"})", "ClientException", "TaskDefinition not found."},
      {R"({"taskDefinition": null})", kInvalid, "taskDefinition can not be blank"},
      {R"({"desiredCount": null})", kInvalid, "desiredCount"},
      {R"({"desiredCount": -1})", kInvalid, "desiredCount must be between 0 and"},
      {R"({"desiredCount": "2"})", "SerializationException", "desiredCount"},
      {R"({"launchType": "FARGATE"})", kInvalid, "does not support launch_type FARGATE"},
      {R"({"launchType": "EC2", "platformVersion": "1.4.0"})", kInvalid, "platform version"},
      {R"({"launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]})",
       kInvalid, "Specifying both a launch type and capacity provider strategy"},
      {R"({"taskDefinition": "far", "launchType": "FARGATE"})", kInvalid,
       "Network Configuration must be provided"},
      {R"({"launchType": "FARGATE", "schedulingStrategy": "DAEMON", "desiredCount": null})",
       kInvalid, "not supported with FARGATE"},
      {R"({"schedulingStrategy": "DAEMON"})", kInvalid,
       "The daemon scheduling strategy does not support a desired count for services"},
      {R"({"schedulingStrategy": "DAEMON", "desiredCount": null,
          "placementStrategy": [{"type": "random"}]})",
       kInvalid, "does not support placement strategies"},
      {R"({"schedulingStrategy": "DAEMON", "desiredCount": null,
          "deploymentConfiguration": {"maximumPercent": 200}})",
       kInvalid, "does not support values above 100 for maximumPercent"},
      {R"({"schedulingStrategy": "DAEMON", "desiredCount": null,
          "availabilityZoneRebalancing": "ENABLED"})",
       kInvalid, "Availability Zone Rebalancing does not support DAEMON"},
      {R"({"deploymentConfiguration": {"minimumHealthyPercent": 101}})", kInvalid,
       "minimumHealthyPercent must be at most 100"},
      {R"({"deploymentConfiguration": {"maximumPercent": 99}})", kInvalid, "maximumPercent"},
      {R"({"deploymentConfiguration": {"maximumPercent": 100}})", kInvalid,
       "as this will block deployments"},
      {R"({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true}}})", kInvalid,
       "deploymentCircuitBreaker.rollback can not be null"},
      {R"({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true,
          "rollback": true, "thresholdConfiguration": {"type": "COUNT", "value": 0}}}})",
       kInvalid, "thresholdConfiguration.value must be between 1"},
      {R"({"deploymentConfiguration": {"alarms": {"enable": true, "rollback": true,
          "alarmNames": []}}})",
       kInvalid, "alarmNames"},
      {R"({"deploymentConfiguration": {"strategy": "BLUE"}})", kInvalid, "strategy"},
      {R"({"placementStrategy": [{"type": "binpack", "field": "disk"}]})", kInvalid,
       "binpack field 'disk' is invalid"},
      {R"({"placementStrategy": [{"type": "random", "field": "x"}]})", kInvalid, "random"},
      {R"({"placementStrategy": [{"type": "random"}, {"type": "random"}, {"type": "random"},
          {"type": "random"}, {"type": "random"}, {"type": "random"}]})",
       kInvalid, "Maximum number of strategies is 5."},
      {R"({"placementConstraints": [{"type": "distinctInstance", "expression": "x"}]})", kInvalid,
       "distinctInstance expression should not"},
      {R"({"deploymentController": {"type": "CODE_DEPLOY"}})", kUnsupported, "CODE_DEPLOY"},
      {R"({"loadBalancers": [{"targetGroupArn": "x"}]})", kUnsupported, "loadBalancers"},
      {R"({"serviceRegistries": [{"registryArn": "x"}]})", kUnsupported, "serviceRegistries"},
      {R"({"volumeConfigurations": [{"name": "x"}]})", kInvalid, "managedEBSVolume"},
      {R"({"vpcLatticeConfigurations": [{}]})", kUnsupported, "vpcLatticeConfigurations"},
      {R"({"serviceConnectConfiguration": {"enabled": true}})", kUnsupported,
       "serviceConnectConfiguration.enabled"},
      {R"({"serviceConnectConfiguration": {}})", kInvalid, "serviceConnectConfiguration.enabled"},
      {R"({"role": "r"})", kInvalid, "role"},
      {R"({"clientToken": "a b"})", kInvalid, "clientToken"},
      {R"({"clientToken": "1234567890123456789012345678901234567"})", kInvalid, "at most 36"},
      {R"({"healthCheckGracePeriodSeconds": -1})", kInvalid, "healthCheckGracePeriodSeconds"},
      {R"({"propagateTags": "ALL"})", kInvalid, "propagateTags"},
      {R"({"tags": [{"key": "aws:x", "value": ""}]})", kInvalid, "reserved"},
  };
  for (const RefusedService& each : cases) {
    SCOPED_TRACE(each.more);
    Refusal got = refusal("CreateService", web(json::parse(each.more)));
    EXPECT_EQ(got.code, each.code) << got.message;
    EXPECT_THAT(got.message, HasSubstr(each.message));
  }
  EXPECT_TRUE(core_->services().all().empty());
  EXPECT_TRUE(commands_.empty());
}

TEST_F(EcsServicesTest, WhatCannotBeUpdatedIsRefused) {
  create({});
  const std::vector<RefusedService> cases = {
      {R"({"service": "no"})", "ServiceNotFoundException", "Service not found."},
      {R"({"service": null})", "InvalidParameterException", "service can not be blank"},
      {R"({"taskDefinition": "no"})", "ClientException", "TaskDefinition not found."},
      {R"({"desiredCount": 5001})", "InvalidParameterException", "Desired count exceeds limit."},
      {R"({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}})",
       "InvalidParameterException", "Network Configuration is not valid"},
      {R"({"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]})",
       "InvalidParameterException", "forceNewDeployment"},
      {R"({"deploymentController": {"type": "EXTERNAL"}})", "UnsupportedFeatureException",
       "keeps the controller"},
      {R"({"loadBalancers": [{"targetGroupArn": "x"}]})", "UnsupportedFeatureException",
       "loadBalancers"},
  };
  for (const RefusedService& each : cases) {
    SCOPED_TRACE(each.more);
    json body = {{"service", "s"}};
    body.update(json::parse(each.more));
    Refusal got = refusal("UpdateService", body);
    EXPECT_EQ(got.code, each.code) << got.message;
    EXPECT_THAT(got.message, HasSubstr(each.message));
  }
  EXPECT_EQ(service()["deployments"].size(), 1u);
  EXPECT_EQ(refusal("DescribeServices", {{"services", json::array()}}).code,
            "InvalidParameterException");
  json deployment = {{"serviceDeploymentArn", service()["currentServiceDeployment"]}};
  deployment["hookId"] = "x";
  EXPECT_EQ(refusal("ContinueServiceDeployment", deployment).code, "InvalidParameterException");
}

}  // namespace
}  // namespace berth::api
