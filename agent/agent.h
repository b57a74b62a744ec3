// Agent: the hands of the scheduler. Executes its Commands on this host and says what came of them
// as Events.
//
//   StartTask   worker: lease addresses, ports, ids -> fetch environment files and secrets
//               -> pull images -> write bundles and task.json
//               -> spawn the shim -> (loop) shim: "namespaces" -> worker: apply the network
//               -> shim: "start" -> container_started, container_health, container_restarted,
//               container_exited, ... task_stopped
//   StopTask    shim: "stop"; before there is a shim: cancel the pull
//   KillTask    shim: "kill"
//   HoldTask    shim: "hold" or "resume"
//   ReleaseTask worker: network, cgroup, directories, leases; in this order, each step idempotent
//
// All of its state is touched on the loop's thread; workers take values and return values.
#pragma once

#include "agent/config.h"
#include "agent/log_follower.h"
#include "agent/span.h"
#include "base/env.h"
#include "base/result.h"
#include "image/puller.h"
#include "runtime/shim_protocol.h"
#include "scheduler/messages.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/workers.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

// Who types at a container: ours to hand to the shim.
struct ConsoleClient {
  std::string container;
  sys::Fd input;   // the shim reads what is typed
  sys::Fd output;  // and writes what the terminal shows, or standard output; empty: nothing
  sys::Fd error;   // standard error, where that is apart
  runtime::Window window;
};

struct AgentOptions {
  Config config;
  bool userns_host = false;  // no user namespaces: container ids are the host's
  // A task stops when this agent goes away (`berth run`), instead of going on without it.
  bool foreground = false;
  image::ProgressSink progress;  // called from workers
  // A command that sweeps this instance, started when the last task has gone so that nobody waits
  // while the kernel dismantles the bridge. Empty: it is waited for.
  std::vector<std::string> sweeper;
  // This agent lives on and does it itself when no other task has ended for this long; the command
  // is for what is left when it goes away.
  std::optional<Duration> sweeps_after{};
  std::vector<std::string> security_groups{};  // of tasks in awsvpc mode; names
  std::optional<ConsoleClient> console{};
  // A command that, with a task's id behind it, answers what its containers ask at 169.254.170.2.
  std::vector<std::string> endpoint{};
  size_t workers = 2;  // one may wait for a registry while the other sets up a network
  // A task that was released is forgotten, spans and all: whoever sees many keeps none.
  bool forgets = false;
  // The files of event logs are made with the tasks, for a loop that does not wait for them
  // (agent/event_log.h).
  bool makes_event_logs = false;
};

class Agent {
 public:
  using EventSink = std::function<void(scheduler::Event)>;

  // `loop` is borrowed; events reach `sink` on its thread.
  Agent(AgentOptions options, sys::Loop& loop, Env env, EventSink sink);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;
  ~Agent();

  // Makes the directories of the instance and removes what dead tasks left. Errors: not root, no
  // such kernel feature.
  Status prepare() { return take_up({}); }
  // The same, and goes on with tasks that another agent of this instance has left, as a store
  // remembers them: what has happened to them meanwhile comes as events, some of them at once
  // (agent/recovery.h).
  Status take_up(const std::vector<scheduler::Task>& tasks);

  // Removes what is kept for a while: log events, what stays of stopped tasks.
  void tidy();

  void execute(const scheduler::Command& command);

  // The window of who types at the container has another size.
  void resize(const std::string& task_id, const std::string& container,
              const runtime::Window& window);

  // Where the logs of a task's containers are; their directories exist once its images are there.
  LogPaths log_paths(const scheduler::Task& task) const;
  // What has been timed so far, in order.
  std::vector<Span> spans(const std::string& task_id) const;

 private:
  struct RunningTask;
  using TaskPtr = std::shared_ptr<RunningTask>;

  void start(const scheduler::Task& scheduled);
  void begin(const TaskPtr& task);

  // The ways on for a task that was taken up.
  void resume(const TaskPtr& task);
  void follow(const TaskPtr& task);
  void begin_anew(const TaskPtr& task);
  void end_taken_up(const TaskPtr& task, const std::string& lost);
  // Connects to its shim, without listening yet; false when there is none.
  bool reach_shim(const TaskPtr& task);
  Status listen_to_shim(const TaskPtr& task);
  void stop(const std::string& task_id, runtime::ShimRequest how);
  void hold(const scheduler::HoldTask& order);
  void release(const std::string& task_id);
  void tear_down(const TaskPtr& task);

  // The stages of a start, each called on the loop when the one before is done.
  void place_volumes(const TaskPtr& task);
  void fetch_environment(const TaskPtr& task);
  void pull_images(const TaskPtr& task);
  void set_up_host_side(const TaskPtr& task);
  void spawn_shim(const TaskPtr& task);
  void hold_layers(const TaskPtr& task, std::vector<sys::Fd> devices);
  void let_layers_go(const TaskPtr& task, const std::string& created);
  void set_up_networks(const TaskPtr& task);
  void hear_shim(const TaskPtr& task);
  void handle(const TaskPtr& task, runtime::ShimEvent event, std::vector<sys::Fd> fds);
  void handle_health(const TaskPtr& task, const runtime::ShimEvent& event);
  void handle_exit(const TaskPtr& task, const runtime::ExitRecord& record, WallTime at);
  // Nothing of the task runs any more; `lost` when the shim did not say so itself.
  void end(const TaskPtr& task, const std::string& lost);
  void ask_shim(const TaskPtr& task, runtime::ShimRequest request);
  void tell_shim(const TaskPtr& task, const runtime::ShimOrder& order, const std::vector<int>& fds);
  void attach_console(const TaskPtr& task);

  // What the last task has left (Remains::kNetwork), by this agent or by the command.
  void sweep_later();
  void leave_to_sweeper();

  void note(const TaskPtr& task, std::vector<Span> spans);
  // Tells the scheduler, once, that the start came to nothing.
  void fail_start(const TaskPtr& task, scheduler::StartFailed failure);
  // True when the task was told to stop and has no shim yet: nothing more is to be started.
  bool gives_up(const TaskPtr& task);
  // run_job for a step of the start: the task is not torn down while one runs.
  template <class Job, class Then>
  void run_start_job(const TaskPtr& task, Job job, Then then);
  // Runs `job` on a worker and then `then(result)` on the loop.
  template <class Job, class Then>
  void run_job(Job job, Then then);

  AgentOptions options_;
  sys::Loop& loop_;
  Env env_;
  EventSink sink_;
  std::map<std::string, std::shared_ptr<RunningTask>> tasks_;
  std::optional<sys::Loop::TimerId> sweep_timer_;
  Instant sweep_latest_{};  // of the timer, however many tasks end meanwhile
  // Last: its jobs end before the rest goes.
  std::optional<sys::Workers> workers_;
};

}  // namespace berth::agent
