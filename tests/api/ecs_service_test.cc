// Operations of ECS over a scheduler whose agent is the test: requests as SDKs send them, answers
// as they read them.
#include "api/ecs_service.h"

#include "api/ecs_operations.h"
#include "support/ecs_host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

namespace berth::api {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kArn = "arn:aws:ecs:us-east-1:000000000000:";

class EcsTest : public testing::Test, protected EcsHost {
 protected:
  EcsTest()
      : EcsHost({.region = "us-east-1",
                 .account = "000000000000",
                 .cpu_units = 2048,
                 .memory_mib = 4096,
                 .security_groups = {"web"}}) {}

  json good(const std::string& operation, const std::string& body) {
    Answer answer = ask(operation, body);
    EXPECT_TRUE(answer) << operation << ": " << answer.error().code << ": "
                        << answer.error().message;
    return answer ? json::parse(*answer) : json();
  }
  Refusal refusal(const std::string& operation, const std::string& body) {
    Answer answer = ask(operation, body);
    EXPECT_FALSE(answer) << operation << " " << body << ": " << answer.value_or("");
    return answer ? Refusal{} : answer.error();
  }
  std::string code(const std::string& operation, const std::string& body) {
    return refusal(operation, body).code;
  }

  void tell(scheduler::Event event) {
    core_->submit(std::move(event));
    ASSERT_TRUE(step());
  }

  void register_web() {
    good("RegisterTaskDefinition", R"({"family": "web", "containerDefinitions": [
      {"name": "a", "image": "busybox", "memory": 512, "cpu": 256}]})");
  }
  void register_fargate() {
    good("RegisterTaskDefinition", R"({"family": "far", "networkMode": "awsvpc",
      "requiresCompatibilities": ["FARGATE"], "cpu": ".25 vCPU", "memory": "0.5 GB",
      "tags": [{"key": "team", "value": "blue"}],
      "containerDefinitions": [{"name": "a", "image": "busybox",
        "portMappings": [{"containerPort": 80}]}]})");
  }
  static std::string id_of(const json& task) {
    std::string arn = task["taskArn"];
    return arn.substr(arn.rfind('/') + 1);
  }
};

TEST_F(EcsTest, TheTableIsSortedAndTheDocsHaveIt) {
  std::ifstream file(std::string(BERTH_SOURCE_DIR) + "/docs/ecs-api.md");
  std::stringstream docs;
  docs << file.rdbuf();
  std::string_view last;
  for (const ecs::Operation& each : ecs::all_operations()) {
    EXPECT_LT(last, each.name);
    last = each.name;
    EXPECT_EQ(ecs::find_operation(each.name), &each);
    const char* support = each.support == ecs::Support::kWorks    ? "works"
                          : each.support == ecs::Support::kPartly ? "partly"
                                                                  : "refused";
    std::string row = fmt::format("| {} | {} | {} |", each.name, support, each.note);
    EXPECT_THAT(docs.str(), HasSubstr(row));
  }
  EXPECT_EQ(ecs::all_operations().size(), 77u);
  EXPECT_EQ(code("RunTasks", "{}"), "UnknownOperationException");
}

// ---- every operation against bodies that no SDK sends ----

TEST_F(EcsTest, NoOperationTakesWhatIsNoRequest) {
  for (const ecs::Operation& each : ecs::all_operations()) {
    SCOPED_TRACE(each.name);
    std::string name(each.name);
    for (const char* body : {"", "{", "[]", "1", "{\"a\": 1, \"a\": 2}"}) {
      Answer answer = ask(name, body);
      ASSERT_TRUE(answer || answer.error().status < 500) << answer.error().message;
      bool is_json = std::string(body) != "{";
      ASSERT_TRUE(is_json || answer.error().code == "SerializationException");
    }
    for (const char* member : {"cluster", "tasks", "taskDefinition", "clusters", "maxResults",
                               "nextToken", "tags", "resourceArn", "attributes"}) {
      for (const char* value : {"1", "\"x\"", "[{}]", "[[]]", "{\"a\": []}", "true", "-1"}) {
        Answer answer = ask(name, fmt::format("{{\"{}\": {}}}", member, value));
        ASSERT_TRUE(answer || answer.error().status < 500) << answer.error().message;
      }
    }
  }
}

// ---- clusters ----

