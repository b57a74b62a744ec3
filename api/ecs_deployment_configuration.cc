#include "api/ecs_deployment_configuration.h"

#include "api/ecs_deployment_strategy.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ecs {
namespace {

using scheduler::CircuitBreaker;
using scheduler::DeploymentConfiguration;
using scheduler::SchedulingStrategy;
using scheduler::ThresholdType;

constexpr int64_t kPercentMax = 100000;  // of maximumPercent; AWS names no bound
constexpr int kWhole = 100;
constexpr size_t kAlarmNamesMax = 10;
constexpr int64_t kBakeMinutesMax = 1440;
constexpr int64_t kThresholdMax = 10000;

// Both members of `enable` and `rollback` must be there, as the model has it.
bool required_flag(Ask& ask, const json::Node& node, std::string_view key) {
  auto flag = ask.find_flag(node, key);
  if (!flag) ask.invalid(fmt::format("{} can not be null.", path_of(node, key)));
  return flag.value_or(false);
}

ThresholdType threshold_type_of(const std::string& word) {
  if (word == name_of(ThresholdType::kCount)) return ThresholdType::kCount;
  if (word == name_of(ThresholdType::kUnboundedPercent)) return ThresholdType::kUnboundedPercent;
  return ThresholdType::kBoundedPercent;
}

void read_threshold(Ask& ask, const json::Node& node, CircuitBreaker& breaker) {
  std::string word = ask.word(node, "type", {"COUNT", "BOUNDED_PERCENT", "UNBOUNDED_PERCENT"});
  if (word.empty()) ask.invalid(fmt::format("{} can not be null.", path_of(node, "type")));
  breaker.threshold_type = threshold_type_of(word);
  bool is_count = breaker.threshold_type == ThresholdType::kCount;
  auto value = ask.number(node, "value", {1, is_count ? kThresholdMax : kWhole});
  if (!value) ask.invalid(fmt::format("{} can not be null.", path_of(node, "value")));
  breaker.threshold_value = static_cast<int>(value.value_or(1));
}

CircuitBreaker read_breaker(Ask& ask, const json::Node& node) {
  CircuitBreaker breaker;
  breaker.enable = required_flag(ask, node, "enable");
  breaker.rollback = required_flag(ask, node, "rollback");
  breaker.reset_on_healthy_task = ask.find_flag(node, "resetOnHealthyTask").value_or(true);
  if (auto threshold = ask.object(node, "thresholdConfiguration")) {
    read_threshold(ask, *threshold, breaker);
  }
  return breaker;
}

scheduler::DeploymentAlarms read_alarms(Ask& ask, const json::Node& node) {
  scheduler::DeploymentAlarms alarms;
  alarms.names = ask.texts(node, "alarmNames", kAlarmNamesMax);
  if (!node.find("alarmNames")) {
    ask.invalid(fmt::format("{} can not be null.", path_of(node, "alarmNames")));
  }
  alarms.enable = required_flag(ask, node, "enable");
  alarms.rollback = required_flag(ask, node, "rollback");
  if (alarms.enable && alarms.names.empty()) {
    ask.invalid(
        fmt::format("{} can not be empty when alarms are enabled.", path_of(node, "alarmNames")));
  }
  return alarms;
}

void check_percents(Ask& ask, SchedulingStrategy scheduling,
                    const DeploymentConfiguration& configuration) {
  int min = configuration.minimum_healthy_percent;
  int max = configuration.maximum_percent;
  if (min > kWhole) ask.invalid("minimumHealthyPercent must be at most 100");
  if (scheduling == SchedulingStrategy::kDaemon) {
    if (max > kWhole) {
      ask.invalid(
          "The daemon scheduling strategy does not support values above 100 for maximumPercent on "
          "a deployment configuration. Change the maximumPercent value to 100, and try again");
    }
    if (min >= kWhole) {
      ask.invalid("minimumHealthyPercent must be below 100 for the daemon scheduling strategy");
    }
    return;
  }
  if (max < kWhole) ask.invalid("maximumPercent must be at least 100");
  if (min >= max) {
    ask.invalid(
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block "
        "deployments.");
  }
}

}  // namespace

DeploymentConfiguration default_deployment(SchedulingStrategy scheduling) {
  DeploymentConfiguration configuration;
  if (scheduling == SchedulingStrategy::kDaemon) {
    configuration.minimum_healthy_percent = 0;
    configuration.maximum_percent = kWhole;
  }
  return configuration;
}

void read_deployment(Ask& ask, SchedulingStrategy scheduling,
                     DeploymentConfiguration& configuration) {
  auto node = ask.object("deploymentConfiguration");
  if (!node) return;
  auto min = ask.number(*node, "minimumHealthyPercent", {0, kPercentMax});
  auto max = ask.number(*node, "maximumPercent", {0, kPercentMax});
  auto bake = ask.number(*node, "bakeTimeInMinutes", {0, kBakeMinutesMax});
  if (min) configuration.minimum_healthy_percent = static_cast<int>(*min);
  if (max) configuration.maximum_percent = static_cast<int>(*max);
  if (bake) configuration.bake_minutes = static_cast<int>(*bake);
  if (auto breaker = ask.object(*node, "deploymentCircuitBreaker")) {
    configuration.circuit_breaker = read_breaker(ask, *breaker);
  }
  if (auto alarms = ask.object(*node, "alarms")) configuration.alarms = read_alarms(ask, *alarms);
  read_deployment_strategy(ask, *node, scheduling, configuration);
  check_percents(ask, scheduling, configuration);
}

// What a client has not sent and older ones do not know is not shown.
Json deployment_configuration_json(const DeploymentConfiguration& configuration) {
  const CircuitBreaker& breaker = configuration.circuit_breaker;
  const CircuitBreaker usual;
  Json shown = {{"enable", breaker.enable}, {"rollback", breaker.rollback}};
  if (!breaker.reset_on_healthy_task) shown["resetOnHealthyTask"] = false;
  if (breaker.threshold_type != usual.threshold_type ||
      breaker.threshold_value != usual.threshold_value) {
    shown["thresholdConfiguration"] = {{"type", name_of(breaker.threshold_type)},
                                       {"value", breaker.threshold_value}};
  }
  Json json = {{"deploymentCircuitBreaker", std::move(shown)},
               {"maximumPercent", configuration.maximum_percent},
               {"minimumHealthyPercent", configuration.minimum_healthy_percent}};
  put_deployment_strategy(json, configuration);
  const scheduler::DeploymentAlarms& alarms = configuration.alarms;
  if (!alarms.names.empty() || alarms.enable) {
    json["alarms"] = {
        {"alarmNames", alarms.names}, {"rollback", alarms.rollback}, {"enable", alarms.enable}};
  }
  return json;
}

}  // namespace berth::api::ecs
