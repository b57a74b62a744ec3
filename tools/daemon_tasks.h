// DaemonTasks: what the berthd of an instance knows of its tasks, and their directories do not
// tell. The one place that knows whether a task is berthd's: commands show and stop it as that.
#pragma once

#include "agent/config.h"
#include "agent/task_table.h"
#include "base/result.h"
#include "scheduler/story.h"

#include <map>
#include <string>
#include <vector>

namespace berth::tools {

struct DaemonTask {
  std::string id;
  std::string arn;
  std::string cluster;
  std::string group;  // "service:web", "family:web"
  std::string service;
  std::string family;
  std::string started_by;
  std::string last_status;  // ECS's: "PROVISIONING"
  std::string desired_status;
  std::string created_at;  // RFC 3339
  std::string stopped_reason;
  std::vector<agent::ContainerInfo> containers{};
  // Log streams without a prefix are named after a container's id: of each the container's name.
  std::map<std::string, std::string> streams{};
};

class DaemonTasks {
 public:
  // Without a berthd, or for others than root, nothing is berthd's.
  static Result<DaemonTasks> ask(const agent::Config& config);

  bool empty() const { return tasks_.empty(); }
  // Null: it is not berthd's.
  const DaemonTask* find(const std::string& id) const;
  // Those that have no directory, yet or any more. `stopped`: those that are over, too.
  std::vector<agent::ListedTask> without_directory(const std::vector<agent::ListedTask>& listed,
                                                   bool stopped) const;

 private:
  std::map<std::string, DaemonTask> tasks_;
};

enum class StopManner { kAsk, kKill };

// As `aws ecs stop-task` does it: berthd's story of the task says who wanted it. kKill is berth's
// own: no container hears its stop signal.
Status stop_daemon_task(const agent::Config& config, const DaemonTask& task,
                        const std::string& reason, StopManner manner);

// Whether berthd knows nothing of it that is not over.
Result<bool> is_over(const agent::Config& config, const DaemonTask& task);

// What happened to a task, as far as berthd's feed goes back (tools/event_feed.h): for one that has
// no directory.
Result<std::vector<scheduler::StoryLine>> recent_story(const agent::Config& config,
                                                       const DaemonTask& task);

// All tasks of the instance, those of berthd that have no directory as well; oldest first.
Result<std::vector<agent::ListedTask>> list_all_tasks(const agent::Config& config,
                                                      const DaemonTasks& of_daemon, bool stopped);

// For what only tasks that run can do (`what`: "exec"): as agent::choose_task(), and of a task that
// does not run, or not yet, kUnavailable with its status and why.
Result<agent::ListedTask> choose_running_task(const agent::Config& config,
                                              const std::string& wanted, const std::string& what);

}  // namespace berth::tools
