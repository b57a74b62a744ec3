#include "api/ecs_placement.h"

#include "scheduler/reader.h"

#include <algorithm>
#include <array>

namespace berth::api::ecs {
namespace {

// What Amazon's agent calls the abilities that task definitions of ours can ask for.
constexpr std::array kCapabilities = {
    "com.amazonaws.ecs.capability.docker-remote-api.1.17",
    "com.amazonaws.ecs.capability.docker-remote-api.1.18",
    "com.amazonaws.ecs.capability.docker-remote-api.1.19",
    "com.amazonaws.ecs.capability.docker-remote-api.1.24",
    "com.amazonaws.ecs.capability.docker-remote-api.1.28",
    "com.amazonaws.ecs.capability.docker-remote-api.1.29",
    "com.amazonaws.ecs.capability.ecr-auth",
    "com.amazonaws.ecs.capability.logging-driver.awsfirelens",
    "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.logging-driver.fluentd",
    "com.amazonaws.ecs.capability.logging-driver.gelf",
    "com.amazonaws.ecs.capability.logging-driver.journald",
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "com.amazonaws.ecs.capability.logging-driver.syslog",
    "com.amazonaws.ecs.capability.privileged-container",
    "com.amazonaws.ecs.capability.task-iam-role",
    "com.amazonaws.ecs.capability.task-iam-role-network-host",
    "ecs.capability.container-health-check",
    "ecs.capability.container-ordering",
    "ecs.capability.efs",
    "ecs.capability.efsAuth",
    "ecs.capability.env-files.s3",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.execution-role-ecr-pull",
    "ecs.capability.fault-injection",
    "ecs.capability.firelens.fluentbit",
    "ecs.capability.firelens.fluentd",
    "ecs.capability.firelens.options.config.file",
    "ecs.capability.pid-ipc-namespace-sharing",
    "ecs.capability.private-registry-authentication.secretsmanager",
    "ecs.capability.secrets.asm.environment-variables",
    "ecs.capability.secrets.ssm.environment-variables",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.task-eni",
};

}  // namespace

scheduler::Findings check_expressions(const json::Node& definition) {
  scheduler::Reader reader;
  for (const json::Node& each : reader.array(definition, "placementConstraints")) {
    std::string expression = reader.string(each, "expression");
    if (expression.empty()) continue;
    auto query = Query::parse(expression);
    if (!query) reader.invalid_at(each, "expression", query.error().text);
  }
  return reader.take();
}

const std::string* unmet_expression(const scheduler::PlacementNeeds& needs,
                                    const QueryFacts& facts) {
  for (const std::string& expression : needs.member_of) {
    auto query = Query::parse(expression);
    if (!query || !query->matches(facts)) return &expression;
  }
  return nullptr;
}

std::vector<scheduler::KeyValue> host_attributes(scheduler::CpuArchitecture architecture,
                                                 const std::string& availability_zone) {
  bool is_arm = architecture == scheduler::CpuArchitecture::kArm64;
  std::vector<scheduler::KeyValue> attributes = {
      {"ecs.availability-zone", availability_zone},
      {"ecs.cpu-architecture", is_arm ? "arm64" : "x86_64"},
      {"ecs.os-family", "LINUX"},
      {"ecs.os-type", "linux"}};
  for (const char* name : kCapabilities) attributes.push_back({name, ""});
  std::sort(attributes.begin(), attributes.end(),
            [](const auto& one, const auto& other) { return one.name < other.name; });
  return attributes;
}

}  // namespace berth::api::ecs
