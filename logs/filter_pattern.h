// FilterPattern: what FilterLogEvents takes for filterPattern. Pure.
//
//   error "not found" -debug      every term, and not the excluded one; letters count as they are
//   ?error ?warn                  any of them; beside other terms these count for nothing, as on
//   AWS %5\d\d%                       an expression (base/pattern.h), alone or as a term { $.status
//   >= 400 && $.user.name = "a*" }    members of a JSON message (json_pattern.h) [ip, user, ...,
//   status=4*, bytes>1000]       columns of a message (column_pattern.h)
#pragma once

#include "base/result.h"

#include <functional>
#include <string>
#include <string_view>

namespace berth::logs {

constexpr size_t kFilterPatternMax = 1024;  // bytes

using Matcher = std::function<bool(const std::string& message)>;

// Nothing to match ("") is a matcher that is empty. kInvalid says what is wrong, and where.
Result<Matcher> parse_filter_pattern(std::string_view pattern);

}  // namespace berth::logs
