// What the explanations of a task and of a container share.
#pragma once

#include "base/step.h"
#include "base/text.h"
#include "runtime/task_plan.h"
#include "sys/cgroup.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

// "0 100000 65536" -> {"0", "100000", "65536"}.
std::vector<std::string> words_of(std::string_view line);

// The making of a group in every hierarchy that berth enters.
Step group_step(const sys::Cgroups& cgroups, const std::string& path);

// A step for each file that `limits` write; asked_by is `prefix` and the limit's name.
void add_limit_steps(const sys::Cgroups& cgroups, const std::string& path,
                     const sys::CgroupLimits& limits, std::string_view prefix,
                     std::vector<Step>& steps);

// Layers that are files, and the overlay. `mapped`: the task has ids of its own.
void add_root_steps(const RootfsPlan& rootfs, bool mapped, std::vector<Step>& steps);

}  // namespace berth::runtime
