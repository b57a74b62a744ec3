// A program that outlives us and that nobody waits for: `berth system sweep` and its like.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace berth::agent {

// In a session of its own and without our descriptors: whoever waits for us does not wait for it.
Status start_detached(const std::vector<std::string>& command);

}  // namespace berth::agent
