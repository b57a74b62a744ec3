// The tasks of this instance as its directories tell: those that are there, whoever started them,
// and detached ones that have stopped. Reading needs no process of berth but the shims.
#pragma once

#include "agent/config.h"
#include "agent/log_follower.h"
#include "agent/task_info.h"
#include "base/result.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "sys/fd.h"

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace berth::agent {

// What a look at a container finds. Names as DescribeTasks has them.
enum class ContainerState { kPending, kRunning, kStopped };
const char* name_of(ContainerState state);

struct ListedContainer {
  ContainerInfo info;
  ContainerState state = ContainerState::kPending;
  pid_t pid = 0;       // while it runs: its first process, as the host sees it
  std::string id;      // the OCI runtime's; "" before the task has a plan and after its end
  std::string cgroup;  // likewise
  std::optional<runtime::ExitRecord> exit;
};

enum class TaskState {
  kPending,         // images, network, no container yet
  kRunning,         // a container runs, or the shim is between two of them
  kDeprovisioning,  // nothing of it runs any more, and what it had is being given back
  kStopped,         // over; a detached task's record
  kLost,            // nobody serves it any more; the next sweep removes what is left
};
const char* name_of(TaskState state);

struct ListedTask {
  TaskInfo info;
  TaskState state = TaskState::kPending;
  pid_t shim = 0;                         // 0: none serves it
  std::optional<runtime::TaskPlan> plan;  // nothing: not written yet, or stopped
  std::vector<ListedContainer> containers;
  std::string log_directory;
  std::string event_log;  // for EventLog::read
};

// Where the log of each container is.
LogPaths log_paths_of(const ListedTask& task);

// Oldest first. `stopped`: detached ones that are over, too.
Result<std::vector<ListedTask>> list_tasks(const Config& config, bool stopped);

// Of an ARN the id; of anything else itself.
std::string task_name_of(const std::string& text);

// By id, ARN, the beginning of an id, or by family when there is one task of it. kNotFound says
// what there is; kInvalid when several match.
Result<const ListedTask*> choose_task(const std::vector<ListedTask>& tasks,
                                      const std::string& name);

// The container of that name, or with "" the only one or the first essential one. kNotFound names
// those there are.
Result<const ListedContainer*> choose_container(const ListedTask& task, const std::string& name);

// Where its shim tells what happens and takes orders. kUnavailable when none serves the task.
Result<sys::Fd> connect_to_task(const Config& config, const ListedTask& task);
// Asks the shim. The connection is to be held until the task has done what was asked: the shim
// tells each that connects what has happened so far, and does not listen to one that has gone.
Result<sys::Fd> ask_task(const Config& config, const ListedTask& task,
                         runtime::ShimRequest request);

// ---- what stays of detached tasks ----

// How long; ECS shows stopped tasks for an hour.
constexpr Duration kStoppedKept = std::chrono::hours(1);

// Keeps logs, exit records and the info of a detached task before it is torn down; nothing for
// others. May run twice.
Status keep_stopped_task(const Config& config, const std::string& task_id);
// Forgets those that stopped before `now - kept`.
Status forget_stopped_tasks(const Config& config, WallTime now, Duration kept);

}  // namespace berth::agent
