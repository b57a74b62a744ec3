// Lists of names and values, as environments are.
#pragma once

#include "scheduler/reader.h"
#include "scheduler/task_definition.h"

#include <string_view>
#include <vector>

namespace berth::scheduler {

// Sets the variable in place, or appends it.
void set_variable(std::vector<KeyValue>& variables, const KeyValue& variable);

// The KeyValuePair list under `key`; a later entry of the same name wins.
std::vector<KeyValue> read_variables(Reader& reader, const json::Node& node, std::string_view key);

}  // namespace berth::scheduler
