// Scaling policies: target tracking and steps.
#include "api/scaling_operations.h"
#include "base/ids.h"
#include "base/text.h"
#include "metrics/alarm.h"
#include "scaling/decision.h"
#include "scaling/record.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace berth::api::aas {
namespace {

using scaling::AdjustmentType;
using scaling::Policy;
using scaling::StepScaling;
using scaling::TargetTracking;

constexpr size_t kPolicyNameMax = 256;
constexpr size_t kPolicyNamesMax = 50;
constexpr size_t kMetricDimensionsMax = 30;
constexpr int64_t kCooldownMax = 86400;
constexpr int64_t kAdjustmentMax = 1000000;
constexpr double kTargetValueMax = 1e12;

int read_cooldown(Ask& ask, const json::Node& node, const char* key) {
  return static_cast<int>(
      ask.number(node, key, {0, kCooldownMax}).value_or(scaling::kCooldownUsual));
}

void read_predefined(Ask& ask, const json::Node& node, TargetTracking& rule) {
  rule.predefined = ask.required_text(node, "PredefinedMetricType");
  bool is_known = rule.predefined == "ECSServiceAverageCPUUtilization" ||
                  rule.predefined == "ECSServiceAverageMemoryUtilization";
  if (rule.predefined == "ALBRequestCountPerTarget") {
    ask.invalid(
        "PredefinedMetricType ALBRequestCountPerTarget: berth has no load balancers yet; "
        "put the figure as a metric and name it in a CustomizedMetricSpecification.");
  } else if (!is_known) {
    ask.invalid(
        fmt::format("PredefinedMetricType '{}': those of ECS are "
                    "ECSServiceAverageCPUUtilization and "
                    "ECSServiceAverageMemoryUtilization.",
                    printable(rule.predefined, 100)));
  }
  if (!ask.text(node, "ResourceLabel").empty()) {
    ask.invalid("ResourceLabel: only ALBRequestCountPerTarget has one.");
  }
}

void read_customized(Ask& ask, const json::Node& node, TargetTracking& rule) {
  if (node.find("Metrics")) {
    ask.invalid(
        "CustomizedMetricSpecification.Metrics: berth does not calculate; name one metric "
        "with Namespace and MetricName.");
    return;
  }
  scaling::CustomizedMetric& metric = rule.customized;
  metric.space = ask.required_text(node, "Namespace");
  metric.name = ask.required_text(node, "MetricName");
  (void)ask.required_text(node, "Statistic");
  metric.statistic =
      ask.word(node, "Statistic", {"Average", "Minimum", "Maximum", "SampleCount", "Sum"});
  metric.unit = ask.text(node, "Unit");
  for (const json::Node& each : ask.objects(node, "Dimensions", kMetricDimensionsMax)) {
    metric.dimensions[ask.required_text(each, "Name")] = ask.text(each, "Value");
  }
}

TargetTracking read_tracking(Ask& ask, const json::Node& node) {
  TargetTracking rule;
  auto target = ask.real(node, "TargetValue");
  if (!target || !(*target > 0) || *target > kTargetValueMax) {
    ask.invalid(fmt::format("{}: is required, and must be above 0.", path_of(node, "TargetValue")));
  }
  rule.target = target.value_or(1);
  auto predefined = ask.object(node, "PredefinedMetricSpecification");
  auto customized = ask.object(node, "CustomizedMetricSpecification");
  if (predefined.has_value() == customized.has_value()) {
    ask.invalid(
        "TargetTrackingScalingPolicyConfiguration: has one of PredefinedMetricSpecification "
        "and CustomizedMetricSpecification.");
    return rule;
  }
  if (predefined) read_predefined(ask, *predefined, rule);
  if (customized) read_customized(ask, *customized, rule);
  rule.out_cooldown = read_cooldown(ask, node, "ScaleOutCooldown");
  rule.in_cooldown = read_cooldown(ask, node, "ScaleInCooldown");
  rule.is_scale_in_disabled = ask.find_flag(node, "DisableScaleIn").value_or(false);
  return rule;
}

AdjustmentType read_adjustment(Ask& ask, const json::Node& node) {
  (void)ask.required_text(node, "AdjustmentType");
  std::string word = ask.word(node, "AdjustmentType",
                              {"ChangeInCapacity", "PercentChangeInCapacity", "ExactCapacity"});
  for (auto type : {AdjustmentType::kPercentChangeInCapacity, AdjustmentType::kExactCapacity}) {
    if (word == name_of(type)) return type;
  }
  return AdjustmentType::kChangeInCapacity;
}

StepScaling read_steps(Ask& ask, const json::Node& node) {
  StepScaling rule;
  rule.type = read_adjustment(ask, node);
  for (const json::Node& each : ask.objects(node, "StepAdjustments", scaling::kStepsMax)) {
    scaling::Step step;
    step.lower = ask.real(each, "MetricIntervalLowerBound");
    step.upper = ask.real(each, "MetricIntervalUpperBound");
    auto adjustment = ask.number(each, "ScalingAdjustment", {-kAdjustmentMax, kAdjustmentMax});
    if (!adjustment) ask.invalid(path_of(each, "ScalingAdjustment") + ": is required.");
    step.adjustment = static_cast<int>(adjustment.value_or(0));
    bool is_exact = rule.type == AdjustmentType::kExactCapacity;
    if (is_exact && step.adjustment < 0) {
      ask.invalid(path_of(each, "ScalingAdjustment") + ": an exact capacity is not below 0.");
    }
    rule.steps.push_back(step);
  }
  if (rule.steps.empty()) {
    ask.invalid("StepScalingPolicyConfiguration.StepAdjustments: at least one is required.");
  }
  std::string problem = scaling::problem_of(rule.steps);
  if (!problem.empty()) {
    ask.invalid(fmt::format("StepScalingPolicyConfiguration.StepAdjustments: {}.", problem));
  }
  auto magnitude = ask.number(node, "MinAdjustmentMagnitude", {1, kAdjustmentMax});
  if (magnitude) rule.min_magnitude = static_cast<int>(*magnitude);
  if (magnitude && rule.type != AdjustmentType::kPercentChangeInCapacity) {
    ask.invalid("MinAdjustmentMagnitude is for PercentChangeInCapacity.");
  }
  rule.cooldown = read_cooldown(ask, node, "Cooldown");
  rule.aggregation = ask.word(node, "MetricAggregationType", {"Average", "Minimum", "Maximum"});
  if (rule.aggregation.empty()) rule.aggregation = "Average";
  return rule;
}

void read_rule(Ask& ask, Policy& policy, const Policy* known) {
  std::string type =
      ask.word("PolicyType", {"StepScaling", "TargetTrackingScaling", "PredictiveScaling"});
  bool was_tracking = known != nullptr && std::holds_alternative<TargetTracking>(known->rule);
  if (type.empty()) type = was_tracking ? "TargetTrackingScaling" : "StepScaling";
  if (type == "PredictiveScaling") {
    ask.invalid(
        "PolicyType PredictiveScaling: berth does not forecast; it has StepScaling and "
        "TargetTrackingScaling.");
    return;
  }
  if (known != nullptr && was_tracking != (type == "TargetTrackingScaling")) {
    ask.invalid(
        fmt::format("PolicyType {}: the policy is of the other type; delete it first.", type));
    return;
  }
  bool is_tracking = type == "TargetTrackingScaling";
  const char* member =
      is_tracking ? "TargetTrackingScalingPolicyConfiguration" : "StepScalingPolicyConfiguration";
  auto node = ask.object(member);
  if (!node && known == nullptr) {
    ask.invalid(fmt::format("{} is required with PolicyType {}.", member, type));
  }
  if (!node) return;
  if (is_tracking) {
    policy.rule = read_tracking(ask, *node);
  } else {
    policy.rule = read_steps(ask, *node);
  }
}

void check_policy_name(Ask& ask, const std::string& name) {
  bool is_good = name.size() <= kPolicyNameMax && name.find('/') == std::string::npos &&
                 std::ranges::all_of(name, [](char c) { return c >= ' ' && c != '\x7f'; });
  if (is_good) return;
  ask.invalid(
      fmt::format("PolicyName: has at most {} characters, all of them printable and none "
                  "of them '/'.",
                  kPolicyNameMax));
}

const Policy* policy_named(const Scaling& scaling, const scaling::ServiceKey& service,
                           const std::string& name) {
  const auto& all = scaling.engine.book().policies();
  auto found = all.find(scaling::key_of(service) + "/" + name);
  return found == all.end() ? nullptr : &found->second;
}

// Those that the policy has made, or that name it.
Json alarms_json(const Scaling& scaling, const Policy& policy) {
  Json list = Json::array();
  for (const std::string& name : scaling.engine.alarms_about(policy)) {
    list.push_back({{"AlarmName", name}, {"AlarmARN", scaling.engine.alarm_arn(name)}});
  }
  return list;
}

Json tracking_json(const TargetTracking& rule) {
  Json json = {{"TargetValue", rule.target}};
  if (rule.predefined.empty()) {
    const scaling::CustomizedMetric& metric = rule.customized;
    Json dimensions = Json::array();
    for (const auto& [name, value] : metric.dimensions) {
      dimensions.push_back({{"Name", name}, {"Value", value}});
    }
    Json specification = {{"MetricName", metric.name},
                          {"Namespace", metric.space},
                          {"Dimensions", std::move(dimensions)},
                          {"Statistic", metric.statistic}};
    if (!metric.unit.empty()) specification["Unit"] = metric.unit;
    json["CustomizedMetricSpecification"] = std::move(specification);
  } else {
    json["PredefinedMetricSpecification"] = {{"PredefinedMetricType", rule.predefined}};
  }
  json["ScaleOutCooldown"] = rule.out_cooldown;
  json["ScaleInCooldown"] = rule.in_cooldown;
  json["DisableScaleIn"] = rule.is_scale_in_disabled;
  return json;
}

Json steps_json(const StepScaling& rule) {
  Json steps = Json::array();
  for (const scaling::Step& step : rule.steps) {
    Json json = Json::object();
    if (step.lower) json["MetricIntervalLowerBound"] = *step.lower;
    if (step.upper) json["MetricIntervalUpperBound"] = *step.upper;
    json["ScalingAdjustment"] = step.adjustment;
    steps.push_back(std::move(json));
  }
  Json json = {{"AdjustmentType", name_of(rule.type)}, {"StepAdjustments", std::move(steps)}};
  if (rule.min_magnitude) json["MinAdjustmentMagnitude"] = *rule.min_magnitude;
  json["Cooldown"] = rule.cooldown;
  json["MetricAggregationType"] = rule.aggregation;
  return json;
}

Json policy_json(const Scaling& scaling, const Policy& policy) {
  Json json = {{"PolicyARN", scaling.engine.policy_arn(policy)}, {"PolicyName", policy.name}};
  json.update(resource_json(policy.service));
  if (const auto* tracking = std::get_if<TargetTracking>(&policy.rule)) {
    json["PolicyType"] = "TargetTrackingScaling";
    json["TargetTrackingScalingPolicyConfiguration"] = tracking_json(*tracking);
  } else {
    json["PolicyType"] = "StepScaling";
    json["StepScalingPolicyConfiguration"] = steps_json(std::get<StepScaling>(policy.rule));
  }
  json["Alarms"] = alarms_json(scaling, policy);
  json["CreationTime"] = epoch_of(policy.created_at);
  return json;
}

}  // namespace

