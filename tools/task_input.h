// What the commands about task definitions are given.
#pragma once

#include "base/result.h"
#include "scheduler/task_definition.h"

#include <string>

namespace berth::tools {

// The text of a file, or of standard input for "-".
Result<std::string> read_task_input(const std::string& file);

// Errors: kUnsupported where ECS has no word for it.
Result<scheduler::CpuArchitecture> host_architecture();

}  // namespace berth::tools
