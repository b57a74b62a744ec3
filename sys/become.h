// What a process does to itself: becoming another program, parting from its streams.
#pragma once

#include "base/result.h"

#include <string>
#include <vector>

namespace berth::sys {

// execve(2) with our environment and standard streams; every other descriptor of ours is
// close-on-exec. Returns only when it fails.
Status become(const std::string& path, const std::vector<std::string>& arguments);

// Puts /dev/null in the place of one of our streams.
Status silence(int fd);

}  // namespace berth::sys
