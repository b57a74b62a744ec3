// How two trees differ: directories, or images (Store::layer_tree).
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <vector>

namespace berth::image {

struct Trees {
  std::string stored;
  std::string rebuilt;
};

// Content, type, mode, owner, time, device, links, attributes, name by name; at most `max`
// sentences. Times of access do not count.
Result<std::vector<std::string>> differences(const Trees& trees, size_t max);

}  // namespace berth::image
