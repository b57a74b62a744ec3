// Services as ECS answers them.
#pragma once

#include "api/ecs_service_lookup.h"
#include "api/ecs_shapes.h"

namespace berth::api::ecs {

Json service_json(const Ecs& ecs, const scheduler::Service& service, Tags tags);
// Its events with what led to each, and those that ECS would not tell: newest first.
Json service_causes_json(const Ecs& ecs, const scheduler::Service& service);

// A row of ListServiceDeployments, and all of it; kWith: what it waits for, which is berth's own.
enum class Waits : uint8_t { kWithout, kWith };
Json service_deployment_row(const Ecs& ecs, const scheduler::ServiceDeployment& deployment);
Json service_deployment_json(const Ecs& ecs, const scheduler::ServiceDeployment& deployment,
                             Waits waits);

Json service_revision_json(const Ecs& ecs, const scheduler::ServiceRevision& revision);

}  // namespace berth::api::ecs
