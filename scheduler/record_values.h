// What stored records have in common: their text, and values in it.
#pragma once

#include "base/env.h"
#include "base/json.h"
#include "base/result.h"
#include "scheduler/record_store.h"
#include "scheduler/task_definition.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::scheduler {

// In one line. What a program printed need not be UTF-8: what is not is replaced.
std::string record_text(const nlohmann::ordered_json& json);
// The body of a record as `read` has it. Errors name the record's kind and key.
template <class Read>
auto read_record(const Record& record, Read read)
    -> decltype(read(std::declval<const json::Node&>())) {
  std::string name = record.kind + " " + record.key;
  auto document = TRY(json::Document::parse(record.body.value_or(""), {.name = name}));
  auto value = read(document.root());
  if (!value) return wrap(std::move(value).error(), "{}", name);
  return value;
}

// kCorrupt beyond what an int holds.
Result<int> int_at(const json::Node& node, const char* key);
Result<WallTime> wall_time_at(const json::Node& node, const char* key);
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
