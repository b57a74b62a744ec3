#include "api/ask.h"

#include "aws/time.h"
#include "base/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace berth::api {
namespace {

constexpr size_t kQuotedMax = 100;  // bytes of a value in a message
constexpr size_t kBrokenMax = 2000;
constexpr size_t kMessageMax = 4000;
constexpr double kSecondsMax = 8e9;  // within what a time can hold

std::string listed(Words words) {
  std::vector<std::string> list(words.begin(), words.end());
  return join(list, ", ");
}

// "Targets[0].Id" as services write it: "targets.1.member.id".
std::string member_path(const std::string& path) {
  std::vector<std::string> parts;
  for (std::string& part : split(path, '.')) {
    size_t bracket = part.find('[');
    std::string name = part.substr(0, bracket);
    if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] += 'a' - 'A';
    parts.push_back(std::move(name));
    if (bracket == std::string::npos) continue;
    uint64_t index = parse_u64(part.substr(bracket + 1, part.size() - bracket - 2)).value_or(0);
    parts.push_back(fmt::format("{}.member", index + 1));
  }
  return join(parts, ".");
}

}  // namespace

std::string path_of(const json::Node& node, std::string_view key) {
  std::string path = node.path();
  return path == "(root)" ? std::string(key) : fmt::format("{}.{}", path, key);
}

size_t characters_of(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

void Ask::refuse(Refusal refusal) {
  if (!refusal_) refusal_ = std::move(refusal);
}
void Ask::refuse(std::string code, const std::string& message) {
  Refusal refusal;
  refusal.code = std::move(code);
  refusal.message = printable(message, kMessageMax);
  refuse(std::move(refusal));
}
void Ask::invalid(const std::string& message) {
  refuse(std::string(faults_.invalid), message);
}
void Ask::breaks(const json::Node& node, std::string_view key, const std::string& value,
                 const std::string& constraint) {
  invalid(
      fmt::format("1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: "
                  "{}",
                  printable(value, kBrokenMax), member_path(path_of(node, key)), constraint));
}
std::string Ask::short_text(std::string_view key, size_t max) {
  std::string value = text(key);
  if (characters_of(value) > max) {
    breaks(root_, key, value, fmt::format("Member must have length less than or equal to {}", max));
  }
  return value;
}
void Ask::check(const Status& status) {
  if (status) return;
  Refusal refusal;
  refusal.code = faults_.server;
  refusal.message = printable(status.error().text, kMessageMax);
  refusal.status = 500;
  refuse(std::move(refusal));
}

void Ask::wrong_type(const json::Node& value, const char* wanted) {
  refuse("SerializationException",
         fmt::format("{}: must be {}, not {}", value.path(), wanted, value.type_name()));
}

std::string Ask::text(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value) return "";
  auto text = value->as_string();
  if (text) return *text;
  if (value->is_string()) {
    invalid(fmt::format("{}: must not contain NUL", value->path()));
  } else {
    wrong_type(*value, "a string");
  }
  return "";
}

std::string Ask::required_text(const json::Node& node, std::string_view key) {
  std::string value = text(node, key);
  if (value.empty()) invalid(fmt::format("{} can not be blank.", path_of(node, key)));
  return value;
}

std::string Ask::word(const json::Node& node, std::string_view key, Words words) {
  std::string value = text(node, key);
  if (value.empty() || std::find(words.begin(), words.end(), value) != words.end()) return value;
  if (faults_.has_constraints) {
    breaks(node, key, value,
           fmt::format("Member must satisfy enum value set: [{}]", listed(words)));
    return "";
  }
  invalid(
      fmt::format("Value '{}' at '{}' failed to satisfy constraint: Member must satisfy enum "
                  "value set: [{}]",
                  printable(value, kQuotedMax), path_of(node, key), listed(words)));
  return "";
}

std::optional<int64_t> Ask::number(const json::Node& node, std::string_view key, Range range) {
  auto value = node.find(key);
  if (!value) return std::nullopt;
  std::optional<int64_t> number;
  if (auto whole = value->as_i64()) {
    number = *whole;
  } else if (call_.is_form && value->is_string()) {
    number = parse_i64(value->as_string().value_or(""));
  }
  if (!number) {
    wrong_type(*value, "an integer");
    return std::nullopt;
  }
  if (*number >= range.min && *number <= range.max) return *number;
  if (faults_.has_constraints) {
    bool is_less = *number < range.min;
    breaks(node, key, std::to_string(*number),
           fmt::format("Member must have value {} than or equal to {}",
                       is_less ? "greater" : "less", is_less ? range.min : range.max));
    return std::nullopt;
  }
  invalid(fmt::format("{} must be between {} and {}, not {}.", path_of(node, key), range.min,
                      range.max, *number));
  return std::nullopt;
}

