// A task as the text that a store keeps: a JSON object, read by this version and by later ones.
// parse_task_record(render_task_record(t)) == t, when t.definition is what its request's JSON
// gives.
#pragma once

#include "base/result.h"
#include "scheduler/model.h"

#include <string>
#include <string_view>

namespace berth::scheduler {

std::string render_task_record(const Task& task);

// kInvalid or kCorrupt with the member that is wrong.
Result<Task> parse_task_record(std::string_view text, const std::string& name,
                               CpuArchitecture host);

}  // namespace berth::scheduler
