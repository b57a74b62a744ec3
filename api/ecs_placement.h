// Whether this host is a place for a task: what the task's definition asks, as ECS answers it.
#pragma once

#include "api/ecs_query.h"
#include "scheduler/finding.h"
#include "scheduler/placement_needs.h"
#include "scheduler/task_definition.h"

#include <string>
#include <vector>

namespace berth::api::ecs {

// The reasons of a failure.
constexpr const char* kNotAMember = "MemberOf placement constraint unsatisfied.";
constexpr const char* kNoGpus = "RESOURCE:GPU";

// Of expressions in a definition's placementConstraints that are none; "" is not one of them, for
// the reader of definitions has told of it.
scheduler::Findings check_expressions(const json::Node& definition);

// The first expression that does not hold of a node; null when all hold.
const std::string* unmet_expression(const scheduler::PlacementNeeds& needs,
                                    const QueryFacts& facts);

// Attributes that a host has by itself, sorted by name.
std::vector<scheduler::KeyValue> host_attributes(scheduler::CpuArchitecture architecture,
                                                 const std::string& availability_zone);

}  // namespace berth::api::ecs
