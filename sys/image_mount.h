// Layers of images as the kernel reads them: a directory, or one file that holds an EROFS (Linux >=
// 5.4; idmapped 5.19). A file is mounted from a loop device and not by itself (>= 6.12): mounts of
// one device share a superblock, so all tasks of an image have its pages and names in memory once.
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/loop_device.h"

#include <string>

namespace berth::sys {

// The root of the EROFS in `file`: a mount to be read, attached nowhere. What no container looks at
// through an overlay opens no device and runs no set-user-ID program. The loop device goes with the
// last mount and the last open file of it. Errors name the file: kInvalid for one without an EROFS
// that this kernel reads, kUnsupported with the mend where the host cannot mount any.
Result<Fd> mount_image(const std::string& file, AttachedLoopDevices& attached);
// The same, with a look at the devices of its own.
Result<Fd> mount_image(const std::string& file);

// Whether this host can do that: the kernel has EROFS, or a module that it loads, and loop devices.
// A kUnsupported says what is missing and the mend.
Status can_mount_images();

// A directory, open to be read and listed: `path` itself, or the root of the image that it is. Of
// an image it is open and attached nowhere: for openat(2) and the like, not for another mount.
Result<Fd> open_tree_of(const std::string& path);
Result<Fd> open_tree_of(const std::string& path, AttachedLoopDevices& attached);

}  // namespace berth::sys
