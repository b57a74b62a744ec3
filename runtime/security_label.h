// What a Linux security module shall know the program by: process.apparmorProfile and
// process.selinuxLabel. Written to /proc/thread-self/attr/exec while the host's procfs is still at
// /proc; the kernel takes it on at the next execve(2), across the clones and joins between
// (proc_pid_attr(5)).
#pragma once

#include "base/result.h"
#include "runtime/spec.h"

#include <string>
#include <vector>

namespace berth::runtime {

struct SecurityLabel {
  std::vector<std::string> files;  // the first that exists is written
  std::string text;                // "" for no label
  std::string detail;              // the field and its value, for errors
};

// Parent. kUnsupported names the field when the kernel has no such module, or when both are asked
// for.
Result<SecurityLabel> security_label_of(const ProcessSpec& process);

// Child: allocates nothing, dies on error.
void take_security_label(const SecurityLabel& label);

}  // namespace berth::runtime
