// What is scaled, as the store keeps it:
//
//   record kind         key                       body
//   scaling-target      "cluster/service"         a ScalableTarget
//   scaling-policy      "cluster/service/name"    a Policy
//   scaling-action      "cluster/service/name"    a ScheduledAction
//   scaling-activity    its id                    an Activity
#pragma once

#include "base/result.h"
#include "scaling/model.h"
#include "scheduler/record_store.h"

#include <string>

namespace berth::scaling {

inline constexpr const char* kTargetKind = "scaling-target";
inline constexpr const char* kPolicyKind = "scaling-policy";
inline constexpr const char* kActionKind = "scaling-action";
inline constexpr const char* kActivityKind = "scaling-activity";

// "cluster/service"; names have no '/'.
std::string key_of(const ServiceKey& service);

scheduler::Record record_of(const ScalableTarget& target);
scheduler::Record record_of(const Policy& policy);
scheduler::Record record_of(const ScheduledAction& action);
scheduler::Record record_of(const Activity& activity);
Result<ScalableTarget> parse_target_record(const scheduler::Record& record);
Result<Policy> parse_policy_record(const scheduler::Record& record);
Result<ScheduledAction> parse_action_record(const scheduler::Record& record);
Result<Activity> parse_activity_record(const scheduler::Record& record);

}  // namespace berth::scaling
