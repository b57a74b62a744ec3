// Ages and sizes as people write them on a command line.
#pragma once

#include "base/env.h"
#include "base/result.h"

#include <cstdint>
#include <string>

namespace berth::tools {

// "90s", "30m", "12h", "7d"; a unit is required. Errors: kInvalid that quotes the text.
Result<Duration> parse_age(const std::string& text);
// "1048576", "500K", "500M", "2G", "1T", also "2GiB": powers of 1024.
Result<uint64_t> parse_size(const std::string& text);

}  // namespace berth::tools
