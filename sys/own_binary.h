// Our own executable, out of a container's reach (CVE-2019-5736).
#pragma once

#include "base/result.h"

namespace berth::sys {

// Makes sure that /proc/self/exe is on a read-only mount: when it is not, executes itself again
// through a detached read-only clone of its mount, which nobody can remount because it is in no
// mount namespace. A container that is made to execute /proc/self/exe, or a script or program whose
// interpreter that is, then holds a file that opens only for reading. Costs one exec of a static
// program, and nothing when the caller starts us from a read-only mount already.
Status protect_own_binary(char** argv);
// Set by the entry point (own_binary_entry.cc), which has looked.
extern bool own_binary_is_protected;

}  // namespace berth::sys
