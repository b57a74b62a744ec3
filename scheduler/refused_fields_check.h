// AWS's rules about fields that berth refuses anyway: with them, the findings of a definition are
// all that would have to be mended for AWS, too.
#pragma once

#include "base/json.h"
#include "scheduler/finding.h"
#include "scheduler/task_definition.h"

namespace berth::scheduler {

// `root` is the JSON that `definition` was read from.
Findings check_refused_fields(const json::Node& root, const TaskDefinition& definition);

}  // namespace berth::scheduler
