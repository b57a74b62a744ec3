// What the commands about task definitions are given.
#pragma once

#include "base/result.h"
#include "scheduler/task_definition.h"

#include <string>
#include <vector>

namespace berth::tools {

// The text of a file, or of standard input for "-".
Result<std::string> read_task_input(const std::string& file);

struct DefinitionOptions {
  std::string file;              // its name, for errors
  std::string text;              // the task definition
  std::string overrides;         // a file with RunTask's `overrides`, or ""
  std::vector<std::string> env;  // "K=V", for every container
  std::string volumes{};         // a file with RunTask's `volumeConfigurations`, or ""
};
// The definition that will run: the text, --env, --overrides and --volume-configurations.
Result<scheduler::TaskDefinition> effective_definition(const DefinitionOptions& options);

// Errors: kUnsupported where ECS has no word for it.
Result<scheduler::CpuArchitecture> host_architecture();

}  // namespace berth::tools
