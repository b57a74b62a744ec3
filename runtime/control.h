// What is done to a running container by its control group: freezing, new limits, statistics.
#pragma once

#include "base/result.h"
#include "runtime/state.h"
#include "sys/cgroup_limits.h"

#include <chrono>
#include <functional>
#include <string>

namespace berth::runtime {

// "running" becomes "paused" where the group is frozen. A group that cannot be asked leaves it.
void refine_status(State& state);
// On v1 a frozen process that got SIGKILL dies only when it is thawed; on v2 at once.
void thaw_for_kill(const State& state);

Status pause(const std::string& root, const std::string& id);
Status resume(const std::string& root, const std::string& id);

// Sets new limits; what is not given stays. Errors name the field below "linux.resources".
Status update(const std::string& root, const std::string& id, const sys::CgroupLimits& limits);

// runc's JSON for `events`, one line: {"type":"stats","id":...,"data":{...}}.
Result<std::string> render_stats(const State& state);
// Calls `tell` with a line for every OOM kill and, every `interval`, the statistics; ends when the
// container does.
Status follow_events(const State& state, std::chrono::milliseconds interval,
                     const std::function<void(const std::string&)>& tell);

}  // namespace berth::runtime
