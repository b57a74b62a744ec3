// Files of an image, read in its layers without mounting a container's root file system.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <string>
#include <vector>

namespace berth::runtime {

// The content of each of `paths` (relative to the root; symlinks are resolved within their layer)
// in the uppermost of `layers` (bottom first; directories or images, runtime/rootfs.h) that has
// one. "" for what is missing, is hidden by a whiteout, is no regular file or is longer than `max`
// bytes. An error is one of a layer that cannot be opened.
Result<std::vector<std::string>> read_from_layers(const std::vector<std::string>& layers,
                                                  const std::vector<std::string>& paths,
                                                  size_t max);

}  // namespace berth::runtime
