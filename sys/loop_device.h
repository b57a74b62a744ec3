// Loop devices, loop(4): a file as a block device.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <optional>
#include <string>

namespace berth::sys {

struct LoopDevice {
  std::string path;  // "/dev/loop3"
  Fd device;
};

// A free device, now `backing`'s. The kernel takes it back by itself once nobody has it open or
// mounted. Errors: kUnsupported where this host has no loop devices, or /dev no node for one; the
// text names the mend.
Result<LoopDevice> attach_loop_device(int backing);

// A device that only reads `file`: the one that has this very file already, whoever made it, or a
// free one. Two who begin at once may get two of them; each goes with its last user as above.
Result<LoopDevice> attach_loop_device_to_read(const std::string& file);

// The one that has this very file, of those that the above shares; nothing when there is none.
Result<std::optional<LoopDevice>> find_loop_device(const std::string& file);

// Whether attaching has what it needs on this host; nothing is attached.
Status can_attach_loop_devices();

}  // namespace berth::sys
