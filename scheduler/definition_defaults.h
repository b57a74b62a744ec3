// A task definition as ECS keeps it: what was registered, with the defaults that AWS adds. Tools
// that compare what they asked for with what they are told find their own text again.
#pragma once

#include "base/json.h"

#include <string>

namespace berth::scheduler {

// `root` is the JSON of RegisterTaskDefinition, accepted by parse_task_definition. Nulls, tags and
// what DescribeTaskDefinition adds are left out; sizes become whole numbers.
std::string with_defaults(const json::Node& root);

}  // namespace berth::scheduler
