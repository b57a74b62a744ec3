// The network interfaces of berthd's tasks, as EC2's API tells of them.
#pragma once

#include "api/ec2_service.h"
#include "scheduler/core.h"

#include <vector>

namespace berth::tools {

// Of tasks in awsvpc mode that have an address.
std::vector<api::TaskInterface> task_interfaces(const scheduler::Core& core);

}  // namespace berth::tools