TEST_F(EcsTest, ClustersComeAndGo) {
  json made = good("CreateCluster", R"({"clusterName": "c", "tags": [{"key": "k", "value": "v"}],
    "settings": [{"name": "containerInsights", "value": "enhanced"}],
    "capacityProviders": ["FARGATE"],
    "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 2}]})");
  EXPECT_EQ(made["cluster"]["clusterArn"], kArn + "cluster/c");
  EXPECT_EQ(made["cluster"]["settings"][0]["value"], "enhanced");
  EXPECT_EQ(made["cluster"]["tags"][0]["key"], "k");
  EXPECT_EQ(good("CreateCluster", R"({"clusterName": "c"})"), made);  // the same one
  open();
  json shown = good("DescribeClusters", R"({"clusters": ["c", "no", ")" + kArn + R"(cluster/c"]})");
  EXPECT_EQ(shown["clusters"].size(), 2u);
  EXPECT_EQ(shown["clusters"][0]["tags"], json::array());
  EXPECT_EQ(shown["clusters"][0]["defaultCapacityProviderStrategy"][0]["base"], 2);
  EXPECT_EQ(shown["failures"][0]["reason"], "MISSING");
  EXPECT_EQ(shown["failures"][0]["arn"], kArn + "cluster/no");
  EXPECT_EQ(good("ListClusters", "{}")["clusterArns"].size(), 2u);
  EXPECT_EQ(good("DeleteCluster", R"({"cluster": "c"})")["cluster"]["status"], "INACTIVE");
  EXPECT_EQ(good("DeleteCluster", R"({"cluster": "c"})")["cluster"]["status"], "INACTIVE");
  EXPECT_EQ(good("ListClusters", "{}")["clusterArns"].size(), 1u);
  EXPECT_EQ(refusal("ListTasks", R"({"cluster": "c"})").message,
            "The referenced cluster was inactive.");
  json again = good("CreateCluster", R"({"clusterName": "c"})");
  EXPECT_EQ(again["cluster"]["status"], "ACTIVE");
  EXPECT_EQ(again["cluster"]["tags"], json::array());
}

struct Refused {
  const char* operation;
  const char* body;
  const char* code;
  const char* message;  // a part of it
};

