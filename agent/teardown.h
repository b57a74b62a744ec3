// Giving back what a task had, for its regular end and for the sweep after a crash. Every step may
// run twice.
#pragma once

#include "agent/config.h"
#include "base/result.h"
#include "netns/ipam.h"

#include <string>

namespace berth::agent {

// Whether the kernel's slow part of the network's end (about 40 ms for a bridge) is waited for, or
// left to a sweep() when nobody can reach the network any more.
enum class NetworkEnd { kNow, kBySweep };
enum class Remains { kNothing, kNetwork };

// Kills what still runs in the task's cgroup; then faults in the host's network, network, cgroup,
// OCI state, directories, lease.
Result<Remains> tear_down_task(const Config& config, const std::string& task_id,
                               NetworkEnd network_end);

// The same for a task that is to be begun anew: its lock stays, and the record of what happened to
// it.
Status undo_start(const Config& config, const std::string& task_id);

// Tears down the tasks of this instance that nobody owns any more: their lock is free and their
// shim is gone. Errors of one task do not stop the others; the first is returned.
Status sweep_instance(const Config& config, netns::Retired retired);
// Is there something of Remains::kNetwork?
Result<bool> has_retired_leases(const Config& config);

}  // namespace berth::agent
