// From the JSON of a registered task definition and what RunTask adds (overrides, configured
// volumes) to what runs.
#pragma once

#include "base/result.h"
#include "scheduler/task_definition.h"
#include "scheduler/task_definition_parse.h"

#include <string>
#include <string_view>

namespace berth::scheduler {

struct DefinitionSource {
  const std::string& definition_json;
  const std::string& overrides_json;  // "" for none
  const std::string& launch_type;     // "FARGATE"
  const std::string& volumes_json;    // volumeConfigurations, "" for none
};

// Whose rules count for a launch type of RunTask: "EC2", "FARGATE", "EXTERNAL".
LaunchType launch_type_of(std::string_view word);

// Reads only: what was accepted once is not judged again, so a task that is kept can be made again
// whatever rules this version has. Errors: kCorrupt for texts that nobody could have accepted, and
// kInvalid for an override of a container that there is not.
Result<TaskDefinition> make_definition(const DefinitionSource& source, CpuArchitecture host);
// Of `source.definition_json` that was read for its launch type already.
Result<TaskDefinition> make_definition(const DefinitionSource& source, ParsedTaskDefinition parsed);

}  // namespace berth::scheduler
