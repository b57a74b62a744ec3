// The variables by which AWS's tools are told things, as a value.
#pragma once

#include "aws/credentials.h"
#include "base/result.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::aws {

using Environment = std::map<std::string, std::string>;

// Of "NAME=VALUE" lines, environ(7).
Environment parse_environment(const std::vector<std::string>& lines);

// "" when it is not set; an empty variable counts as not set, as AWS's tools have it.
std::string value_of(const Environment& environment, const std::string& name);
// "true", whatever its case.
bool is_true(const Environment& environment, const std::string& name);

// AWS_ACCESS_KEY_ID and its companions; nothing when neither key is set. Errors: kInvalid when one
// is and the other is not.
Result<std::optional<Credentials>> environment_credentials(const Environment& environment);

}  // namespace berth::aws
