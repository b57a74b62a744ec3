#include "api/scaling_operations.h"

#include "api/scaling_service.h"
#include "aws/endpoint.h"
#include "base/text.h"
#include "scaling/record.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <array>

namespace berth::api {
namespace aas {
namespace {

using enum Support;

constexpr size_t kScalingPageMax = 50;
constexpr size_t kResourceShown = 300;

// In the order of their names.
constexpr auto kScalingOperations = std::to_array<Operation>({
    {"DeleteScalingPolicy", delete_scaling_policy, kWorks, ""},
    {"DeleteScheduledAction", delete_scheduled_action, kWorks, ""},
    {"DeregisterScalableTarget", deregister_scalable_target, kWorks, ""},
    {"DescribeScalableTargets", describe_scalable_targets, kWorks, ""},
    {"DescribeScalingActivities", describe_scaling_activities, kWorks, ""},
    {"DescribeScalingPolicies", describe_scaling_policies, kWorks, ""},
    {"DescribeScheduledActions", describe_scheduled_actions, kWorks, ""},
    {"GetPredictiveScalingForecast", get_predictive_scaling_forecast, kRefused,
     "berth does not forecast"},
    {"ListTagsForResource", list_tags_for_resource, kWorks, ""},
    {"PutScalingPolicy", put_scaling_policy, kPartly,
     "PredictiveScaling, ALBRequestCountPerTarget and expressions over metrics are refused"},
    {"PutScheduledAction", put_scheduled_action, kWorks, ""},
    {"RegisterScalableTarget", register_scalable_target, kPartly,
     "of ECS services; RoleARN is kept and changes nothing"},
    {"TagResource", tag_resource, kWorks, ""},
    {"UntagResource", untag_resource, kWorks, ""},
});

// ServiceNamespace, and ScalableDimension where it is there.
void read_namespace(Ask& ask) {
  std::string space = ask.required_text("ServiceNamespace");
  if (!ask.refused() && space != "ecs") {
    ask.invalid(fmt::format("ServiceNamespace '{}': berth scales services of ecs.",
                            printable(space, kResourceShown)));
  }
  std::string dimension = ask.text("ScalableDimension");
  if (!dimension.empty() && dimension != kDimension) {
    ask.invalid(fmt::format("ScalableDimension '{}': that of ecs is {}.",
                            printable(dimension, kResourceShown), kDimension));
  }
}

}  // namespace

std::span<const Operation> all_operations() {
  return kScalingOperations;
}

scaling::ServiceKey service_of_resource(Ask& ask, const std::string& resource) {
  std::vector<std::string> parts = split(resource, '/');
  bool is_whole =
      parts.size() == 3 && parts[0] == "service" && !parts[1].empty() && !parts[2].empty();
  if (is_whole) return {parts[1], parts[2]};
  ask.invalid(
      fmt::format("Unsupported service namespace, resource type or scalable dimension: "
                  "ResourceId '{}' must be service/CLUSTER/SERVICE.",
                  printable(resource, kResourceShown)));
  return {};
}

scaling::ServiceKey read_resource(Ask& ask) {
  read_namespace(ask);
  (void)ask.required_text("ScalableDimension");  // which one, read_namespace has looked at
  std::string resource = ask.required_text("ResourceId");
  return ask.refused() ? scaling::ServiceKey() : service_of_resource(ask, resource);
}

std::optional<scaling::ServiceKey> read_resource_filter(Ask& ask) {
  read_namespace(ask);
  std::string resource = ask.text("ResourceId");
  if (resource.empty()) return std::nullopt;
  return service_of_resource(ask, resource);
}

std::string resource_id(const scaling::ServiceKey& service) {
  return "service/" + scaling::key_of(service);
}

void refuse_missing(Ask& ask, const char* missing, const std::string& what) {
  ask.refuse("ObjectNotFoundException",
             fmt::format("No {} for service namespace: ecs, {}, scalable dimension: {}", missing,
                         printable(what, kResourceShown), kDimension));
}

const scaling::ScalableTarget* find_target(Scaling& scaling, Ask& ask,
                                           const scaling::ServiceKey& service,
                                           const char* missing) {
  if (ask.refused()) return nullptr;
  const scaling::ScalableTarget* target = scaling.engine.book().find_target(service);
  if (target == nullptr) {
    refuse_missing(ask, missing, "resource ID: " + resource_id(service));
  }
  return target;
}

Page page_of_keys(Ask& ask, const std::vector<std::string>& keys) {
  return page_of(ask, keys,
                 {.limit = "MaxResults",
                  .token = "NextToken",
                  .token_fault = "InvalidNextTokenException",
                  .max = kScalingPageMax});
}

double epoch_of(WallTime time) {
  return std::chrono::duration<double>(
             std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()))
      .count();
}

Json resource_json(const scaling::ServiceKey& service) {
  return {{"ServiceNamespace", "ecs"},
          {"ResourceId", resource_id(service)},
          {"ScalableDimension", kDimension}};
}

std::optional<int> read_capacity(Ask& ask, const json::Node& node, const char* key) {
  auto number = ask.number(node, key, {0, scheduler::kDesiredCountMax});
  return number ? std::optional<int>(static_cast<int>(*number)) : std::nullopt;
}

}  // namespace aas

Answer ScalingService::answer(const Call& call) {
  std::string partition = aws::partition_of(host_.region);
  std::string place = fmt::format("{}:{}", host_.region, host_.account);
  aas::Scaling scaling{.engine = engine_,
                       .now = call.at,
                       .target_prefix = fmt::format(
                           "arn:{}:application-autoscaling:{}:scalable-target/", partition, place),
                       .resource_prefix = fmt::format("arn:{}:autoscaling:{}:", partition, place),
                       .role_arn = fmt::format("arn:{}:iam::{}:role/aws-service-role/"
                                               "ecs.application-autoscaling.amazonaws.com/"
                                               "AWSServiceRoleForApplicationAutoScaling_ECSService",
                                               partition, host_.account)};
  Answer answer = answer_json(call, aas::kScalingFaults, aas::all_operations(), scaling);
  changed_();
  return answer;
}

}  // namespace berth::api
