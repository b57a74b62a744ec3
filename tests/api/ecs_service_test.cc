// Operations of ECS: clusters, task definitions, what is refused, and what all of them have.
#include "api/ecs_service.h"

#include "api/ecs_operations.h"
#include "support/ecs_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

namespace berth::api {
namespace {

using testing::HasSubstr;

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
       "ClusterName must match"},
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
       "InvalidParameterException", "weight value greater than zero"},
      {"CreateCluster", R"({"tags": [{"key": "aws:x", "value": ""}]})", "InvalidParameterException",
       "reserved"},
      {"CreateCluster", R"({"tags": [{"key": "x"}, {"key": "x"}]})", "InvalidParameterException",
       "twice"},
      {"CreateCluster", R"({"tags": [{"key": "x", "value": "a\"b"}]})", "InvalidParameterException",
       "Some tags contain invalid characters."},
      {"DescribeClusters", R"({"clusters": ["arn:aws:ecs:us-east-1:111111111111:cluster/c"]})",
       "InvalidParameterException", "Your accountId is 000000000000"},
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
      {"DescribeTaskDefinition", "{}", "InvalidParameterException",
       "Task Definition can not be blank."},
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
       "taskId length should be one of [32,36]"},
      {"DescribeTasks", R"({"tasks": []})", "InvalidParameterException", "Tasks cannot be empty."},
      {"DescribeTasks", R"({"tasks": ["arn:aws:ecs:us-east-1:000000000000:task/other/1"]})",
       "InvalidParameterException", "Identifier is for cluster other. Your cluster is default"},
      {"ListTasks", R"({"startedBy": "x", "family": "y"})", "InvalidParameterException",
       "cannot specify startedBy with other arguments"},
      {"ListTasks", R"({"serviceName": "s"})", "ServiceNotFoundException", "Service not found."},
      {"TagResource", R"({"resourceArn": "x", "tags": []})", "InvalidParameterException", "ARN"},
      {"TagResource", R"({"resourceArn": "arn:aws:ecs:us-east-1:000000000000:cluster/no",
          "tags": []})",
       "ClusterNotFoundException", ""},
      {"PutAttributes",
       R"({"attributes": [{"name": "ecs.os-type", "value": "x", "targetId": "y"}]})",
       "TargetNotFoundException", ""},
      {"PutAccountSetting", R"({"name": "x", "value": "y"})", "InvalidParameterException",
       "x should be one of ["},
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
  EXPECT_FALSE(container.contains("ulimits") || container.contains("environmentFiles") ||
               container["logConfiguration"].contains("secretOptions"));
  // What came back registers again, and comes back the same.
  json input = definition;
  json again = good("RegisterTaskDefinition", input.dump())["taskDefinition"];
  EXPECT_EQ(again["containerDefinitions"], definition["containerDefinitions"]);
  EXPECT_EQ(again["revision"], 2);
  input["requiresCompatibilities"] = json::array({"EC2", "FARGATE"});
  input["ephemeralStorage"] = {{"sizeInGiB", 21}};
  again = good("RegisterTaskDefinition", input.dump())["taskDefinition"];
  EXPECT_EQ(again["compatibilities"], json::array({"EC2", "FARGATE"}));
  // Before any rule of what is in it.
  input["family"] = std::string(300000, '.');
  EXPECT_THAT(refusal("RegisterTaskDefinition", input.dump()).message,
              HasSubstr("Max allowed length is '65536' bytes."));
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

// ---- what all of them have ----

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
  EXPECT_FALSE(listed["attributes"][0].contains("targetType"));
  good("DeleteAttributes", R"({"attributes": [{"name": "stack", )" + target + "}]}");
  EXPECT_EQ(good("ListAttributes", R"({"targetType": "container-instance",
    "attributeName": "stack"})")["attributes"],
            json::array());
  EXPECT_GT(good("ListAttributes", R"({"targetType": "container-instance"})")["attributes"].size(),
            20u);

  good("PutAccountSettingDefault", R"({"name": "containerInsights", "value": "enabled"})");
  open();
  json setting = good("ListAccountSettings", R"({"name": "containerInsights"})")["settings"][0];
  EXPECT_EQ(setting["value"], "enabled");
  EXPECT_EQ(setting["type"], "user");
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
  std::string tasks = R"({"tasks": [")" + task + R"(", ")" + std::string(32, '0') + R"("])";
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
