#include "scheduler/key_values.h"

#include <algorithm>
#include <map>

namespace berth::scheduler {

void set_variable(std::vector<KeyValue>& variables, const KeyValue& variable) {
  auto found = std::find_if(variables.begin(), variables.end(),
                            [&](const KeyValue& each) { return each.name == variable.name; });
  if (found == variables.end()) {
    variables.push_back(variable);
  } else {
    found->value = variable.value;
  }
}

std::vector<KeyValue> read_variables(Reader& reader, const json::Node& node, std::string_view key) {
  std::vector<KeyValue> variables;
  std::map<std::string, size_t> places;  // a search for each would take minutes for a large file
  for (const json::Node& item : reader.array(node, key)) {
    if (!reader.check_members(item, "KeyValuePair")) continue;
    std::string name = reader.string(item, "name");
    auto given = item.find("name");
    if (name.empty() && (!given || given->is_string())) {
      reader.malformed_at(item, "name", "Environment variable name cannot be null or blank.");
    }
    if (name.find('=') != std::string::npos) {
      reader.malformed_at(item, "name", "must not contain '='");
    }
    std::string value = reader.string(item, "value");
    auto [place, is_new] = places.emplace(name, variables.size());
    if (is_new) {
      variables.push_back({name, value});
    } else {
      variables[place->second].value = value;
    }
  }
  return variables;
}

}  // namespace berth::scheduler
