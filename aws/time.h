// The forms in which AWS writes times.
#pragma once

#include "base/env.h"

#include <optional>
#include <string>
#include <string_view>

namespace berth::aws {

// "20150830T123600Z", the form of X-Amz-Date.
std::string format_amz_date(WallTime time);
std::optional<WallTime> parse_amz_date(std::string_view text);

// "2015-08-30T12:36:00Z", with any fraction and with an offset instead of the Z: RFC 3339, the form
// of expiry times.
std::optional<WallTime> parse_rfc3339(std::string_view text);
// The same, to the second.
std::string format_rfc3339_seconds(WallTime time);

}  // namespace berth::aws
