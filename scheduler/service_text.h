// What ECS says about services, in its words. Pure.
#pragma once

#include "scheduler/service.h"

#include <string>
#include <vector>

namespace berth::scheduler::service_text {

constexpr size_t kTasksNamed = 50;  // in one event

std::string started(const std::string& service, const std::vector<std::string>& tasks);
std::string stopped(const std::string& service, const std::vector<std::string>& tasks);
// A service in the texts above, where they are about one of its task sets.
std::string with_task_set(const std::string& service, const std::string& set);
std::string set_steady(const std::string& service, const std::string& set);
std::string failed_health_check(const std::string& service, const std::string& task);
std::string deployment_completed(const std::string& service, const std::string& deployment);
std::string deployment_failed(const std::string& service, const std::string& deployment,
                              const std::string& why);
std::string rolling_back(const std::string& service, const std::string& deployment);
std::string steady(const std::string& service);
std::string start_impaired(const std::string& service);
std::string throttled(const std::string& service);
std::string blocked(const std::string& service);
std::string cannot_scale_in(const std::string& service, const std::string& deployment);
// `shortage`: "RESOURCE:CPU", or why the node is no place whatever room it has.
std::string unplaced(const std::string& service, const std::string& launch_type,
                     const std::string& node_id, const std::string& shortage);

// rolloutStateReason.
std::string in_progress_reason(const std::string& deployment);
std::string completed_reason(const std::string& deployment);

// stoppedReason of tasks.
std::string scaling_reason(const std::string& deployment);
constexpr const char* kUnhealthyReason = "Task failed container health checks";

}  // namespace berth::scheduler::service_text
