// deploymentController: who brings a service to another revision. ECS does it by itself; with
// EXTERNAL whoever asks does it, by task sets, and the service itself says nothing of what runs.
#pragma once

#include "api/ecs_operations.h"
#include "scheduler/service.h"

namespace berth::api::ecs {

// Of CreateService. CODE_DEPLOY is refused.
scheduler::DeploymentController read_controller(Ask& ask);
// Of UpdateService: a service keeps its own.
void read_changed_controller(Ask& ask, scheduler::DeploymentController controller);

// Of a service with EXTERNAL: what task sets say is not the service's to say, when it is created
// and later.
void refuse_set_members(Ask& ask);
void refuse_changed_set_members(Ask& ask);
// Likewise: what is about deployments of ECS, and about one task for each instance.
void check_external(Ask& ask, const scheduler::ServiceConfiguration& configuration);

}  // namespace berth::api::ecs
