#include "agent/environment_file.h"

#include "base/text.h"

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
    return fail(Errc::kInvalid, "environmentFiles: \"{}\" is not arn:aws:s3:::BUCKET/KEY",
                printable(arn, kArnShown));
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
    bool is_variable = !line.starts_with('#') && equals != std::string_view::npos && equals > 0;
    if (!is_variable) continue;
    if (variables.size() == kEnvironmentVariablesMax) {
      return fail(Errc::kInvalid, "line {}: more than {} variables", number,
                  kEnvironmentVariablesMax);
    }
    variables.push_back(
        {std::string(line.substr(0, equals)), std::string(line.substr(equals + 1))});
  }
  return variables;
}

}  // namespace berth::agent
