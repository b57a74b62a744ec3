// A tmpfs that begins with what the root file system has at its target: the mount option
// `tmpcopyup` of runc and crun, which podman gives to every --tmpfs and with --read-only.
#pragma once

#include "base/result.h"
#include "runtime/plan.h"
#include "sys/fd.h"

#include <optional>

namespace berth::runtime {

// The file system of `step`, filled and detached. Nothing when `root` (a directory descriptor) has
// no directory at the target: an ordinary empty one will do. Symlinks in the target are resolved
// beneath `root`; earlier mounts of the container are not looked into. Owner and mode are the
// directory's, unless the step's own options say otherwise.
Result<std::optional<sys::Fd>> make_copied_up(int root, const MountStep& step);

}  // namespace berth::runtime
