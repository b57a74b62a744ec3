// Device access on cgroup v2: an eBPF program (BPF_PROG_TYPE_CGROUP_DEVICE) made from the same
// rules that v1 takes as text.
#pragma once

#include "base/result.h"
#include "sys/cgroup_limits.h"

#include <cstdint>
#include <string>
#include <vector>

struct bpf_insn;

namespace berth::sys {

// The program: returns 1 (allow) or 0. Later rules win, so they are tested first. Pure.
std::vector<bpf_insn> compile_device_filter(const std::vector<DeviceRule>& rules);

// Loads the program and attaches it to the group. A group that has one already keeps both, and both
// must allow (BPF_F_ALLOW_MULTI).
Status attach_device_filter(const std::string& directory, const std::vector<DeviceRule>& rules);
// The same, and takes away the programs that were there before.
Status replace_device_filter(const std::string& directory, const std::vector<DeviceRule>& rules);

}  // namespace berth::sys
