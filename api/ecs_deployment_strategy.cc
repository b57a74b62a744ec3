#include "api/ecs_deployment_strategy.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace berth::api::ecs {
namespace {

using scheduler::DeploymentConfiguration;
using scheduler::DeploymentStrategy;
using scheduler::HookTarget;
using scheduler::HookTimeoutAction;
using scheduler::LifecycleHook;
using scheduler::LifecycleStage;

constexpr size_t kHooksMax = 20;  // AWS names no bound
constexpr size_t kHookDetailsMax = 4096;
constexpr int64_t kStepBakeMax = 1440;
constexpr int64_t kHookMinutesMax = 20160;
constexpr int kHookMinutesUsual = 1440;
constexpr double kTenths = 10.0;  // percents are kept in tenths
constexpr double kTenthSlack = 1e-6;

struct PercentRange {
  double min;
  double max;
};

constexpr auto kStrategies =
    std::to_array({DeploymentStrategy::kRolling, DeploymentStrategy::kBlueGreen,
                   DeploymentStrategy::kLinear, DeploymentStrategy::kCanary});

// Those that hooks are asked at, and whether one may pause there: while traffic is being shifted,
// it may not.
struct HookStage {
  LifecycleStage stage;
  bool may_pause;
};
constexpr auto kHookStages = std::to_array<HookStage>({
    {LifecycleStage::kReconcileService, true},
    {LifecycleStage::kPreScaleUp, true},
    {LifecycleStage::kPostScaleUp, true},
    {LifecycleStage::kTestTrafficShift, false},
    {LifecycleStage::kPostTestTrafficShift, true},
    {LifecycleStage::kPreProductionTrafficShift, true},
    {LifecycleStage::kProductionTrafficShift, false},
    {LifecycleStage::kPostProductionTrafficShift, true},
});

DeploymentStrategy strategy_of(const std::string& word) {
  for (DeploymentStrategy strategy : kStrategies) {
    if (word == name_of(strategy)) return strategy;
  }
  return DeploymentStrategy::kRolling;
}

void read_permille(Ask& ask, const json::Node& node, const char* key, PercentRange range,
                   int& permille) {
  auto percent = ask.real(node, key);
  if (!percent) return;
  double tenths = std::round(*percent * kTenths);
  bool is_good = *percent >= range.min && *percent <= range.max &&
                 std::abs(*percent * kTenths - tenths) < kTenthSlack;
  if (!is_good) {
    ask.invalid(fmt::format("{} must be a multiple of 0.1 from {:.1f} to {:.1f}.",
                            path_of(node, key), range.min, range.max));
    return;
  }
  permille = static_cast<int>(tenths);
}

// The member `key`; refused with another strategy than its own.
std::optional<json::Node> find_steps(Ask& ask, const json::Node& node, const char* key,
                                     DeploymentStrategy own, DeploymentStrategy chosen) {
  auto steps = ask.object(node, key);
  if (steps && own != chosen) {
    ask.invalid(fmt::format("{} is only valid when the deployment strategy is {}.",
                            path_of(node, key), name_of(own)));
  }
  return steps;
}

void read_steps(Ask& ask, const json::Node& node, DeploymentConfiguration& configuration) {
  DeploymentStrategy chosen = configuration.strategy;
  if (auto linear =
          find_steps(ask, node, "linearConfiguration", DeploymentStrategy::kLinear, chosen)) {
    read_permille(ask, *linear, "stepPercent", {3, 100}, configuration.linear.step_permille);
    auto minutes = ask.number(*linear, "stepBakeTimeInMinutes", {0, kStepBakeMax});
    if (minutes) configuration.linear.step_bake_minutes = static_cast<int>(*minutes);
  }
  if (auto canary =
          find_steps(ask, node, "canaryConfiguration", DeploymentStrategy::kCanary, chosen)) {
    read_permille(ask, *canary, "canaryPercent", {0.1, 100}, configuration.canary.canary_permille);
    auto minutes = ask.number(*canary, "canaryBakeTimeInMinutes", {0, kStepBakeMax});
    if (minutes) configuration.canary.canary_bake_minutes = static_cast<int>(*minutes);
  }
}

// ---- Hooks ----

void read_stages(Ask& ask, const json::Node& node, LifecycleHook& hook) {
  for (const std::string& word : ask.texts(node, "lifecycleStages", kHookStages.size())) {
    const auto* known =
        std::find_if(kHookStages.begin(), kHookStages.end(),
                     [&](const HookStage& each) { return word == name_of(each.stage); });
    if (known == kHookStages.end()) {
      ask.invalid(fmt::format("{}: {} is no lifecycle stage that hooks are asked at.",
                              path_of(node, "lifecycleStages"), word));
      return;
    }
    if (hook.target == HookTarget::kPause && !known->may_pause) {
      ask.invalid(fmt::format("{}: a PAUSE hook cannot be at {}, while traffic is being shifted.",
                              path_of(node, "lifecycleStages"), word));
    }
    hook.stages.push_back(known->stage);
  }
  if (hook.stages.empty()) {
    ask.invalid(fmt::format("{} can not be empty.", path_of(node, "lifecycleStages")));
  }
}

void read_hook_timeout(Ask& ask, const json::Node& node, LifecycleHook& hook) {
  hook.timeout_minutes = kHookMinutesUsual;
  auto timeout = ask.object(node, "timeoutConfiguration");
  if (!timeout) return;
  auto minutes = ask.number(*timeout, "timeoutInMinutes", {1, kHookMinutesMax});
  if (minutes) hook.timeout_minutes = static_cast<int>(*minutes);
  if (ask.word(*timeout, "action", {"ROLLBACK", "CONTINUE"}) == "CONTINUE") {
    hook.timeout_action = HookTimeoutAction::kContinue;
  }
}

LifecycleHook read_hook(Ask& ask, const json::Node& node) {
  LifecycleHook hook;
  if (ask.word(node, "targetType", {"AWS_LAMBDA", "PAUSE"}) != "PAUSE") {
    ask.refuse("UnsupportedFeatureException",
               fmt::format("{}: berth runs no Lambda functions; a hook of targetType PAUSE waits "
                           "for ContinueServiceDeployment.",
                           path_of(node, "targetType")));
  }
  for (const char* key : {"hookTargetArn", "roleArn"}) {
    if (ask.text(node, key).empty()) continue;
    ask.invalid(fmt::format("{}: a hook of targetType PAUSE has none.", path_of(node, key)));
  }
  if (auto details = ask.object(node, "hookDetails")) {
    hook.details_json = details->dump();
    if (hook.details_json.size() > kHookDetailsMax) {
      ask.invalid(fmt::format("{} must have at most {} bytes.", path_of(node, "hookDetails"),
                              kHookDetailsMax));
    }
  }
  read_stages(ask, node, hook);
  read_hook_timeout(ask, node, hook);
  return hook;
}

void read_hooks(Ask& ask, const json::Node& node, DeploymentConfiguration& configuration) {
  if (!node.find("lifecycleHooks")) return;
  std::vector<LifecycleHook> hooks;
  for (const json::Node& each : ask.objects(node, "lifecycleHooks", kHooksMax)) {
    hooks.push_back(read_hook(ask, each));
  }
  if (!hooks.empty() && configuration.strategy == DeploymentStrategy::kRolling) {
    ask.refuse("UnsupportedFeatureException",
               fmt::format("{}: a deployment that is ROLLING has no stages; choose BLUE_GREEN, "
                           "LINEAR or CANARY.",
                           path_of(node, "lifecycleHooks")));
  }
  configuration.hooks = std::move(hooks);
}

Json hook_json(const LifecycleHook& hook) {
  Json stages = Json::array();
  for (LifecycleStage stage : hook.stages) stages.push_back(name_of(stage));
  Json json = {{"targetType", name_of(hook.target)}, {"lifecycleStages", std::move(stages)}};
  if (!hook.target_arn.empty()) json["hookTargetArn"] = hook.target_arn;
  if (!hook.role_arn.empty()) json["roleArn"] = hook.role_arn;
  if (!hook.details_json.empty()) json["hookDetails"] = Json::parse(hook.details_json);
  if (hook.timeout_minutes) {
    json["timeoutConfiguration"] = {{"timeoutInMinutes", *hook.timeout_minutes},
                                    {"action", name_of(hook.timeout_action)}};
  }
  return json;
}

}  // namespace

