// From the JSON of `aws ecs register-task-definition --cli-input-json`, or of the output of `aws
// ecs describe-task-definition`, to a TaskDefinition. No field is silently ignored: what berth
// cannot honour is refused by name. Three files, three steps: task_definition_fields.cc is the
// table of all fields and what berth does with each, task_definition_parse.cc reads,
// task_definition_check.cc (and refused_fields_check.cc) applies the rules that span fields.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "scheduler/finding.h"
#include "scheduler/task_definition.h"

#include <string>
#include <string_view>

namespace berth::scheduler {

struct ParsedTaskDefinition {
  TaskDefinition definition;  // to be used only when there are no findings
  Findings findings;
  // False when something could not be read: rules that span fields were not looked at then.
  bool complete = true;
};

// Whose rules count: those of requiresCompatibilities, or of one launch type whatever stands there.
enum class LaunchType { kAsWritten, kEc2, kFargate };

// `host` is the architecture that the task would run on.
ParsedTaskDefinition parse_task_definition(const json::Node& root, CpuArchitecture host,
                                           LaunchType launch_type);
// As written.
ParsedTaskDefinition parse_task_definition(const json::Node& root, CpuArchitecture host);

// The rules of sections 3.1 to 3.12 that span fields, on a definition however it was made (a file,
// or a file and overrides).
Findings check_task_definition(const TaskDefinition& definition, CpuArchitecture host);

// Text to definition. Errors: kInvalid with all findings, one per line, each "name: path: message".
Result<TaskDefinition> read_task_definition(std::string_view text, const std::string& name,
                                            CpuArchitecture host);

}  // namespace berth::scheduler
