// A task as the text that a store keeps: a JSON object, read by this version and by later ones.
// parse_task_record(render_task_record(t)) == t, when t.definition is what its request's JSON
// gives.
#pragma once

#include "base/result.h"
#include "scheduler/definition_source.h"
#include "scheduler/model.h"

#include <array>
#include <map>
#include <string>
#include <string_view>

namespace berth::scheduler {

// make_definition(), once for each source: a berthd that starts has many tasks of few definitions.
class DefinitionMaker {
 public:
  explicit DefinitionMaker(CpuArchitecture host) : host_(host) {}
  Result<TaskDefinition> make(const DefinitionSource& source);

 private:
  CpuArchitecture host_;
  std::map<std::array<std::string, 4>, TaskDefinition> made_;  // by the members of its source
};

std::string render_task_record(const Task& task);

// kInvalid or kCorrupt with the member that is wrong.
Result<Task> parse_task_record(std::string_view text, const std::string& name,
                               DefinitionMaker& definitions);

}  // namespace berth::scheduler