void read_deployment_strategy(Ask& ask, const json::Node& node,
                              scheduler::SchedulingStrategy scheduling,
                              DeploymentConfiguration& configuration) {
  std::string word = ask.word(node, "strategy", {"ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"});
  DeploymentStrategy before = configuration.strategy;
  if (!word.empty()) configuration.strategy = strategy_of(word);
  DeploymentStrategy chosen = configuration.strategy;
  if (chosen != before) {  // what went with the other one goes
    configuration.linear = {};
    configuration.canary = {};
    if (chosen == DeploymentStrategy::kRolling) configuration.hooks.clear();
  }
  if (chosen != DeploymentStrategy::kRolling &&
      scheduling == scheduler::SchedulingStrategy::kDaemon) {
    ask.invalid(
        fmt::format("The daemon scheduling strategy does not support the deployment strategy {}",
                    name_of(chosen)));
  }
  bool is_bake_missing = chosen == DeploymentStrategy::kBlueGreen && chosen != before &&
                         !node.find("bakeTimeInMinutes");
  if (is_bake_missing) {
    ask.invalid(fmt::format("{} can not be null when the deployment strategy is BLUE_GREEN.",
                            path_of(node, "bakeTimeInMinutes")));
  }
  read_steps(ask, node, configuration);
  read_hooks(ask, node, configuration);
}

void put_deployment_strategy(Json& json, const DeploymentConfiguration& configuration) {
  json["strategy"] = name_of(configuration.strategy);
  json["bakeTimeInMinutes"] = configuration.bake_minutes;
  if (configuration.strategy == DeploymentStrategy::kLinear) {
    json["linearConfiguration"] = {
        {"stepPercent", configuration.linear.step_permille / kTenths},
        {"stepBakeTimeInMinutes", configuration.linear.step_bake_minutes}};
  }
  if (configuration.strategy == DeploymentStrategy::kCanary) {
    json["canaryConfiguration"] = {
        {"canaryPercent", configuration.canary.canary_permille / kTenths},
        {"canaryBakeTimeInMinutes", configuration.canary.canary_bake_minutes}};
  }
  if (configuration.hooks.empty()) return;
  Json hooks = Json::array();
  for (const LifecycleHook& hook : configuration.hooks) hooks.push_back(hook_json(hook));
  json["lifecycleHooks"] = std::move(hooks);
}

}  // namespace berth::api::ecs
