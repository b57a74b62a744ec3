// Loop devices, loop(4): a file as a block device.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <string>

namespace berth::sys {

struct LoopDevice {
  std::string path;  // "/dev/loop3"
  Fd device;
};

// A free device, now `backing`'s. The kernel takes it back by itself once nobody has it open or
// mounted. Errors: ENOENT where the kernel has no loop devices.
Result<LoopDevice> attach_loop_device(int backing);

}  // namespace berth::sys
