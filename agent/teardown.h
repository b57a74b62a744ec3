// Giving back what a task had, for its regular end and for the sweep after a crash. Every step may
// run twice.
#pragma once

#include "agent/config.h"
#include "base/result.h"

#include <string>

namespace berth::agent {

// Kills what still runs in the task's cgroup; then network, cgroup, OCI state, directories, lease.
Status tear_down_task(const Config& config, const std::string& task_id);

// Tears down the tasks of this instance that nobody owns any more: their lock is free and their
// shim is gone. Errors of one task do not stop the others; the first is returned.
Status sweep_instance(const Config& config);

}  // namespace berth::agent
