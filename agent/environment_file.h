// Environment files, by the rules of Amazon's agent. Pure.
#pragma once

#include "base/result.h"
#include "scheduler/task_definition.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::agent {

constexpr size_t kEnvironmentFileMax = 1024 * 1024;
constexpr size_t kEnvironmentVariablesMax = 10'000;  // of one file

struct ObjectName {
  std::string bucket;
  std::string key;
  bool operator==(const ObjectName&) const = default;
};
// "arn:aws:s3:::bucket/key.env". kInvalid that quotes the text.
Result<ObjectName> parse_object_arn(std::string_view arn);

// NAME=VALUE lines. A line that begins with '#' or has no '=' or no name is skipped; nothing is
// trimmed and no quote means anything. kInvalid with the line's number for a NUL byte, and for more
// than kEnvironmentVariablesMax.
Result<std::vector<scheduler::KeyValue>> parse_environment_file(std::string_view text);

}  // namespace berth::agent