Json put_scaling_policy(Scaling& scaling, Ask& ask) {
  std::string name = ask.required_text("PolicyName");
  check_policy_name(ask, name);
  scaling::ServiceKey service = read_resource(ask);
  if (find_target(scaling, ask, service) == nullptr) return {};
  const Policy* known = policy_named(scaling, service, name);
  Policy policy;
  if (known != nullptr) policy = *known;
  read_rule(ask, policy, known);
  if (known == nullptr) {
    policy.service = service;
    policy.name = name;
    policy.id = make_uuid(scaling.engine.env().rng);
    policy.created_at = scaling.now;
    if (scaling.engine.book().policies_of(service).size() >= scaling::kPoliciesMax) {
      ask.refuse("LimitExceededException",
                 fmt::format("A scalable target has at most {} policies.", scaling::kPoliciesMax));
    }
  }
  if (ask.refused()) return {};
  ask.check(scaling.engine.put_policy(policy));
  if (ask.refused()) return {};
  const Policy& put = *policy_named(scaling, service, name);
  Json alarms =
      std::holds_alternative<TargetTracking>(put.rule) ? alarms_json(scaling, put) : Json::array();
  return {{"PolicyARN", scaling.engine.policy_arn(put)}, {"Alarms", std::move(alarms)}};
}

