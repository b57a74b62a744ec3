// The words of a command as a POSIX shell would split it, without running one: quotes and
// backslashes, nothing else. As the agent of ECS Exec does it, no shell is involved: `ls | wc` has
// three words, `sh -c "ls | wc"` too.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::api {

// kInvalid for a quote that is not closed, a backslash at the end, NUL, and no word at all.
Result<std::vector<std::string>> command_words(std::string_view command);

}  // namespace berth::api
