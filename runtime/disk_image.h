// File systems in files: the ephemeral storage of tasks, and volumes that have a size.
#pragma once

#include "base/result.h"
#include "sys/loop_device.h"

#include <string>

namespace berth::runtime {

// A loop device of the file, which goes with its last mount. The error says what this host lacks.
Result<sys::LoopDevice> attach_image(const std::string& image);

}  // namespace berth::runtime
