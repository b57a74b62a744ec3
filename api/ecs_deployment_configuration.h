// deploymentConfiguration of services: from a request to a value, and back.
#pragma once

#include "api/ecs_operations.h"
#include "scheduler/service.h"

namespace berth::api::ecs {

// What AWS gives a service that says nothing.
scheduler::DeploymentConfiguration default_deployment(scheduler::SchedulingStrategy scheduling);

// The member `deploymentConfiguration`: what it has replaces what is in `configuration`.
void read_deployment(Ask& ask, scheduler::SchedulingStrategy scheduling,
                     scheduler::DeploymentConfiguration& configuration);

Json deployment_configuration_json(const scheduler::DeploymentConfiguration& configuration);

}  // namespace berth::api::ecs
