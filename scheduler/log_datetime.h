// The awslogs-datetime-format option: strftime's directives, as a pattern for the beginning of an
// event.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace berth::scheduler {

// In the syntax of base/pattern.h. kInvalid for a directive that is not known, and for a format
// with none.
Result<std::string> pattern_of_datetime(std::string_view format);

}  // namespace berth::scheduler
