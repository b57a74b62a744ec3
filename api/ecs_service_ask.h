// What CreateService and UpdateService ask alike: members that are there go over what a service has
// already, or over AWS's defaults. Absent ones keep, empty lists clear.
#pragma once

#include "api/ecs_operations.h"
#include "api/ecs_strategy.h"
#include "scheduler/service.h"

#include <vector>

namespace berth::api::ecs {

// What a service is to be.
struct ServiceDraft {
  scheduler::ServiceKey key{};
  scheduler::ServiceConfiguration configuration{};
  scheduler::RevisionSpec revision{};
};

// Load balancers and the like: each is refused by its name, because nothing here serves it yet.
void refuse_data_planes(Ask& ask);

// desiredCount, deploymentConfiguration, placement, tags to propagate: all that is about tasks yet
// to come. The launch type of the draft's revision is known.
void read_service_configuration(Ask& ask, ServiceDraft& draft);

// taskDefinition, as a revision of the catalog has it.
void read_service_definition(const Ecs& ecs, Ask& ask, ServiceDraft& draft);
// networkConfiguration and serviceConnectConfiguration (which can only be off).
void read_service_network(const Ecs& ecs, Ask& ask, ServiceDraft& draft);
// The definition that runs, in the draft's revision; refused when launch type or network forbid it.
void resolve_service_definition(const Ecs& ecs, Ask& ask, ServiceDraft& draft);

std::vector<scheduler::ProviderShare> shares_of(const Strategy& strategy);

}  // namespace berth::api::ecs