TEST_F(EcsTest, WhatIsRefusedIsRefusedInAwsWords) {
  register_web();
  register_fargate();
  good("RegisterTaskDefinition",
       R"({"family": "gone", "containerDefinitions": [{"name": "a", "image": "i", "memory": 6}]})");
  good("DeregisterTaskDefinition", R"({"taskDefinition": "gone:1"})");
  const std::vector<Refused> cases = {
      {"CreateCluster", R"({"clusterName": "a b"})", "InvalidParameterException",
       "Invalid identifier"},
      {"CreateCluster", R"({"clusterName": 1})", "SerializationException", "clusterName"},
      {"CreateCluster", R"({"settings": [{"name": "x", "value": "enabled"}]})",
       "InvalidParameterException", "settings[0].name"},
      {"CreateCluster", R"({"capacityProviders": ["mine"]})", "InvalidParameterException",
       "'mine' was not found"},
      {"CreateCluster",
       R"({"capacityProviders": ["FARGATE", "FARGATE_SPOT"], "defaultCapacityProviderStrategy": [
          {"capacityProvider": "FARGATE", "base": 1}, {"capacityProvider": "FARGATE_SPOT", "base": 1}]})",
       "InvalidParameterException", "multiple capacity providers"},
      {"CreateCluster",
       R"({"capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [
          {"capacityProvider": "FARGATE", "weight": 0}]})",
       "InvalidParameterException", "weight greater than 0"},
      {"CreateCluster", R"({"tags": [{"key": "aws:x", "value": ""}]})", "InvalidParameterException",
       "reserved"},
      {"CreateCluster", R"({"tags": [{"key": "x"}, {"key": "x"}]})", "InvalidParameterException",
       "twice"},
      {"CreateCluster", R"({"tags": [{"key": "x", "value": "a\"b"}]})", "InvalidParameterException",
       "tags[0].value"},
      {"DescribeClusters", R"({"clusters": ["arn:aws:ecs:us-east-1:111111111111:cluster/c"]})",
       "InvalidParameterException", "account and region"},
      {"DescribeClusters", R"({"include": ["ALL"]})", "InvalidParameterException", "include"},
      {"ListClusters", R"({"maxResults": 101})", "InvalidParameterException", "between 1 and 100"},
      {"ListClusters", R"({"nextToken": "abc"})", "InvalidParameterException", "Invalid token."},
      {"DeleteCluster", R"({"cluster": "no"})", "ClusterNotFoundException", "Cluster not found."},
      {"DeleteCluster", "{}", "InvalidParameterException", "cluster can not be blank"},
      {"RegisterTaskDefinition", R"({"family": "f", "containerDefinitions": []})",
       "ClientException", ""},
      {"RegisterTaskDefinition",
       R"({"family": "f", "containerDefinitions": [{"name": "a", "image": "i"}]})",
       "ClientException", "Invalid setting for container 'a'. At least one of 'memory'"},
      {"RegisterTaskDefinition",
       R"({"family": "f", "cpu": "256", "memory": "8192", "requiresCompatibilities": ["FARGATE"],
          "containerDefinitions": [{"name": "a", "image": "i"}]})",
       "ClientException", "No Fargate configuration exists for given values"},
      {"RegisterTaskDefinition", R"({"taskDefinition": {}})", "ClientException", "unknown field"},
      {"RegisterTaskDefinition",
       R"({"family": "f", "tags": [{"key": "aws:a", "value": "b"}],
          "containerDefinitions": [{"name": "a", "image": "i", "memory": 6}]})",
       "", "reserved"},
      {"DescribeTaskDefinition", R"({"taskDefinition": "no"})", "ClientException",
       "Unable to describe task definition."},
      {"DescribeTaskDefinition", "{}", "InvalidParameterException", "taskDefinition"},
      {"DeregisterTaskDefinition", R"({"taskDefinition": "web"})", "ClientException",
       "Revision is missing."},
      {"DeregisterTaskDefinition", R"({"taskDefinition": "web:x"})", "ClientException",
       "Invalid revision number. Number: x"},
      {"DeleteTaskDefinitions", R"({"taskDefinitions": []})", "InvalidParameterException",
       "must be greater than 0"},
      {"RunTask", R"({"taskDefinition": "no"})", "ClientException", "TaskDefinition not found."},
      {"RunTask", R"({"taskDefinition": "gone:1"})", "ClientException",
       "TaskDefinition is inactive"},
      {"RunTask", R"({"taskDefinition": "web", "cluster": "no"})", "ClusterNotFoundException",
       "Cluster not found."},
      {"RunTask", R"({"taskDefinition": "web", "count": 11})", "InvalidParameterException",
       "count must be between 1 and 10"},
      {"RunTask", R"({"taskDefinition": "web", "launchType": "LAMBDA"})",
       "InvalidParameterException", "enum value set"},
      {"RunTask", R"({"taskDefinition": "web", "launchType": "FARGATE"})",
       "InvalidParameterException", "Task definition does not support launch_type FARGATE."},
      {"RunTask", R"({"taskDefinition": "web", "launchType": "EC2", "platformVersion": "LATEST"})",
       "InvalidParameterException", "The platform version must be null when specifying an EC2"},
      {"RunTask", R"({"taskDefinition": "far", "launchType": "FARGATE"})",
       "InvalidParameterException", "Network Configuration must be provided"},
      {"RunTask",
       R"({"taskDefinition": "far", "launchType": "FARGATE", "platformVersion": "9",
          "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}})",
       "PlatformUnknownException", ""},
      {"RunTask",
       R"({"taskDefinition": "web",
          "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}})",
       "InvalidParameterException", "Network Configuration is not valid"},
      {"RunTask",
       R"({"taskDefinition": "far", "networkConfiguration": {"awsvpcConfiguration": {"subnets": []}}})",
       "InvalidParameterException", "subnets can not be empty."},
      {"RunTask",
       R"({"taskDefinition": "far", "networkConfiguration": {"awsvpcConfiguration":
          {"subnets": ["subnet-1"], "securityGroups": ["nobody"]}}})",
       "InvalidParameterException",
       "Error retrieving security group information for [nobody]: The security group 'nobody' does "
       "not exist (ErrorCode: InvalidGroup.NotFound)"},
      {"RunTask",
       R"({"taskDefinition": "far", "networkConfiguration": {"awsvpcConfiguration":
          {"subnets": ["subnet-1", "subnet-2"]}}})",
       "InvalidParameterException",
       "Error retrieving subnet information for [subnet-2]: The subnet ID 'subnet-2' does not "
       "exist "
       "(ErrorCode: InvalidSubnetID.NotFound)"},
      {"RunTask",
       R"({"taskDefinition": "web", "launchType": "EC2",
          "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]})",
       "InvalidParameterException", "both a launch type and capacity provider strategy"},
      {"RunTask",
       R"({"taskDefinition": "web", "overrides": {"containerOverrides": [{"name": "z"}]}})",
       "InvalidParameterException", "Override for container named z is not a container"},
      {"RunTask", R"({"taskDefinition": "web", "propagateTags": "SERVICE"})",
       "InvalidParameterException", "SERVICE"},
      {"RunTask", R"({"taskDefinition": "web", "clientToken": "a b"})", "InvalidParameterException",
       "clientToken"},
      {"RunTask",
       R"({"taskDefinition": "web", "placementConstraints": [{"type": "memberOf", "expression": "x"}]})",
       "InvalidParameterException", "placementConstraints[0].expression: 'x' at character 1"},
      {"ListContainerInstances", R"({"filter": "x"})", "InvalidParameterException", "filter: 'x'"},
      {"StopTask", R"({"task": "no"})", "InvalidParameterException",
       "The referenced task was not found."},
      {"DescribeTasks", R"({"tasks": []})", "InvalidParameterException", "Tasks cannot be empty."},
      {"DescribeTasks", R"({"tasks": ["arn:aws:ecs:us-east-1:000000000000:task/other/1"]})",
       "InvalidParameterException", "Identifier is for cluster other. Your cluster is default"},
      {"ListTasks", R"({"startedBy": "x", "family": "y"})", "InvalidParameterException",
       "startedBy must be the only filter"},
      {"ListTasks", R"({"serviceName": "s"})", "ServiceNotFoundException", "Service not found."},
      {"TagResource", R"({"resourceArn": "x", "tags": []})", "InvalidParameterException", "ARN"},
      {"TagResource", R"({"resourceArn": "arn:aws:ecs:us-east-1:000000000000:cluster/no",
          "tags": []})",
       "ClusterNotFoundException", ""},
      {"PutAttributes",
       R"({"attributes": [{"name": "ecs.os-type", "value": "x", "targetId": "y"}]})",
       "TargetNotFoundException", ""},
      {"PutAccountSetting", R"({"name": "x", "value": "y"})", "InvalidParameterException",
       "valid account setting name"},
      {"CreateService", R"({"serviceName": "s"})", "InvalidParameterException", "desiredCount"},
      {"UpdateService", R"({"service": "s"})", "ServiceNotFoundException", "Service not found."},
      {"CreateCapacityProvider", R"({"name": "x"})", "UnsupportedFeatureException", ""},
      {"DeleteCapacityProvider", R"({"capacityProvider": "FARGATE"})", "InvalidParameterException",
       "reserved"},
      {"UpdateContainerAgent", R"({"containerInstance": "x"})", "NoUpdateAvailableException", ""},
      {"SubmitTaskStateChange", "{}", "ClientException", ""},
      {"CreateDaemon", "{}", "UnsupportedFeatureException", ""},
      {"RegisterDaemonTaskDefinition", "{}", "ClientException", ""},
  };
  for (const Refused& each : cases) {
    SCOPED_TRACE(std::string(each.operation) + " " + each.body);
    Refusal got = refusal(each.operation, each.body);
    EXPECT_TRUE(*each.code == '\0' || got.code == each.code) << got.code << got.message;
    EXPECT_EQ(got.status, 400);
    EXPECT_THAT(got.message, HasSubstr(each.message));
  }
  EXPECT_TRUE(commands_.empty());  // nothing of it ran
  EXPECT_TRUE(core_->task_ids().empty());
}

