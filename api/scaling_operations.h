// The operations of Application Auto Scaling: every one of the public model. docs/scaling.md has
// the same rows, and a test compares.
#pragma once

#include "api/ask.h"
#include "api/json_service.h"
#include "api/page.h"
#include "api/scaling_engine.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace berth::api::aas {

using Json = nlohmann::ordered_json;

inline constexpr FaultNames kScalingFaults{.invalid = "ValidationException",
                                           .server = "InternalServiceException"};
inline constexpr const char* kDimension = "ecs:service:DesiredCount";

struct Scaling {
  ScalingEngine& engine;
  WallTime now;
  std::string target_prefix;    // "arn:aws:application-autoscaling:R:A:scalable-target/"
  std::string resource_prefix;  // "arn:aws:autoscaling:R:A:"
  std::string role_arn;
};

using Operation = OperationOf<Scaling>;
std::span<const Operation> all_operations();

// ---- What requests have in common ----

// ServiceNamespace, ResourceId and ScalableDimension, all of them there; refused otherwise.
scaling::ServiceKey read_resource(Ask& ask);
// What the three of a list let through: all when there is no ResourceId.
std::optional<scaling::ServiceKey> read_resource_filter(Ask& ask);
scaling::ServiceKey service_of_resource(Ask& ask, const std::string& resource);
// "service/cluster/name".
std::string resource_id(const scaling::ServiceKey& service);
// Null: refused, ObjectNotFoundException.
const scaling::ScalableTarget* find_target(Scaling&, Ask&, const scaling::ServiceKey& service,
                                           const char* missing = "scalable target registered");
// "No scaling policy found for ...".
void refuse_missing(Ask& ask, const char* missing, const std::string& what);
// The page of a list of keys.
Page page_of_keys(Ask& ask, const std::vector<std::string>& keys);
double epoch_of(WallTime time);
// {"ServiceNamespace", "ResourceId", "ScalableDimension"}.
Json resource_json(const scaling::ServiceKey& service);
std::optional<int> read_capacity(Ask& ask, const berth::json::Node& node, const char* key);

// ---- Operations ----

Json register_scalable_target(Scaling&, Ask&);
Json deregister_scalable_target(Scaling&, Ask&);
Json describe_scalable_targets(Scaling&, Ask&);
Json list_tags_for_resource(Scaling&, Ask&);
Json tag_resource(Scaling&, Ask&);
Json untag_resource(Scaling&, Ask&);

Json put_scaling_policy(Scaling&, Ask&);
Json delete_scaling_policy(Scaling&, Ask&);
Json describe_scaling_policies(Scaling&, Ask&);
Json get_predictive_scaling_forecast(Scaling&, Ask&);

Json put_scheduled_action(Scaling&, Ask&);
Json delete_scheduled_action(Scaling&, Ask&);
Json describe_scheduled_actions(Scaling&, Ask&);
Json describe_scaling_activities(Scaling&, Ask&);

}  // namespace berth::api::aas
