// Reads a container's logConfiguration.
#pragma once

#include "scheduler/reader.h"
#include "scheduler/task_definition.h"

#include <optional>

namespace berth::scheduler {

// Nothing when it is absent, or when what is there cannot be honoured: the reader knows why.
std::optional<LogConfiguration> read_log_configuration(Reader& reader, const json::Node& container,
                                                       bool fargate);

}  // namespace berth::scheduler