// ---- task definitions ----

TEST_F(EcsTest, ADefinitionComesBackWithDefaults) {
  json answer = good("RegisterTaskDefinition", R"({"family": "f", "cpu": "1 vCPU", "memory": "2GB",
    "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "taskRoleArn": null,
    "tags": [{"key": "k", "value": "v"}],
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "containerDefinitions": [{"name": "a", "image": "i", "portMappings": [{"containerPort": 80}],
      "logConfiguration": {"logDriver": "awsfirelens"}},
      {"name": "r", "image": "i", "firelensConfiguration": {"type": "fluentbit"}}]})");
  const json& definition = answer["taskDefinition"];
  EXPECT_EQ(answer["tags"][0]["value"], "v");
  EXPECT_FALSE(definition.contains("tags"));
  EXPECT_FALSE(definition.contains("taskRoleArn"));
  EXPECT_EQ(definition["cpu"], "1024");
  EXPECT_EQ(definition["memory"], "2048");
  EXPECT_EQ(definition["taskDefinitionArn"], kArn + "task-definition/f:1");
  EXPECT_EQ(definition["compatibilities"], json({"EC2", "FARGATE"}));
  EXPECT_EQ(definition["registeredAt"], 1700000000.0);
  EXPECT_EQ(definition["volumes"], json::array());
  const json& container = definition["containerDefinitions"][0];
  EXPECT_EQ(container["essential"], true);
  EXPECT_EQ(container["cpu"], 0);
  EXPECT_EQ(container["environment"], json::array());
  EXPECT_EQ(container["portMappings"][0],
            json({{"containerPort", 80}, {"protocol", "tcp"}, {"hostPort", 80}}));
  EXPECT_EQ(container["logConfiguration"]["secretOptions"], json::array());
  // What came back registers again, and comes back the same.
  json input = definition;
  json again = good("RegisterTaskDefinition", input.dump())["taskDefinition"];
  EXPECT_EQ(again["containerDefinitions"], definition["containerDefinitions"]);
  EXPECT_EQ(again["revision"], 2);
}

TEST_F(EcsTest, RevisionsLiveAndDie) {
  for (int i = 0; i < 3; ++i) register_web();
  auto arn = [](int number) { return kArn + "task-definition/web:" + std::to_string(number); };
  EXPECT_EQ(good("ListTaskDefinitions", R"({"sort": "DESC"})")["taskDefinitionArns"],
            json({arn(3), arn(2), arn(1)}));
  json first = good("DeregisterTaskDefinition", R"({"taskDefinition": "web:3"})");
  EXPECT_EQ(first["taskDefinition"]["status"], "INACTIVE");
  EXPECT_EQ(
      good("DescribeTaskDefinition", R"({"taskDefinition": "web"})")["taskDefinition"]["revision"],
      2);
  EXPECT_EQ(good("ListTaskDefinitions", R"({"status": "INACTIVE"})")["taskDefinitionArns"],
            json({arn(3)}));
  json deleted =
      good("DeleteTaskDefinitions", R"({"taskDefinitions": ["web:3", "web:2", "no:1", "web"]})");
  EXPECT_EQ(deleted["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
  EXPECT_EQ(deleted["failures"].size(), 3u);
  EXPECT_THAT(std::string(deleted["failures"][0]["reason"]), HasSubstr("still in ACTIVE status"));
  EXPECT_EQ(
      good("DescribeTaskDefinition", R"({"taskDefinition": "web:3"})")["taskDefinition"]["status"],
      "DELETE_IN_PROGRESS");
  clock_.advance(std::chrono::hours(2));
  EXPECT_EQ(code("DescribeTaskDefinition", R"({"taskDefinition": "web:3"})"), "ClientException");
  open();
  register_web();
  EXPECT_EQ(
      good("DescribeTaskDefinition", R"({"taskDefinition": "web"})")["taskDefinition"]["revision"],
      4);  // 3 is never given out again
  for (int number : {1, 2, 4}) {
    good("DeregisterTaskDefinition", R"({"taskDefinition": ")" + arn(number) + "\"}");
  }
  EXPECT_EQ(good("ListTaskDefinitionFamilies", R"({"status": "ACTIVE"})")["families"],
            json::array());
  EXPECT_EQ(good("ListTaskDefinitionFamilies", R"({"familyPrefix": "w"})")["families"],
            json({"web"}));
}

TEST_F(EcsTest, PagesGoOnWhereTheyStopped) {
  for (int i = 0; i < 5; ++i) register_web();
  json first = good("ListTaskDefinitions", R"({"maxResults": 2})");
  EXPECT_EQ(first["taskDefinitionArns"].size(), 2u);
  good("DeregisterTaskDefinition", R"({"taskDefinition": "web:2"})");  // the last one of the page
  std::string token = first["nextToken"];
  json second = good("ListTaskDefinitions", R"({"maxResults": 2, "nextToken": ")" + token + "\"}");
  EXPECT_EQ(second["taskDefinitionArns"][0], kArn + "task-definition/web:3");
  token = second["nextToken"];
  json third = good("ListTaskDefinitions", R"({"nextToken": ")" + token + "\"}");
  EXPECT_EQ(third["taskDefinitionArns"], json({kArn + "task-definition/web:5"}));
  EXPECT_FALSE(third.contains("nextToken"));
  EXPECT_EQ(refusal("ListClusters", R"({"nextToken": ")" + token + "\"}").message,
            "Invalid token.");
}

