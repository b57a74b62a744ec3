// An entry of environmentFiles, of a definition or of an override.
#pragma once

#include "scheduler/reader.h"
#include "scheduler/task_definition.h"

namespace berth::scheduler {

EnvironmentFile read_environment_file(Reader& reader, const json::Node& node);

}  // namespace berth::scheduler