std::optional<bool> Ask::find_flag(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value) return std::nullopt;
  if (auto flag = value->as_bool()) return *flag;
  if (call_.is_form && value->is_string()) {
    std::string text = to_lower(value->as_string().value_or(""));
    if (text == "true" || text == "false") return text == "true";
  }
  wrong_type(*value, "a boolean");
  return std::nullopt;
}
bool Ask::flag(std::string_view key) {
  return find_flag(key).value_or(false);
}

// The query protocol has no empty lists: SDKs write "Dimensions=" for one.
std::optional<json::Node> Ask::find_list(const json::Node& node, std::string_view key) const {
  auto value = node.find(key);
  bool is_empty = value && call_.is_form && value->is_string() && value->as_string() == "";
  return is_empty ? std::nullopt : value;
}

std::vector<std::string> Ask::texts(const json::Node& node, std::string_view key, size_t max) {
  auto value = find_list(node, key);
  if (!value) return {};
  auto list = value->as_strings();
  if (!list) {
    wrong_type(*value, "a list of strings");
    return {};
  }
  if (list->size() <= max) return *list;
  invalid(fmt::format("{} can have at most {} items.", path_of(node, key), max));
  return {};
}

std::vector<std::string> Ask::words(std::string_view key, Words words) {
  std::vector<std::string> list = texts(key, words.size());
  for (const std::string& each : list) {
    if (std::find(words.begin(), words.end(), each) != words.end()) continue;
    invalid(
        fmt::format("Value '{}' at '{}' failed to satisfy constraint: Member must satisfy enum "
                    "value set: [{}]",
                    printable(each, kQuotedMax), key, listed(words)));
  }
  return list;
}
bool Ask::includes(std::string_view word, Words all) {
  std::vector<std::string> included = words("include", all);
  return std::find(included.begin(), included.end(), word) != included.end();
}

std::optional<double> Ask::real_in(const json::Node& value) {
  if (auto number = value.as_double()) return *number;
  if (call_.is_form && value.is_string()) {
    std::string text = value.as_string().value_or("");
    double number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) return number;
  }
  wrong_type(value, "a number");
  return std::nullopt;
}

std::optional<double> Ask::real(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  return value ? real_in(*value) : std::nullopt;
}

std::vector<double> Ask::reals(const json::Node& node, std::string_view key, size_t max) {
  std::vector<double> numbers;
  auto value = find_list(node, key);
  if (!value) return numbers;
  auto list = value->as_array();
  if (!list) {
    wrong_type(*value, "a list of numbers");
    return numbers;
  }
  if (list->size() > max) {
    invalid(fmt::format("{} can have at most {} items.", path_of(node, key), max));
    return numbers;
  }
  for (const json::Node& each : *list) numbers.push_back(real_in(each).value_or(0));
  return numbers;
}

std::optional<WallTime> Ask::time(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value) return std::nullopt;
  if (value->is_string()) {
    auto time = aws::parse_rfc3339(value->as_string().value_or(""));
    if (time) return time;
  }
  auto seconds = value->as_double();
  if (seconds && *seconds >= 0 && *seconds < kSecondsMax) {
    return WallTime(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds)));
  }
  wrong_type(*value, "a time: seconds since 1970, or RFC 3339");
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> Ask::text_map(std::string_view key) {
  auto value = root_.find(key);
  if (!value) return {};
  auto map = value->as_string_map();
  if (map) return *map;
  wrong_type(*value, "a map of strings");
  return {};
}

std::vector<json::Node> Ask::objects(const json::Node& node, std::string_view key, size_t max) {
  auto value = find_list(node, key);
  if (!value) return {};
  auto list = value->as_array();
  bool all = list && std::all_of(list->begin(), list->end(),
                                 [](const json::Node& each) { return each.is_object(); });
  if (!all) {
    wrong_type(*value, "a list of objects");
    return {};
  }
  if (list->size() <= max) return *list;
  invalid(fmt::format("{} can have at most {} items.", path_of(node, key), max));
  return {};
}

std::optional<json::Node> Ask::object(const json::Node& node, std::string_view key) {
  auto value = node.find(key);
  if (!value || value->is_object()) return value;
  wrong_type(*value, "an object");
  return std::nullopt;
}

}  // namespace berth::api