// ---- tasks ----

TEST_F(EcsTest, ATaskLivesThroughItsStatuses) {
  register_fargate();
  json answer = good("RunTask", R"({"taskDefinition": "far", "launchType": "FARGATE",
    "startedBy": "me", "enableECSManagedTags": true, "propagateTags": "TASK_DEFINITION",
    "tags": [{"key": "own", "value": "1"}],
    "overrides": {"containerOverrides": [{"name": "a", "command": ["true"],
      "environment": [{"name": "K", "value": "v"}]}]},
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"],
      "securityGroups": ["sg-1", "web"], "assignPublicIp": "ENABLED"}}})");
  EXPECT_EQ(answer["failures"], json::array());
  const json& task = answer["tasks"][0];
  EXPECT_EQ(task["lastStatus"], "PROVISIONING");
  EXPECT_EQ(task["desiredStatus"], "RUNNING");
  EXPECT_EQ(task["cpu"], "256");
  EXPECT_EQ(task["group"], "family:far");
  EXPECT_EQ(task["platformVersion"], "1.4.0");
  EXPECT_EQ(task["launchType"], "FARGATE");
  EXPECT_FALSE(task.contains("containerInstanceArn"));
  EXPECT_EQ(task["tags"].size(), 3u);
  EXPECT_EQ(task["attachments"][0]["status"], "PRECREATED");
  EXPECT_EQ(task["overrides"]["containerOverrides"][0]["command"], json({"true"}));
  EXPECT_EQ(task["containers"][0]["lastStatus"], "PENDING");
  ASSERT_EQ(commands_.size(), 1u);
  const auto& started = std::get<scheduler::StartTask>(commands_[0]).task;
  EXPECT_EQ(started.definition.container_definitions[0].command, std::vector<std::string>{"true"});
  EXPECT_EQ(started.request.security_groups, (std::vector<std::string>{"sg-1", "web"}));
  EXPECT_TRUE(started.definition.requires_fargate());

  std::string id = id_of(task);
  auto describe = [&] {
    return good("DescribeTasks", R"({"include": ["TAGS"], "tasks": [")" + id + "\"]}")["tasks"][0];
  };
  tell(scheduler::TaskProvisioned{.task_id = id,
                                  .network_interfaces = {{.private_ipv4_address = "172.29.0.2",
                                                          .mac_address = "02:00:00:00:00:01",
                                                          .ipv6_address = "fd00:be::2"}}});
  json shown = describe();
  EXPECT_EQ(shown["attachments"][0]["status"], "ATTACHED");
  EXPECT_EQ(shown["attachments"][0]["details"].size(), 6u);
  EXPECT_EQ(shown["containers"][0]["networkInterfaces"][0]["ipv6Address"], "fd00:be::2");
  EXPECT_EQ(shown["containers"][0]["networkInterfaces"][0]["attachmentId"],
            shown["attachments"][0]["id"]);
  tell(scheduler::ContainerStarted{.task_id = id, .container = "a", .at = clock_.wall()});
  shown = describe();
  EXPECT_EQ(shown["lastStatus"], "RUNNING");
  EXPECT_EQ(shown["startedAt"], 1700000000.0);
  EXPECT_EQ(shown["connectivity"], "CONNECTED");
  EXPECT_EQ(good("DescribeClusters",
                 R"({"include": ["STATISTICS"]})")["clusters"][0]["runningTasksCount"],
            1);
  EXPECT_EQ(code("DeleteCluster", R"({"cluster": "default"})"), "ClusterContainsTasksException");

  json stopped = good("StopTask", R"({"task": ")" + id + R"(", "reason": "enough"})")["task"];
  EXPECT_EQ(stopped["desiredStatus"], "STOPPED");
  EXPECT_EQ(stopped["stoppedReason"], "enough");
  EXPECT_EQ(stopped["stopCode"], "UserInitiated");
  EXPECT_EQ(stopped["tags"], json::array());  // ECS takes them off
  EXPECT_EQ(good("ListTasks", "{}")["taskArns"], json::array());
  EXPECT_EQ(good("ListTasks", R"({"desiredStatus": "STOPPED"})")["taskArns"].size(), 1u);
  tell(scheduler::ContainerExited{.task_id = id, .container = "a", .exit_code = 143});
  tell(scheduler::TaskStopped{.task_id = id});
  tell(scheduler::TaskReleased{.task_id = id});
  shown = describe();
  EXPECT_EQ(shown["lastStatus"], "STOPPED");
  EXPECT_EQ(shown["containers"][0]["exitCode"], 143);
  EXPECT_EQ(shown["attachments"][0]["status"], "DELETED");
  json again = good("StopTask", R"({"task": ")" + id + R"(", "reason": "again"})")["task"];
  EXPECT_EQ(again["stoppedReason"], "enough");
  clock_.advance(std::chrono::minutes(61));
  EXPECT_EQ(good("DescribeTasks", R"({"tasks": [")" + id + "\"]}")["failures"][0]["reason"],
            "MISSING");
}

