// Tags of requests, by AWS's rules.
#pragma once

#include "api/ecs_operations.h"
#include "api/tags.h"

#include <string_view>
#include <vector>

namespace berth::api::ecs {

// The list under `key`; refused when it breaks a rule.
std::vector<scheduler::KeyValue> read_tags(Ask& ask, std::string_view key);

}  // namespace berth::api::ecs
