// Tasks over the operations of ECS: how they live, what they share, and where they are placed.
#include "support/ecs_fixture.h"

#include <gmock/gmock.h>

namespace berth::api {
namespace {

using testing::HasSubstr;

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
  EXPECT_FALSE(task.contains("healthStatus") || task["containers"][0].contains("healthStatus"));
  EXPECT_FALSE(task["containers"][0].contains("networkBindings")) << "it has not started";
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
  EXPECT_EQ(shown["containers"][0]["networkBindings"], json::array());
  EXPECT_EQ(shown["healthStatus"], "UNKNOWN");
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
  EXPECT_EQ(shown["connectivity"], "CONNECTED");
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
  EXPECT_EQ(answer["tasks"][0]["cpu"], "256") << "of its containers";
  EXPECT_EQ(answer["tasks"][0]["memory"], "512");
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

}  // namespace
}  // namespace berth::api
