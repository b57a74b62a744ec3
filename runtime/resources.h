// linux.resources of config.json, which `update` takes by itself.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "sys/cgroup_limits.h"

namespace berth::runtime {

Result<sys::CgroupLimits> parse_resources(const json::Node& node);

}  // namespace berth::runtime
