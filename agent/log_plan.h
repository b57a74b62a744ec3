// From a container's logConfiguration to the plan of its log.
#pragma once

#include "agent/paths.h"
#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"
#include "runtime/log_plan.h"
#include "scheduler/model.h"
#include "scheduler/task_definition.h"

#include <string>
#include <utility>
#include <vector>

namespace berth::agent {

// What log drivers may tell of a container with each line.
struct LoggedContainer {
  std::string id;                        // the container's own, not the OCI runtime's
  std::string name;                      // the OCI runtime's id of it, which tells the task as well
  std::string image_name;                // as the task definition has it
  std::string image_digest;              // "sha256:..."
  std::vector<std::string> environment;  // "K=V", as its process has it
  std::vector<std::string> command{};    // that its process runs
  WallTime created{};
  std::string host_name;                                         // of this host
  std::vector<std::pair<std::string, Secret>> secret_options{};  // fetched
  // Of awsfirelens: the socket of the task's router, and what its lines are told by.
  std::string router_socket{};
  std::string router_tag{};
};

// Makes what logs go to beside the task's own directory: log streams, and their groups where that
// is asked for. kNotFound in AWS's words where it is not.
Status prepare_logs(const InstancePaths& paths, const scheduler::Task& task, WallTime now);

// The path of the current file of the log that is kept here.
std::string log_path_of(const InstancePaths& paths, const scheduler::Task& task,
                        const scheduler::ContainerDefinition& container);

// A secret option takes the place of an option of its name, as with the ECS agent. The plan knows
// its value, and an error that is about it does not tell.
Result<runtime::LogPlan> log_plan_of(const scheduler::ContainerDefinition& container,
                                     const LoggedContainer& logged, const std::string& path);

}  // namespace berth::agent
