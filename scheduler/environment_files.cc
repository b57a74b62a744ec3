#include "scheduler/environment_files.h"

#include "base/text.h"

#include <fmt/core.h>

namespace berth::scheduler {

EnvironmentFile read_environment_file(Reader& reader, const json::Node& node) {
  EnvironmentFile file{.value = reader.required_string(node, "value")};
  std::string type = reader.required_string(node, "type");
  if (!type.empty() && type != "s3") {
    reader.malformed_at(node, "type", fmt::format("'{}' is not one of [s3]", printable(type, 60)));
  }
  // Whether it is an ARN at all is said by the check, in AWS's words.
  if (file.value.starts_with("arn:") && !file.value.ends_with(".env")) {
    reader.invalid_at(node, "value", "environment files must have the suffix .env");
  }
  return file;
}

}  // namespace berth::scheduler
