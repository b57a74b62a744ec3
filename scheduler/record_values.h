// Values that stored records of tasks and of the catalog have in common, as JSON.
#pragma once

#include "base/env.h"
#include "base/json.h"
#include "base/result.h"
#include "scheduler/task_definition.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::scheduler {

// [{"key", "value"}, ...].
nlohmann::ordered_json pairs_json(const std::vector<KeyValue>& pairs);
// An absent list is an empty one.
Result<std::vector<KeyValue>> read_pairs(const json::Node& node, const char* key);
// {"name": ["word", ...]}; absent: nothing.
Result<std::map<std::string, std::vector<std::string>>> read_commands(const json::Node& node,
                                                                      const char* key);
// Nanoseconds since 1970; nothing when it is absent.
Result<std::optional<WallTime>> find_time(const json::Node& node, const char* key);

}  // namespace berth::scheduler
