#include "scheduler/record_values.h"

#include <nlohmann/json.hpp>

#include <limits>

namespace berth::scheduler {

std::string record_text(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<int> int_at(const json::Node& node, const char* key) {
  int64_t number = TRY(node.i64_at(key));
  if (number >= std::numeric_limits<int>::min() && number <= std::numeric_limits<int>::max()) {
    return static_cast<int>(number);
  }
  return fail(Errc::kCorrupt, "{}.{}: {} is out of range", node.path(), key, number);
}

Result<WallTime> wall_time_at(const json::Node& node, const char* key) {
  return WallTime(Duration(TRY(node.i64_at(key))));
}

nlohmann::ordered_json pairs_json(const std::vector<KeyValue>& pairs) {
  auto list = nlohmann::ordered_json::array();
  for (const KeyValue& pair : pairs) list.push_back({{"key", pair.name}, {"value", pair.value}});
  return list;
}

Result<std::vector<KeyValue>> read_pairs(const json::Node& node, const char* key) {
  std::vector<KeyValue> pairs;
  for (const json::Node& each : TRY(node.find_array(key))) {
    KeyValue pair;
    pair.name = TRY(each.string_at("key"));
    pair.value = TRY(each.string_at("value"));
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

Result<std::map<std::string, std::vector<std::string>>> read_commands(const json::Node& node,
                                                                      const char* key) {
  std::map<std::string, std::vector<std::string>> commands;
  auto object = node.find(key);
  if (!object) return commands;
  for (const auto& [name, words] : TRY(object->as_object())) {
    commands.emplace(name, TRY(words.as_strings()));
  }
  return commands;
}

Result<std::optional<WallTime>> find_time(const json::Node& node, const char* key) {
  auto count = TRY(node.find_i64(key));
  if (!count) return std::optional<WallTime>();
  return std::optional<WallTime>(WallTime(Duration(*count)));
}

}  // namespace berth::scheduler
