// Task sets as ECS answers them, and what they and services show alike of a revision.
#pragma once

#include "api/ecs_service_lookup.h"
#include "api/ecs_shapes.h"

#include <string>
#include <vector>

namespace berth::api::ecs {

std::string task_set_arn(const Ecs& ecs, const scheduler::ServiceKey& key, const std::string& id);

Json task_set_json(const Ecs& ecs, const scheduler::Service& service, const scheduler::TaskSet& set,
                   Tags tags);
// The PRIMARY in front.
Json task_sets_json(const Ecs& ecs, const scheduler::Service& service, Tags tags);

// Who runs the tasks: a launch type or a strategy, and for Fargate on which platform.
void put_launcher(Json& json, const scheduler::RevisionSpec& spec,
                  const std::vector<scheduler::ProviderShare>& providers,
                  const std::string& platform);
// As a service shows it, "LATEST" is what it was told; its tasks have a number.
std::string platform_number_of(const scheduler::RevisionSpec& spec);
std::string definition_arn_of(const Ecs& ecs, const scheduler::RevisionSpec& spec);
// JSON that was kept as text; nothing for "".
void put_stored(Json& json, const char* key, const std::string& text);

}  // namespace berth::api::ecs
