// This host as a container instance: what it has, what its tasks hold of it, and what it can do.
#pragma once

#include "api/ecs_operations.h"
#include "api/ecs_query.h"
#include "scheduler/holding.h"

#include <string>
#include <vector>

namespace berth::api::ecs {

using scheduler::add;
using scheduler::Holding;
using scheduler::holding_of;

// Of all tasks that have not stopped, whichever cluster they are of.
Holding held(const Ecs& ecs);
// The same as DescribeContainerInstances shows it: of ports, those that definitions name, and not
// those that tasks were given.
Holding reserved(const Ecs& ecs);

// What there is too little of for one more: "RESOURCE:MEMORY"; "" for nothing.
std::string shortage_of(const Ecs& ecs, const Holding& held, const Holding& wanted);

// Attributes that a node has by itself, sorted by name.
std::vector<scheduler::KeyValue> built_in_attributes(const Ecs& ecs);
// What query expressions ask about the node in a cluster.
QueryFacts query_facts(const Ecs& ecs, const scheduler::Cluster& cluster);
// Those that a container instance must have to run the definition: "ecs.capability.task-eni".
std::vector<std::string> required_attributes(const scheduler::TaskDefinition& definition);

}  // namespace berth::api::ecs
