// Logs of a task whose directory is not there any more: the streams of its containers in the log
// groups of this instance, which stay until their group's retention is over.
#pragma once

#include "agent/config.h"
#include "agent/task_table.h"
#include "base/result.h"
#include "tools/daemon_tasks.h"

#include <string>
#include <vector>

namespace berth::tools {

// `wanted` as of agent::choose_task(); here its id, the beginning of one, or an ARN. The task has
// the containers that have a stream, in the order of their names; one whose name streams of several
// groups have is there once for each. `of_daemon`, if berthd still knows it, tells of streams that
// have no prefix in their names. kNotFound when there is nothing.
Result<agent::ListedTask> find_kept_logs(const agent::Config& config, const std::string& wanted,
                                         const DaemonTask* of_daemon);

// Those of the task whose log went with its directory, in the order of the task definition.
std::vector<std::string> containers_without_logs(const agent::ListedTask& kept,
                                                 const DaemonTask& of_daemon);

}  // namespace berth::tools
