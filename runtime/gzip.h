// Compressing a file as gzip(1) does.
#pragma once

#include "base/result.h"

#include <string>

namespace berth::runtime {

// `target` is there whole or not at all; `source` stays.
Status gzip_file(const std::string& source, const std::string& target);

}  // namespace berth::runtime
