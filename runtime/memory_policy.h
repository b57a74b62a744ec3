// linux.memoryPolicy (runtime-spec 1.3): from which nodes the container's memory comes,
// set_mempolicy(2).
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <sched.h>

#include <string_view>
#include <vector>

namespace berth::runtime {

struct MemoryPolicy {
  int mode = 0;     // MPOL_*, its flags included
  cpu_set_t nodes;  // a set of numbers like any other; none: the kernel's choice
};
Result<MemoryPolicy> parse_memory_policy(const json::Node& node);

// What it takes, for `features`.
std::vector<std::string_view> memory_policy_modes();
std::vector<std::string_view> memory_policy_flags();

}  // namespace berth::runtime