// A member of berth's own, for `berth stop --kill`: the stop signal would be heard first.
TEST_F(EcsTest, WhatIsToBeKilledIsNotAsked) {
  register_web();
  std::string arn = good("RunTask", R"({"taskDefinition": "web"})")["tasks"][0]["taskArn"];
  commands_.clear();
  json request = {{"task", arn}, {"reason", "now"}, {"x-berth-kill", true}};
  json killed = good("StopTask", request.dump())["task"];
  EXPECT_EQ(killed["stoppedReason"], "now");
  EXPECT_EQ(killed["stopCode"], "UserInitiated");
  ASSERT_EQ(commands_.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<scheduler::KillTask>(commands_[0]));
}

TEST_F(EcsTest, AHostHasOnlySoMuch) {
  register_web();  // 256 CPU, 512 MiB
  json answer = good("RunTask", R"({"taskDefinition": "web", "count": 10})");
  EXPECT_EQ(answer["tasks"].size(), 8u);
  ASSERT_EQ(answer["failures"].size(), 2u);
  EXPECT_EQ(answer["failures"][0]["reason"], "RESOURCE:CPU");
  EXPECT_THAT(std::string(answer["failures"][0]["arn"]),
              HasSubstr("container-instance/default/" + catalog_->node_id()));
  EXPECT_EQ(answer["tasks"][0]["containerInstanceArn"], answer["failures"][0]["arn"]);
  json instances = good("DescribeContainerInstances",
                        R"({"containerInstances": [")" + catalog_->node_id() + R"(", "x"]})");
  EXPECT_EQ(instances["failures"][0]["reason"], "MISSING");
  const json& instance = instances["containerInstances"][0];
  EXPECT_EQ(instance["pendingTasksCount"], 8);
  EXPECT_EQ(instance["remainingResources"][0]["integerValue"], 0);
  EXPECT_EQ(instance["registeredResources"][1]["integerValue"], 4096);
  for (const json& task : answer["tasks"]) {
    tell(scheduler::StartFailed{.task_id = id_of(task), .error_name = "E"});
    tell(scheduler::TaskReleased{.task_id = id_of(task)});
  }
  good("RegisterTaskDefinition", R"({"family": "ports", "containerDefinitions": [{"name": "a",
    "image": "i", "memory": 6, "portMappings": [{"containerPort": 80, "hostPort": 8080}]}]})");
  answer = good("RunTask", R"({"taskDefinition": "ports", "count": 2})");
  EXPECT_EQ(answer["tasks"].size(), 1u);
  EXPECT_EQ(answer["failures"][0]["reason"], "RESOURCE:PORTS");
  answer = good("RunTask", R"({"taskDefinition": "ports", "overrides": {"memory": "8192"}})");
  EXPECT_EQ(answer["failures"][0]["reason"], "RESOURCE:MEMORY");
}

// A port that a task was given is taken, but not reserved: of those an instance has 100 at most.
TEST_F(EcsTest, APortThatATaskWasGivenIsNotShownAsReserved) {
  auto define = [&](const std::string& family, int host_port) {
    json mapping = {{"containerPort", 80}, {"hostPort", host_port}};
    json container = {{"name", "a"}, {"image", "i"}, {"memory", 6}, {"portMappings", {mapping}}};
    good("RegisterTaskDefinition",
         json{{"family", family}, {"containerDefinitions", {container}}}.dump());
  };
  define("given", 0);
  define("named", 8080);
  define("late", 32768);  // which the first of them is given
  for (const char* family : {"given", "named"}) {
    EXPECT_EQ(good("RunTask", json{{"taskDefinition", family}}.dump())["failures"].size(), 0u);
    act();
  }
  json instances = good("DescribeContainerInstances",
                        json{{"containerInstances", {catalog_->node_id()}}}.dump());
  EXPECT_EQ(instances["containerInstances"][0]["remainingResources"][2]["stringSetValue"],
            json({"22", "2375", "2376", "8080", "51678", "51679", "51680"}));
  json answer = good("RunTask", R"({"taskDefinition": "late"})");
  EXPECT_EQ(answer["failures"][0]["reason"], "RESOURCE:PORTS");
}

TEST_F(EcsTest, TheSameTokenIsTheSameRequest) {
  register_web();
  json first = good("RunTask", R"({"taskDefinition": "web", "clientToken": "t", "count": 2})");
  json again = good("RunTask", R"({"count": 2, "clientToken": "t", "taskDefinition": "web"})");
  EXPECT_EQ(again, first);
  EXPECT_EQ(core_->task_ids().size(), 2u);
  Refusal other = refusal("RunTask", R"({"taskDefinition": "web", "clientToken": "t"})");
  EXPECT_EQ(other.code, "ConflictException");
  EXPECT_EQ(other.resource_ids.size(), 2u);
  good("RunTask", R"({"taskDefinition": "web", "clientToken": "u"})");
  EXPECT_EQ(core_->task_ids().size(), 3u);
}

