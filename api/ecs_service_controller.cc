#include "api/ecs_service_controller.h"

#include <fmt/core.h>

#include <array>

namespace berth::api::ecs {
namespace {

using scheduler::DeploymentController;

struct SetMember {
  const char* key;
  const char* shown;    // as AWS writes it at the beginning of a sentence
  const char* changed;  // in the middle of one
};
constexpr auto kSetMembers = std::to_array<SetMember>({
    {"taskDefinition", "TaskDefinition", "task definition"},
    {"launchType", "LaunchType", "launch type"},
    {"capacityProviderStrategy", "CapacityProviderStrategy", "capacity provider strategy"},
    {"x-berth-preStop", "x-berth-preStop", "x-berth-preStop"},
    {"platformVersion", "PlatformVersion", "platform version"},
    {"networkConfiguration", "NetworkConfiguration", "network parameters"},
    {"serviceConnectConfiguration", "ServiceConnectConfiguration", "Service Connect configuration"},
});

std::string read_controller_type(Ask& ask) {
  auto node = ask.object("deploymentController");
  if (!node) return "";
  ask.required_text(*node, "type");
  return ask.word(*node, "type", {"ECS", "CODE_DEPLOY", "EXTERNAL"});
}

}  // namespace

DeploymentController read_controller(Ask& ask) {
  std::string type = read_controller_type(ask);
  if (type == "EXTERNAL") return DeploymentController::kExternal;
  if (type == "CODE_DEPLOY") {
    ask.refuse("UnsupportedFeatureException",
               "deploymentController.type CODE_DEPLOY: berth has no CodeDeploy; ECS has the "
               "strategy BLUE_GREEN, and EXTERNAL has task sets.");
  }
  return DeploymentController::kEcs;
}

void read_changed_controller(Ask& ask, DeploymentController controller) {
  std::string type = read_controller_type(ask);
  if (type.empty() || type == name_of(controller)) return;
  ask.refuse("UnsupportedFeatureException",
             fmt::format("deploymentController.type {}: a service keeps the controller that it "
                         "was created with, {}.",
                         type, name_of(controller)));
}

void refuse_set_members(Ask& ask) {
  for (const SetMember& member : kSetMembers) {
    if (!ask.has(member.key)) continue;
    ask.invalid(
        fmt::format("{} must be blank. With an EXTERNAL deployment controller, task sets "
                    "have it.",
                    member.shown));
  }
}

void refuse_changed_set_members(Ask& ask) {
  for (const SetMember& member : kSetMembers) {
    if (!ask.has(member.key)) continue;
    ask.invalid(
        fmt::format("Unable to update {} on services with an EXTERNAL deployment "
                    "controller. Create a task set instead.",
                    member.changed));
  }
  if (ask.flag("forceNewDeployment")) {
    ask.invalid(
        "Cannot force a new deployment on services with an EXTERNAL deployment controller. Create "
        "a task set instead.");
  }
}

void check_external(Ask& ask, const scheduler::ServiceConfiguration& configuration) {
  if (configuration.scheduling == scheduler::SchedulingStrategy::kDaemon) {
    ask.invalid(
        "The daemon scheduling strategy does not support the EXTERNAL deployment controller");
  }
  const scheduler::DeploymentConfiguration& deployment = configuration.deployment;
  bool is_of_ecs = deployment.strategy != scheduler::DeploymentStrategy::kRolling ||
                   deployment.circuit_breaker.enable || deployment.alarms.enable;
  if (!is_of_ecs) return;
  ask.invalid(
      "deploymentConfiguration: strategy, deploymentCircuitBreaker and alarms are for the ECS "
      "deployment controller; whoever controls an EXTERNAL one does it.");
}

}  // namespace berth::api::ecs
