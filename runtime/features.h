// What `features` prints: the Features structure of runtime-spec features.md, from the same tables
// that the parsers go by.
#pragma once

#include <string>

namespace berth::runtime {

std::string render_features();

}  // namespace berth::runtime