TEST_F(EcsTest, AFailedStoreRunsNothingTwice) {
  register_web();
  std::string body = R"({"taskDefinition": "web", "clientToken": "t"})";
  EcsService broken(*core_, *catalog_, Env{clock_, rng_},
                    {.region = "us-east-1", .account = "000000000000", .memory_mib = 4096},
                    []() -> Status { return fail(Errc::kExhausted, "disk is full"); });
  Answer answer = broken.answer({.operation = "RunTask", .body = body, .at = clock_.wall()});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "ServerException");
  EXPECT_EQ(answer.error().status, 500);
  ASSERT_TRUE(step());                                   // the next step has room again
  EXPECT_EQ(good("RunTask", body)["tasks"].size(), 1u);  // the client's next try
  EXPECT_EQ(core_->task_ids().size(), 1u);
}

TEST_F(EcsTest, StrategiesShareTasksOut) {
  register_fargate();
  good("CreateCluster", R"({"clusterName": "s", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
    "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 1},
      {"capacityProvider": "FARGATE_SPOT", "weight": 3}]})");
  json answer = good("RunTask", R"({"cluster": "s", "taskDefinition": "far", "count": 5,
    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}})");
  std::map<std::string, int> counts;
  for (const json& task : answer["tasks"]) {
    EXPECT_EQ(task["launchType"], "FARGATE");
    ++counts[task["capacityProviderName"]];
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{{"FARGATE", 2}, {"FARGATE_SPOT", 3}}));
  EXPECT_EQ(code("PutClusterCapacityProviders", R"({"cluster": "s", "capacityProviders":
    ["FARGATE"], "defaultCapacityProviderStrategy": []})"),
            "ResourceInUseException");
}

TEST_F(EcsTest, ConstraintsCanOnlySayNo) {
  register_web();
  auto run = [&](const std::string& constraint) {
    return good("RunTask", R"({"taskDefinition": "web", "count": 2, "placementConstraints": [)" +
                               constraint + "]}");
  };
  json answer = run(R"({"type": "distinctInstance"})");
  EXPECT_EQ(answer["tasks"].size(), 1u);
  EXPECT_EQ(answer["failures"][0]["reason"], "DistinctInstance placement constraint unsatisfied.");
  EXPECT_EQ(run(R"({"type": "memberOf", "expression": "attribute:ecs.os-type == linux"})")["tasks"]
                .size(),
            2u);
  answer = run(R"({"type": "memberOf", "expression": "attribute:stack == blue"})");
  EXPECT_EQ(answer["failures"][1]["reason"], "MemberOf placement constraint unsatisfied.");
  EXPECT_EQ(good("ListContainerInstances",
                 R"({"filter": "task:group == family:web"})")["containerInstanceArns"]
                .size(),
            1u);
  EXPECT_EQ(good("ListContainerInstances",
                 R"({"filter": "runningTasksCount > 0"})")["containerInstanceArns"],
            json::array());
}

TEST_F(EcsTest, ADefinitionMayAskForAPlace) {
  auto register_with = [&](const std::string& members, const std::string& container) {
    return R"({"family": "placed", "containerDefinitions": [{"name": "a", "image": "i",
      "memory": 64)" +
           container + "}]" + members + "}";
  };
  auto constrained = [&](const std::string& expression) {
    return register_with(
        R"(, "placementConstraints": [{"type": "memberOf", "expression": ")" + expression + "\"}]",
        "");
  };
  EXPECT_EQ(code("RegisterTaskDefinition", constrained("attribute:x ==")), "ClientException");
  json registered = good("RegisterTaskDefinition", constrained("attribute:stack == blue"));
  EXPECT_EQ(registered["taskDefinition"]["placementConstraints"][0]["type"], "memberOf");
  json answer = good("RunTask", R"({"taskDefinition": "placed"})");
  EXPECT_EQ(answer["tasks"].size(), 0u);
  EXPECT_EQ(answer["failures"][0]["reason"], "MemberOf placement constraint unsatisfied.");
  good("PutAttributes", R"({"attributes": [{"name": "stack", "value": "blue",
    "targetType": "container-instance", "targetId": ")" +
                            catalog_->node_id() + R"("}]})");
  EXPECT_EQ(good("RunTask", R"({"taskDefinition": "placed"})")["tasks"].size(), 1u);

  good("RegisterTaskDefinition",
       register_with("", R"(, "resourceRequirements": [{"type": "GPU", "value": "1"}])"));
  answer = good("RunTask", R"({"taskDefinition": "placed", "count": 2})");
  EXPECT_EQ(answer["tasks"].size(), 0u);
  EXPECT_EQ(answer["failures"].size(), 2u);
  EXPECT_EQ(answer["failures"][0]["reason"], "RESOURCE:GPU");
}

