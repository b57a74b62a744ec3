// Whether `berth run` may start a task on this host: what ECS would have asked of a container
// instance.
#pragma once

#include "agent/config.h"
#include "base/result.h"

#include <string_view>

namespace berth::tools {

// `overrides_json` is "" for none. Errors name the field and what the host has.
Status check_placement(const agent::Config& config, std::string_view definition_json,
                       std::string_view overrides_json);

}  // namespace berth::tools
