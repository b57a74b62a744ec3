#include "agent/environment_file.h"

#include "base/json_tree.h"
#include "base/text.h"

#include <algorithm>

namespace berth::agent {
namespace {

constexpr size_t kArnShown = 200;

}  // namespace

Result<ObjectName> parse_object_arn(std::string_view arn) {
  std::vector<std::string> words = split(arn, ':');
  std::string resource;
  bool is_s3 = words.size() >= 6 && words[0] == "arn" && words[2] == "s3";
  // A key may have colons.
  if (is_s3) resource = join({words.begin() + 5, words.end()}, ":");
  size_t slash = resource.find('/');
  bool is_whole = slash != std::string::npos && slash > 0 && slash + 1 < resource.size();
  if (!is_whole) {
    return fail(Errc::kInvalid, "\"{}\" is not arn:aws:s3:::BUCKET/KEY", printable(arn, kArnShown));
  }
  return ObjectName{resource.substr(0, slash), resource.substr(slash + 1)};
}

Result<std::vector<scheduler::KeyValue>> parse_environment_file(std::string_view text) {
  std::vector<scheduler::KeyValue> variables;
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find('\0') != std::string_view::npos) {
      return fail(Errc::kInvalid, "line {}: a NUL byte", number);
    }
    size_t equals = line.find('=');
    if (!json::is_utf8(line)) return fail(Errc::kInvalid, "line {}: is not UTF-8", number);
    // As Amazon's agent: a name and a value, neither of them empty.
    bool is_variable = !line.starts_with('#') && equals != std::string_view::npos && equals > 0 &&
                       equals + 1 < line.size();
    if (!is_variable) continue;
    if (variables.size() == kEnvironmentVariablesMax) {
      return fail(Errc::kInvalid, "line {}: more than {} variables", number,
                  kEnvironmentVariablesMax);
    }
    scheduler::KeyValue variable{std::string(line.substr(0, equals)),
                                 std::string(line.substr(equals + 1))};
    auto earlier = std::ranges::find(variables, variable.name, &scheduler::KeyValue::name);
    if (earlier != variables.end()) {
      *earlier = std::move(variable);  // within a file the last one counts
    } else {
      variables.push_back(std::move(variable));
    }
  }
  return variables;
}

}  // namespace berth::agent
