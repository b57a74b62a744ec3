// How a deployment goes on: all at once behind the new revision's back (BLUE_GREEN), in equal steps
// (LINEAR), some first (CANARY), or task by task (ROLLING); and who is asked on the way.
#pragma once

#include "api/ecs_operations.h"
#include "scheduler/service.h"

namespace berth::api::ecs {

// strategy, linearConfiguration, canaryConfiguration and lifecycleHooks of `node`, which is a
// deploymentConfiguration, over what `configuration` has.
void read_deployment_strategy(Ask& ask, const json::Node& node,
                              scheduler::SchedulingStrategy scheduling,
                              scheduler::DeploymentConfiguration& configuration);

// The same members, those that the strategy has.
void put_deployment_strategy(Json& json, const scheduler::DeploymentConfiguration& configuration);

}  // namespace berth::api::ecs