Json delete_scaling_policy(Scaling& scaling, Ask& ask) {
  std::string name = ask.required_text("PolicyName");
  scaling::ServiceKey service = read_resource(ask);
  if (ask.refused()) return {};
  const Policy* known = policy_named(scaling, service, name);
  if (known == nullptr) {
    refuse_missing(ask, "scaling policy found",
                   fmt::format("resource ID: {}, policy name: {}", resource_id(service), name));
    return {};
  }
  ask.check(scaling.engine.remove_policy(Policy(*known)));
  return Json::object();
}

Json describe_scaling_policies(Scaling& scaling, Ask& ask) {
  auto service = read_resource_filter(ask);
  std::vector<std::string> names = ask.texts("PolicyNames", kPolicyNamesMax);
  std::vector<std::string> keys;
  for (const auto& [key, policy] : scaling.engine.book().policies()) {
    bool is_wanted = names.empty() || std::ranges::find(names, policy.name) != names.end();
    if (is_wanted && (!service || *service == policy.service)) keys.push_back(key);
  }
  Page page = page_of_keys(ask, keys);
  Json list = Json::array();
  for (const std::string& key : page.items) {
    list.push_back(policy_json(scaling, scaling.engine.book().policies().at(key)));
  }
  Json json = {{"ScalingPolicies", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json get_predictive_scaling_forecast(Scaling&, Ask& ask) {
  ask.invalid("berth does not do GetPredictiveScalingForecast: it does not forecast.");
  return {};
}

}  // namespace berth::api::aas
