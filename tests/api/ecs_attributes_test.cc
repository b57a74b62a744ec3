#include "support/ecs_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace berth::api {
namespace {

using RecordedJson = nlohmann::json;

struct RecordedAttributes {
  const char* record;
  RecordedJson container;
  RecordedJson members;
  std::vector<std::string> attributes;  // without "com.amazonaws." and "ecs.capability."
};

RecordedJson awslogs_with(RecordedJson more) {
  RecordedJson options = {{"awslogs-group", "g"}, {"awslogs-region", "us-east-1"}};
  options["awslogs-stream-prefix"] = "ecs";
  options.update(more);
  return {{"logDriver", "awslogs"}, {"options", options}};
}

constexpr const char* kRecordedEcr = "644160558196.dkr.ecr.us-east-1.amazonaws.com/app:1";
constexpr const char* kRecordedRole = "arn:aws:iam::644160558196:role/r";

RecordedJson fargate_with(RecordedJson more) {
  RecordedJson members = {{"networkMode", "awsvpc"},
                          {"requiresCompatibilities", RecordedJson::array({"FARGATE"})}};
  members.update({{"cpu", "256"}, {"memory", "512"}, {"executionRoleArn", kRecordedRole}});
  members.update(more);
  return members;
}

// Answers of DescribeTaskDefinition that were recorded: what was asked for, and what it requires.
// Those of cloud-custodian are in its tests/data/placebo.
std::vector<RecordedAttributes> recorded_attributes() {
  RecordedJson plain = awslogs_with(RecordedJson::object());
  std::vector<std::string> logs = {"docker-remote-api.1.18", "docker-remote-api.1.19",
                                   "execution-role-awslogs", "logging-driver.awslogs", "task-eni"};
  auto and_logs = [&](std::vector<std::string> more) {
    more.insert(more.end(), logs.begin(), logs.end());
    return more;
  };
  return {
      {"cloud-custodian: test_ecs_task_def_filter",
       {{"image", "nginx:latest"}, {"logConfiguration", plain}},
       fargate_with(RecordedJson::object()),
       logs},
      {"cloud-custodian: test_ecs_task_def_query",
       {{"image", "redis:latest"}, {"readonlyRootFilesystem", true}, {"logConfiguration", plain}},
       fargate_with({{"taskRoleArn", kRecordedRole}}),
       and_logs({"docker-remote-api.1.17", "task-iam-role"})},
      {"cloud-custodian: test_ecs_task_def_delete_permanently",
       {{"image", kRecordedEcr},
        {"logConfiguration", awslogs_with({{"awslogs-create-group", "true"}})}},
       fargate_with(RecordedJson::object()),
       and_logs({"docker-remote-api.1.29", "ecr-auth", "execution-role-ecr-pull"})},
      {"cloud-custodian: test_ecs_task_def_tags",
       {{"image", "custodian"}, {"memory", 64}, {"logConfiguration", plain}},
       {{"networkMode", "host"}, {"taskRoleArn", kRecordedRole}},
       {"docker-remote-api.1.18", "docker-remote-api.1.19", "logging-driver.awslogs",
        "task-iam-role", "task-iam-role-network-host"}},
      {"a guide to Streamlit on Fargate",
       {{"image", kRecordedEcr}},
       fargate_with(RecordedJson::object()),
       {"docker-remote-api.1.18", "ecr-auth", "execution-role-ecr-pull", "task-eni"}},
      {"beanlab/rubber-duck",
       {{"image", kRecordedEcr},
        {"environmentFiles",
         RecordedJson::array({{{"value", "arn:aws:s3:::b/a.env"}, {"type", "s3"}}})},
        {"logConfiguration", awslogs_with({{"mode", "non-blocking"},
                                           {"max-buffer-size", "25m"},
                                           {"awslogs-create-group", "true"}})}},
       fargate_with({{"ephemeralStorage", {{"sizeInGiB", 21}}}}),
       and_logs({"docker-remote-api.1.28", "docker-remote-api.1.29", "ecr-auth", "env-files.s3",
                 "execution-role-ecr-pull", "extensible-ephemeral-storage"})},
  };
}

TEST_F(EcsTest, DefinitionsRequireWhatWasRecordedOfEcs) {
  for (const RecordedAttributes& each : recorded_attributes()) {
    json definition = each.members;
    definition["family"] = "recorded";
    json container = each.container;
    container["name"] = "main";
    definition["containerDefinitions"] = json::array({container});
    json made = good("RegisterTaskDefinition", definition.dump())["taskDefinition"];
    std::vector<std::string> names;
    for (const json& attribute : made["requiresAttributes"]) {
      std::string name = attribute["name"];
      names.push_back(name.substr(name.find("capability.") + 11));
    }
    EXPECT_THAT(names, testing::UnorderedElementsAreArray(each.attributes)) << each.record;
  }
}

}  // namespace
}  // namespace berth::api