TEST_F(EcsTest, StartTaskAndDraining) {
  register_web();
  std::string node = catalog_->node_id();
  json answer = good("StartTask", R"({"taskDefinition": "web", "containerInstances": [")" + node +
                                      R"(", "other"]})");
  EXPECT_EQ(answer["tasks"].size(), 1u);
  EXPECT_EQ(answer["failures"][0]["reason"], "MISSING");
  good("UpdateContainerInstancesState",
       R"({"status": "DRAINING", "containerInstances": [")" + node + "\"]}");
  open();
  answer = good("RunTask", R"({"taskDefinition": "web"})");
  EXPECT_EQ(answer["failures"][0]["reason"], "INACTIVE");
  EXPECT_EQ(good("ListContainerInstances", R"({"status": "ACTIVE"})")["containerInstanceArns"],
            json::array());
  EXPECT_EQ(good("ListTasks", R"({"containerInstance": ")" + node + "\"}")["taskArns"].size(), 1u);
}

TEST_F(EcsTest, TagsOfAllThatHasThem) {
  register_web();
  std::string task = good("RunTask", R"({"taskDefinition": "web"})")["tasks"][0]["taskArn"];
  std::string node = kArn + "container-instance/default/" + catalog_->node_id();
  for (const std::string& arn :
       {kArn + "cluster/default", kArn + "task-definition/web:1", node, task}) {
    SCOPED_TRACE(arn);
    std::string resource = R"({"resourceArn": ")" + arn + "\"";
    good("TagResource", resource + R"(, "tags": [{"key": "a", "value": "1"}, {"key": "b"}]})");
    good("TagResource", resource + R"(, "tags": [{"key": "a", "value": "2"}]})");
    good("UntagResource", resource + R"(, "tagKeys": ["b", "c"]})");
    EXPECT_EQ(good("ListTagsForResource", resource + "}")["tags"],
              json::parse(R"([{"key": "a", "value": "2"}])"));
  }
  std::string many;
  for (int i = 0; i < 50; ++i) many += fmt::format("{}{{\"key\": \"k{}\"}}", i ? "," : "", i);
  EXPECT_EQ(code("TagResource", R"({"resourceArn": ")" + task + R"(", "tags": [)" + many + "]}"),
            "InvalidParameterException");  // 51 with the one that is there
}

TEST_F(EcsTest, AttributesAndSettings) {
  std::string target = R"("targetId": ")" + catalog_->node_id() + "\"";
  good("PutAttributes", R"({"attributes": [{"name": "stack", "value": "blue", )" + target + "}]}");
  open();
  json listed =
      good("ListAttributes", R"({"targetType": "container-instance", "attributeName": "stack"})");
  EXPECT_EQ(listed["attributes"][0]["value"], "blue");
  good("DeleteAttributes", R"({"attributes": [{"name": "stack", )" + target + "}]}");
  EXPECT_EQ(good("ListAttributes", R"({"targetType": "container-instance",
    "attributeName": "stack"})")["attributes"],
            json::array());
  EXPECT_GT(good("ListAttributes", R"({"targetType": "container-instance"})")["attributes"].size(),
            20u);

  good("PutAccountSettingDefault", R"({"name": "containerInsights", "value": "enabled"})");
  open();
  EXPECT_EQ(good("ListAccountSettings", R"({"name": "containerInsights"})")["settings"][0]["value"],
            "enabled");
  EXPECT_EQ(good("CreateCluster", R"({"clusterName": "i"})")["cluster"]["settings"][0]["value"],
            "enabled");
  good("DeleteAccountSetting", R"({"name": "containerInsights"})");
  EXPECT_EQ(good("ListAccountSettings", "{}")["settings"], json::array());
  json effective = good("ListAccountSettings", R"({"effectiveSettings": true})");
  EXPECT_EQ(effective["settings"].size(), 10u);  // a page
  EXPECT_TRUE(effective.contains("nextToken"));
}

TEST_F(EcsTest, WhatIsNotThereIsSaidSo) {
  EXPECT_EQ(good("ListServices", "{}")["serviceArns"], json::array());
  EXPECT_EQ(good("DescribeServices", R"({"services": ["s"]})")["failures"][0]["arn"],
            kArn + "service/default/s");
  json providers = good("DescribeCapacityProviders", R"({"capacityProviders": ["FARGATE", "x"]})");
  EXPECT_EQ(providers["capacityProviders"][0]["status"], "ACTIVE");
  EXPECT_EQ(providers["failures"][0]["reason"], "MISSING");
  EXPECT_EQ(good("DescribeCapacityProviders", "{}")["capacityProviders"].size(), 2u);
  register_web();
  std::string task = good("RunTask", R"({"taskDefinition": "web"})")["tasks"][0]["taskArn"];
  std::string tasks = R"({"tasks": [")" + task + R"(", "no"])";
  json protection = good("GetTaskProtection", tasks + "}");
  EXPECT_EQ(protection["failures"][0]["reason"], "TASK_NOT_VALID");
  EXPECT_EQ(protection["failures"][1]["reason"], "MISSING");
  EXPECT_EQ(good("UpdateTaskProtection", tasks + R"(, "protectionEnabled": true})"), protection);
  EXPECT_EQ(code("ExecuteCommand", R"({"task": ")" + task + R"(", "command": "sh"})"),
            "InvalidParameterException");
  EXPECT_EQ(good("ListDaemons", "{}")["daemonSummariesList"], json::array());
}

}  // namespace
}  // namespace berth::api
