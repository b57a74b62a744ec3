// berth stop. A task of berthd is stopped through it, so that its story says who wanted that;
// others by their supervisors.
#include "agent/paths.h"
#include "agent/task_table.h"
#include "agent/teardown.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"
#include "tools/commands.h"
#include "tools/daemon_tasks.h"
#include "tools/event_follower.h"
#include "tools/task_commands.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cstdio>

namespace berth::tools {
namespace {

constexpr std::chrono::seconds kKillPatience(10);
constexpr const char* kStopReason = "berth stop";
constexpr const char* kKillReason = "berth stop --kill";

// The longest that a container may take, one after the other in reverse order, and its end.
std::chrono::seconds patience_with(const agent::ListedTask& task, bool kill) {
  std::chrono::seconds patience = kKillPatience;
  if (kill || !task.plan) return patience;
  for (const runtime::ContainerPlan& container : task.plan->containers) {
    patience += std::chrono::seconds(container.stop_timeout_seconds);
  }
  return patience;
}

Status stop_by_supervisor(const agent::Config& config, const agent::ListedTask& task, bool kill) {
  sys::Process shim{task.shim, {}};
  if (task.shim != 0) {
    auto pidfd = sys::open_pidfd(task.shim);
    if (!pidfd && pidfd.error().code == Errc::kNotFound) return {};  // it has just stopped
    shim.pidfd = TRY(std::move(pidfd));
  }
  auto how = kill ? runtime::ShimRequest::kKill : runtime::ShimRequest::kStop;
  sys::Fd connection = TRY(agent::ask_task(config, task, how));
  if (TRY(sys::ends_within(shim, patience_with(task, kill)))) return {};
  return fail(Errc::kUnavailable, "task {} was told to stop and still runs: `berth stop --kill {}`",
              task.info.id, task.info.id);
}

// Whoever looks after the task gives back its addresses and ports when it has stopped, and then its
// lock. Where nobody does, the sweep behind us will.
Status wait_for_release(const std::string& lock_file) {
  auto lock = sys::open(lock_file, O_RDONLY);
  if (!lock) return {};  // gone already
  return sys::lock(lock->get(), sys::LockMode::kShared);
}

// Through berthd, which tells when the task is over: one that has not started yet has no
// supervisor to be waited for.
Status stop_by_daemon(const agent::Config& config, const DaemonTask& task, bool kill) {
  EventFollower events(config);
  TRY(events.latest());
  if (kill) {
    TRY(stop_daemon_task(config, task, kKillReason, StopManner::kKill));
  } else {
    TRY(stop_daemon_task(config, task, kStopReason, StopManner::kAsk));
  }
  while (!TRY(is_over(config, task))) TRY(events.next());
  return {};
}

// Every name is looked up before any task is told.
Status stop(const agent::Config& config, const StopOptions& options) {
  DaemonTasks owned = TRY(DaemonTasks::ask(config));
  std::vector<agent::ListedTask> tasks = TRY(list_all_tasks(config, owned, false));
  std::vector<const agent::ListedTask*> chosen;
  for (const std::string& name : options.tasks) {
    chosen.push_back(TRY(agent::choose_task(tasks, name)));
  }
  for (const agent::ListedTask* task : chosen) {
    const DaemonTask* of_daemon = owned.find(task->info.id);
    if (of_daemon == nullptr) {
      TRY(stop_by_supervisor(config, *task, options.kill));
    } else {
      TRY(stop_by_daemon(config, *of_daemon, options.kill));
    }
    TRY(wait_for_release(agent::paths_of(config).task_lock(task->info.id)));
    std::printf("%s\n", task->info.id.c_str());
  }
  return agent::sweep_instance(config, netns::Retired::kKeep);
}

}  // namespace

int stop_command(const agent::Config& config, const StopOptions& options) {
  return exit_code(stop(config, options));
}

}  // namespace berth::tools
