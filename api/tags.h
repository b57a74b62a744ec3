// Tags of requests, by AWS's rules, which all services share.
#pragma once

#include "api/ask.h"
#include "scheduler/task_definition.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::api {

constexpr size_t kTagsMax = 50;  // of a resource

using Tags = std::vector<scheduler::KeyValue>;

// How a service calls the two members of a tag, and what it says of characters that may not be in
// them: nothing of its own where that is empty.
struct TagMembers {
  std::string_view key = "Key";
  std::string_view value = "Value";
  std::string_view bad_characters = "";
};

// The list under `key`, or the map of names and values; refused when it breaks a rule.
Tags read_tag_list(Ask& ask, std::string_view key, const TagMembers& members);
std::map<std::string, std::string> read_tag_map(Ask& ask, std::string_view key);

// Those that are added replace those of their names; refused when there are too many then.
void add_tags(Ask& ask, Tags& tags, Tags added);
void remove_tags(Tags& tags, const std::vector<std::string>& keys);

}  // namespace berth::api
