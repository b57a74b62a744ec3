// Loop devices, loop(4): a file as a block device.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <sys/stat.h>

namespace berth::sys {

struct LoopDevice {
  std::string path;  // "/dev/loop3"
  Fd device;
};

// A free device, now `backing`'s. The kernel takes it back by itself once nobody has it open or
// mounted. Errors: kUnsupported where this host has no loop devices, or /dev no node for one; the
// text names the mend.
Result<LoopDevice> attach_loop_device(int backing);

// The loop devices that had a file when one looked: one look for whoever asks for many. It holds
// none of them.
class AttachedLoopDevices {
 public:
  // Once; what comes later is not known. After it find() may be called by many threads.
  Status look();
  // One that reads this very file, whole, and goes with its users; nothing when none does, or does
  // any more. Looks if nobody has.
  Result<std::optional<LoopDevice>> find(const std::string& file, const struct stat& known);

 private:
  bool looked_ = false;
  // By the end of the file's path.
  std::multimap<std::string, std::string, std::less<>> names_;
};

// A device that only reads `file`: of those attached, whoever made it, or a free one. Two who begin
// at once may get two of them; each goes with its last user as above. A new one waits for the disk:
// since Linux 6.14 the kernel syncs the file (2.5 ms here, however long that was written).
Result<LoopDevice> attach_loop_device_to_read(const std::string& file,
                                              AttachedLoopDevices& attached);

// Whether attaching has what it needs on this host; nothing is attached.
Status can_attach_loop_devices();

}  // namespace berth::sys
