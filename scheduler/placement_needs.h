// What a task asks of the place where it is to run. It is no part of what runs there, so it stands
// beside TaskDefinition: who places reads it from the JSON.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::scheduler {

class Reader;

constexpr size_t kPlacementConstraintsMax = 10;

struct PlacementNeeds {
  std::vector<std::string> member_of{};  // expressions of the cluster query language, all to hold
  uint64_t gpus = 0;                     // of all containers together
  bool operator==(const PlacementNeeds&) const = default;
};

// Findings about `placementConstraints` of a definition, the language of expressions excepted.
void check_placement_constraints(Reader& reader, const json::Node& definition);
// About `resourceRequirements` of a container's definition or override.
void check_resource_requirements(Reader& reader, const json::Node& container);

// Of texts that were accepted: a definition, or the output of describe-task-definition, and
// RunTask's overrides, "" for none. A container's GPUs are those of its override, if that names
// any.
Result<PlacementNeeds> placement_needs_of(std::string_view definition_json,
                                          std::string_view overrides_json);

}  // namespace berth::scheduler
