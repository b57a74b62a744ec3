#include "scheduler/reader.h"

#include "scheduler/task_definition_fields.h"

#include <fmt/core.h>

namespace berth::scheduler {
namespace {

// The only thing that can be wrong with a value of the right type.
constexpr std::string_view kNul = "must not contain NUL";

// The values that mean "unset" of a field that we refuse.
bool is_unset(const json::Node& value) {
  std::string text = value.dump();
  return text == "null" || text == "[]" || text == "{}" || text == "\"\"" || text == "false";
}

std::string escaped(std::string_view key) {
  std::string out;
  for (char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

bool Reader::check_members(const json::Node& node, std::string_view object) {
  auto members = node.as_object();
  if (!members && node.is_object()) {
    malformed_ = true;
    findings_.push_back(Finding{node.path(), node.pointer(), std::string(kNul)});
    return false;
  }
  if (!members) {
    malformed_ = true;
    findings_.push_back(
        Finding{node.path(), node.pointer(),
                fmt::format("Invalid type: {}, valid types: object", node.type_name())});
    return false;
  }
  for (const auto& [name, value] : *members) {
    const Field* field = find_field(object, name);
    if (field == nullptr) {
      malformed_at(node, name, fmt::format("unknown field of {}", object));
    } else if (field->treatment == Treatment::kRefused && !is_unset(value)) {
      refused_at(node, name, fmt::format("not supported: {}", field->note));
    } else if (field->treatment == Treatment::kRefusedByAws && !is_unset(value)) {
      invalid_at(node, name, std::string(field->note));
    }
  }
  return true;
}

std::string Reader::string(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value) return "";
  if (auto text = value->as_string()) return *text;
  if (value->is_string()) {
    malformed_at(node, key, std::string(kNul));
    return "";
  }
  wrong_type(node, key, *value, "string");
  return "";
}

std::string Reader::required_string(const json::Node& node, std::string_view key) {
  std::string text = string(node, key);
  auto value = node.find(key);
  if (text.empty() && (!value || value->is_string())) {
    malformed_at(node, key, "is required and must not be empty");
  }
  return text;
}

bool Reader::boolean(const json::Node& node, std::string_view key, bool absent) {
  auto value = node.find(key);
  if (!value) return absent;
  if (auto flag = value->as_bool()) return *flag;
  wrong_type(node, key, *value, "boolean");
  return absent;
}

std::optional<int64_t> Reader::integer(const json::Node& node, std::string_view key,
                                       IntegerRange range) {
  auto value = node.find(key);
  if (!value) return std::nullopt;
  auto number = value->as_i64();
  if (!number) {
    wrong_type(node, key, *value, "integer");
    return std::nullopt;
  }
  if (*number < range.min || *number > range.max) {
    malformed_at(node, key,
                 fmt::format("must be between {} and {}, not {}", range.min, range.max, *number));
    return std::nullopt;
  }
  return *number;
}

std::optional<int64_t> Reader::required_integer(const json::Node& node, std::string_view key,
                                                IntegerRange range) {
  if (!node.find(key)) malformed_at(node, key, "is required");
  return integer(node, key, range);
}

bool Reader::required_boolean(const json::Node& node, std::string_view key) {
  if (!node.find(key)) malformed_at(node, key, "is required");
  return boolean(node, key, false);
}

std::vector<int64_t> Reader::integers(const json::Node& node, std::string_view key,
                                      IntegerRange range) {
  std::vector<int64_t> numbers;
  for (const json::Node& item : array(node, key)) {
    auto number = item.as_i64();
    if (number && *number >= range.min && *number <= range.max) {
      numbers.push_back(*number);
      continue;
    }
    malformed_ = true;
    findings_.push_back(Finding{
        item.path(), item.pointer(),
        number ? fmt::format("must be between {} and {}, not {}", range.min, range.max, *number)
               : fmt::format("Invalid type: {}, valid types: integer", item.type_name())});
  }
  return numbers;
}

std::vector<json::Node> Reader::array(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value) return {};
  if (auto items = value->as_array()) return *items;
  wrong_type(node, key, *value, "array");
  return {};
}

std::vector<std::string> Reader::strings(const json::Node& node, std::string_view key) {
  std::vector<std::string> texts;
  for (const json::Node& item : array(node, key)) {
    if (auto text = item.as_string()) {
      texts.push_back(*text);
      continue;
    }
    malformed_ = true;
    findings_.push_back(Finding{
        item.path(), item.pointer(),
        item.is_string() ? std::string(kNul)
                         : fmt::format("Invalid type: {}, valid types: string", item.type_name())});
  }
  return texts;
}

std::optional<json::Node> Reader::object(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value || value->is_object()) return value;
  wrong_type(node, key, *value, "object");
  return std::nullopt;
}

void Reader::malformed_at(const json::Node& node, std::string_view key, std::string message) {
  malformed_ = true;
  add(node, key, std::move(message));
}

void Reader::refused_at(const json::Node& node, std::string_view key, std::string message) {
  add(node, key, std::move(message));
  findings_.back().refused_by = Refuser::kBerth;
}

void Reader::invalid_at(const json::Node& node, std::string_view key, std::string message) {
  add(node, key, std::move(message));
}

void Reader::add(const json::Node& node, std::string_view key, std::string message) {
  std::string pointer = node.pointer();
  std::string path = pointer.empty() ? std::string(key) : fmt::format("{}.{}", node.path(), key);
  findings_.push_back(Finding{path, pointer + "/" + escaped(key), std::move(message)});
}

void Reader::wrong_type(const json::Node& node, std::string_view key, const json::Node& value,
                        const char* valid) {
  malformed_at(
      node, key,
      fmt::format("Invalid type: {}, valid types: {}",
                  value.is_number() && std::string_view(valid) == "integer" ? "fractional number"
                                                                            : value.type_name(),
                  valid));
}

}  // namespace berth::scheduler
