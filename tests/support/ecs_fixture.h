// ECS over a scheduler whose agent is the test: requests as SDKs send them, answers as they read
// them.
#pragma once

#include "support/ecs_host.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace berth::api {

using nlohmann::json;

inline const std::string kArn = "arn:aws:ecs:us-east-1:000000000000:";

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

}  // namespace berth::api
