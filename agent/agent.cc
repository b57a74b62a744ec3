#include "agent/agent.h"

#include "agent/detached.h"
#include "agent/event_log.h"
#include "agent/log_plan.h"
#include "agent/paths.h"
#include "agent/recovery.h"
#include "agent/task_jobs.h"
#include "agent/task_table.h"
#include "agent/teardown.h"
#include "aws/time.h"
#include "base/log.h"
#include "logs/log_store.h"
#include "runtime/shim_protocol.h"
#include "sys/file.h"
#include "sys/host.h"
#include "sys/socket.h"

#include <sys/epoll.h>

#include <optional>
#include <set>

namespace berth::agent {
namespace {

using scheduler::StartStage;

constexpr const char* kHostRestarted =
    "nothing runs of the task any more: the host was restarted, or its supervisor was killed";
// A sweep that is put off because tasks keep ending comes after so many times its delay.
constexpr int kSweepPatience = 10;
constexpr const char* kShimLost = "the supervisor of the task (berth-shim) ended unexpectedly";

// When the shim saw it: an event that is told again must be the same.
WallTime time_of(const std::string& at, Clock& clock) {
  return aws::parse_rfc3339(at).value_or(clock.wall());
}

// What is kept for a while, and no longer.
void tidy_instance(const Config& config, WallTime now) {
  auto expired = logs::expire_log_groups(config.root, now);
  if (!expired) LOG(kWarn, "old log events stay", {{"why", expired.error().text}});
  auto forgotten = forget_stopped_tasks(config, now, kStoppedKept);
  if (!forgotten) LOG(kWarn, "stopped tasks stay", {{"why", forgotten.error().text}});
}

scheduler::ContainerRestarted restarted_of(const std::string& task_id,
                                           const runtime::ExitRecord& ended, WallTime at) {
  scheduler::ContainerRestarted restarted;
  restarted.task_id = task_id;
  restarted.container = ended.container;
  restarted.restart_count = ended.restarts + 1;
  restarted.exit_code = ended.exit_code;
  restarted.out_of_memory = ended.oom_killed;
  restarted.at = at;
  return restarted;
}

}  // namespace

struct Agent::RunningTask {
  scheduler::Task task;
  image::Cancel cancel;
  std::vector<Span> spans;
  std::optional<netns::Lease> lease;
  std::optional<sys::FileLock> lock;
  std::map<std::string, image::Image> images;  // pinned until the task is released
  PlacedVolumes volumes;                       // likewise
  // agent/layer_devices.h: open until the containers that are not created yet are, or never will
  // be.
  std::vector<sys::Fd> layer_devices;
  std::set<std::string> to_create;
  ContainerEnvironments environments;
  WallTime pull_started_at{};
  WallTime pull_stopped_at{};
  sys::Process shim;
  sys::Fd connection;
  std::vector<MadeNetwork> networks;
  bool host_side_done = false;
  std::optional<scheduler::StartFailed> host_side_error;
  bool namespaces_made = false;
  std::optional<runtime::ShimRequest> stop_wanted;  // how, once somebody wants it
  bool over = false;                                // StartFailed or TaskStopped has been told
  int jobs = 0;                                     // of the start, on workers right now
  bool release_wanted = false;
  bool ran = false;  // a container has started
  // Taken up, and its shim has not told yet all that happened before.
  bool catching_up = false;
  // Why an essential container never ran, if one did not.
  std::string never_ran;
};

template <class Job, class Then>
void Agent::run_start_job(const TaskPtr& task, Job job, Then then) {
  ++task->jobs;
  run_job(std::move(job), [this, task, then](auto result) {
    --task->jobs;
    then(std::move(result));
    if (task->release_wanted && task->jobs == 0) tear_down(task);
  });
}

template <class Job, class Then>
void Agent::run_job(Job job, Then then) {
  workers_->submit([job = std::move(job), then = std::move(then)]() mutable -> sys::Loop::Task {
    // Shared, because tasks of the loop are copyable and what a job makes often is not.
    auto result = std::make_shared<decltype(job())>(job());
    return [result, then] { then(std::move(*result)); };
  });
}

Agent::Agent(AgentOptions options, sys::Loop& loop, Env env, EventSink sink)
    : options_(std::move(options)),
      loop_(loop),
      env_(env),
      sink_(std::move(sink)),
      workers_(std::in_place, loop, options_.workers) {}

Agent::~Agent() {
  for (auto& [id, task] : tasks_) {
    task->cancel.cancel();
    if (task->connection) loop_.unwatch(task->connection.get());
  }
  if (sweep_timer_) loop_.cancel(*sweep_timer_);
  workers_.reset();  // what is being released is, and what was to be swept may not be
  if (options_.sweeps_after) leave_to_sweeper();
}

void Agent::leave_to_sweeper() {
  auto retired = has_retired_leases(options_.config);
  if (!retired || !*retired || options_.sweeper.empty()) return;
  auto started = start_detached(options_.sweeper);
  if (!started) LOG(kWarn, "the next start of berth sweeps", {{"why", started.error().text}});
}

Status Agent::take_up(const std::vector<scheduler::Task>& tasks) {
  if (sys::own_uid() != 0) {
    return fail(Errc::kDenied, "berth makes namespaces, mounts and networks: run it as root");
  }
  InstancePaths paths = paths_of(options_.config);
  for (const std::string& directory :
       {paths.root, paths.durable_tasks(), paths.run, paths.tasks(), paths.oci()}) {
    TRY(sys::make_directories(directory, 0711));
  }
  std::vector<TaskPtr> taken;
  for (const scheduler::Task& each : tasks) {
    auto task = std::make_shared<RunningTask>();
    task->task = each;
    // From here on no sweep touches it. A sweep that is at it already is waited for.
    task->lock = TRY(sys::FileLock::acquire(paths.task_lock(each.id)));
    tasks_[each.id] = task;
    taken.push_back(std::move(task));
  }
  auto swept = sweep_instance(options_.config, netns::Retired::kKeep);
  if (!swept) LOG(kWarn, "something of a dead task stays", {{"why", swept.error().text}});
  tidy_instance(options_.config, env_.clock.wall());
  for (const TaskPtr& task : taken) resume(task);
  // Whoever was here before meant to. What cannot be read was told by the sweep above.
  auto retired = has_retired_leases(options_.config);
  if (options_.sweeps_after && retired && *retired) sweep_later();
  return {};
}

void Agent::tidy() {
  auto job = [config = options_.config, env = env_] {
    tidy_instance(config, env.clock.wall());
    return Done{};
  };
  run_job(job, [](Done) {});
}

LogPaths Agent::log_paths(const scheduler::Task& task) const {
  LogPaths logs;
  for (const auto& container : task.definition.container_definitions) {
    logs.emplace(container.name, log_path_of(paths_of(options_.config), task, container));
  }
  return logs;
}

std::vector<Span> Agent::spans(const std::string& task_id) const {
  auto task = tasks_.find(task_id);
  return task == tasks_.end() ? std::vector<Span>() : task->second->spans;
}

void Agent::execute(const scheduler::Command& command) {
  LOG(kDebug, "command",
      {{"name", scheduler::name_of(command)}, {"task", scheduler::task_id_of(command)}});
  struct Visitor {
    Agent& agent;
    void operator()(const scheduler::StartTask& start) { agent.start(start.task); }
    void operator()(const scheduler::StopTask& stop) {
      agent.stop(stop.task_id, runtime::ShimRequest::kStop);
    }
    void operator()(const scheduler::KillTask& kill) {
      agent.stop(kill.task_id, runtime::ShimRequest::kKill);
    }
    void operator()(const scheduler::HoldTask& hold) { agent.hold(hold); }
    void operator()(const scheduler::ReleaseTask& release) { agent.release(release.task_id); }
  };
  std::visit(Visitor{*this}, command);
}

// ---- start ----

void Agent::start(const scheduler::Task& scheduled) {
  auto task = std::make_shared<RunningTask>();
  task->task = scheduled;
  tasks_[scheduled.id] = task;
  begin(task);
}

void Agent::begin(const TaskPtr& task) {
  if (options_.makes_event_logs) {
    // What fails here fails for whoever writes to it as well.
    auto make = [path = paths_of(options_.config).events(task->task.id)] {
      return EventLog::prepare(path);
    };
    run_start_job(task, make, [](const Status&) {});
  }
  LeaseOptions wanted{.user_ids = !options_.userns_host,
                      .is_locked = task->lock.has_value(),
                      .security_groups = options_.security_groups};
  auto job = [config = options_.config, env = env_, scheduled = task->task, wanted] {
    return lease_job(config, env, scheduled, wanted);
  };
  run_start_job(task, job, [this, task](Answer<Leased> answer) {
    note(task, std::move(answer.spans));
    if (!answer.made) return fail_start(task, std::move(answer.made).error());
    task->lease = std::move(answer.made->lease);
    if (answer.made->lock) task->lock = std::move(answer.made->lock);
    auto network = TaskNetwork::make(options_.config);
    if (network) sink_(network->provisioned(task->task, *task->lease));
    if (gives_up(task)) return;
    set_up_host_side(task);
    place_volumes(task);
  });
}

// Runs beside the pull: it needs the lease only.
void Agent::set_up_host_side(const TaskPtr& task) {
  auto job = [config = options_.config, env = env_, id = task->task.id, lease = *task->lease] {
    return host_side_job(config, env, id, lease);
  };
  run_start_job(task, job, [this, task](Answer<Done> answer) {
    note(task, std::move(answer.spans));
    if (!answer.made) {
      task->host_side_error = std::move(answer.made).error();
    }
    task->host_side_done = true;
    set_up_networks(task);
  });
}

void Agent::place_volumes(const TaskPtr& task) {
  const scheduler::TaskDefinition& definition = task->task.definition;
  bool has_places = !definition.volumes.empty() || definition.ephemeral_storage_gib ||
                    definition.requires_fargate();
  if (!has_places) return fetch_environment(task);
  auto job = [config = options_.config, env = env_, scheduled = task->task, lease = *task->lease] {
    return volumes_job(config, env, scheduled, lease);
  };
  run_start_job(task, job, [this, task](Answer<PlacedVolumes> answer) {
    note(task, std::move(answer.spans));
    if (gives_up(task)) return;
    if (!answer.made) return fail_start(task, std::move(answer.made).error());
    task->volumes = std::move(*answer.made);
    fetch_environment(task);
  });
}

// Before the pull: what is not there is known at once.
void Agent::fetch_environment(const TaskPtr& task) {
  if (!needs_fetching(task->task.definition)) return pull_images(task);
  auto job = [config = options_.config, env = env_, scheduled = task->task] {
    return fetch_job(config, env, scheduled);
  };
  run_start_job(task, job, [this, task](Answer<ContainerEnvironments> answer) {
    note(task, std::move(answer.spans));
    if (gives_up(task)) return;
    if (!answer.made) return fail_start(task, std::move(answer.made).error());
    task->environments = std::move(*answer.made);
    pull_images(task);
  });
}

void Agent::pull_images(const TaskPtr& task) {
  PullRequest request{options_.config, task->task, options_.progress, &task->cancel};
  for (const auto& [container, environment] : task->environments) {
    if (environment.registry) request.credentials[container] = *environment.registry;
  }
  // The job holds on to the task, and so to the cancel flag.
  auto job = [request, env = env_, task] { return pull_job(request, env); };
  run_start_job(task, job, [this, task](Answer<Pulled> answer) {
    note(task, std::move(answer.spans));
    if (gives_up(task)) return;
    if (!answer.made) return fail_start(task, std::move(answer.made).error());
    task->images = std::move(answer.made->images);
    task->pull_started_at = answer.made->event.started_at;
    task->pull_stopped_at = answer.made->event.stopped_at;
    sink_(std::move(answer.made->event));
    if (!gives_up(task)) spawn_shim(task);
  });
}

void Agent::spawn_shim(const TaskPtr& task) {
  TaskFilesRequest request;
  request.config = options_.config;
  request.task = task->task;
  request.lease = *task->lease;
  request.foreground = options_.foreground;
  request.volumes = &task->volumes;
  request.environments = std::move(task->environments);
  request.pull_started_at = task->pull_started_at;
  request.pull_stopped_at = task->pull_stopped_at;
  request.endpoint_command = options_.endpoint;
  request.endpoint_command.push_back(task->task.id);
  request.endpoint_ids = make_endpoint_ids(task->task, env_.rng);
  for (const auto& container : task->task.definition.container_definitions) {
    request.images[container.name] = &task->images.at(pull_key_of(task->task, container));
  }
  auto job = [request, env = env_] { return spawn_job(request, env); };
  run_start_job(task, job, [this, task](Answer<Spawned> answer) {
    note(task, std::move(answer.spans));
    if (!answer.made) return fail_start(task, std::move(answer.made).error());
    task->shim = std::move(answer.made->shim);
    task->connection = std::move(answer.made->connection);
    hold_layers(task, std::move(answer.made->layers));
    auto listening = listen_to_shim(task);
    if (!listening) {
      ask_shim(task, runtime::ShimRequest::kKill);
      return end(task, listening.error().text);
    }
    if (task->stop_wanted) ask_shim(task, *task->stop_wanted);
  });
}

void Agent::hold_layers(const TaskPtr& task, std::vector<sys::Fd> devices) {
  task->layer_devices = std::move(devices);
  for (const auto& container : task->task.definition.container_definitions) {
    task->to_create.insert(container.name);
  }
}

// From now on its overlay holds them.
void Agent::let_layers_go(const TaskPtr& task, const std::string& created) {
  task->to_create.erase(created);
  if (task->to_create.empty()) task->layer_devices.clear();
}

// When both the host's side and the namespaces are there.
void Agent::set_up_networks(const TaskPtr& task) {
  if (!task->host_side_done || !task->namespaces_made || task->over) return;
  if (task->host_side_error) {
    ask_shim(task, runtime::ShimRequest::kKill);
    return fail_start(task, *task->host_side_error);
  }
  auto networks = std::make_shared<std::vector<MadeNetwork>>(std::move(task->networks));
  auto job = [config = options_.config, env = env_, id = task->task.id, lease = *task->lease,
              networks] { return task_side_job(config, env, id, lease, std::move(*networks)); };
  run_start_job(task, job, [this, task](Answer<Done> answer) {
    note(task, std::move(answer.spans));
    if (task->over) return;
    if (!answer.made) {
      ask_shim(task, runtime::ShimRequest::kKill);
      return fail_start(task, std::move(answer.made).error());
    }
    attach_console(task);
    if (task->task.is_held) ask_shim(task, runtime::ShimRequest::kHold);
    ask_shim(task, runtime::ShimRequest::kStart);
  });
}

// ---- tasks that another agent has left ----

void Agent::resume(const TaskPtr& task) {
  const scheduler::Task& known = task->task;
  runtime::TaskPaths paths = paths_of(options_.config).task(known.id);
  task->ran = has_started(known);
  if (known.orders.stop) task->stop_wanted = runtime::ShimRequest::kStop;
  if (known.orders.kill) task->stop_wanted = runtime::ShimRequest::kKill;
  if (auto shim = find_shim(paths)) task->shim = std::move(*shim);
  TaskEvidence evidence = look_for_evidence(options_.config, known.id);
  evidence.shim_lives = task->shim.pid > 0 && reach_shim(task);
  Resumption way = resumption_of(known, evidence);
  LOG(kInfo, "task taken up", {{"task", known.id}, {"how", name_of(way)}});
  switch (way) {
    case Resumption::kFollow:
      return follow(task);
    case Resumption::kBeginAnew:
      return begin_anew(task);
    case Resumption::kGiveUp:
      ask_shim(task, runtime::ShimRequest::kKill);
      return end(task, "");
    case Resumption::kEnded:
      return end_taken_up(task, evidence.has_directory ? kShimLost : kHostRestarted);
    case Resumption::kRelease:
      task->over = true;
      ask_shim(task, runtime::ShimRequest::kKill);
      return release(known.id);
  }
}

// Its shim tells first what has happened so far: the same events as on any other day, most of them
// no news.
void Agent::follow(const TaskPtr& task) {
  auto listening = listen_to_shim(task);
  if (!listening) return end(task, listening.error().text);
  task->catching_up = true;
  // It may not have heard it; twice is as good as once.
  ask_shim(task, task->task.is_held ? runtime::ShimRequest::kHold : runtime::ShimRequest::kResume);
  ask_shim(task, runtime::ShimRequest::kStart);
  if (task->stop_wanted) ask_shim(task, *task->stop_wanted);
}

void Agent::begin_anew(const TaskPtr& task) {
  ask_shim(task, runtime::ShimRequest::kKill);
  auto job = [config = options_.config, env = env_, task] {
    return undo_start_job(config, env, task->task.id, task->shim);
  };
  run_start_job(task, job, [this, task](Answer<Done> answer) {
    note(task, std::move(answer.spans));
    task->shim = {};
    task->connection.reset();
    if (gives_up(task)) return;
    if (!answer.made) return fail_start(task, std::move(answer.made).error());
    begin(task);
  });
}

// What its shim wrote down before it told anybody is there whatever became of it.
void Agent::end_taken_up(const TaskPtr& task, const std::string& lost) {
  std::vector<runtime::ExitRecord> records = exit_records_of(options_.config, task->task);
  for (const runtime::ExitRecord& record : records) {
    handle_exit(task, record, time_of(record.finished_at, env_.clock));
  }
  bool is_told = records.size() == task->task.containers.size();
  end(task, is_told ? "" : lost);
}

bool Agent::reach_shim(const TaskPtr& task) {
  auto connection = sys::connect_unix(paths_of(options_.config).task(task->task.id).socket());
  if (!connection || !sys::set_nonblocking(connection->get())) return false;
  task->connection = std::move(*connection);
  return true;
}

Status Agent::listen_to_shim(const TaskPtr& task) {
  return loop_.watch(task->connection.get(), EPOLLIN, [this, task](uint32_t) { hear_shim(task); });
}

// ---- what the shim says ----

void Agent::hear_shim(const TaskPtr& task) {
  while (task->connection) {
    auto message = sys::receive_message(task->connection.get());
    if (!message && message.error().code == Errc::kUnavailable) return;
    if (!message || message->bytes.empty()) {
      loop_.unwatch(task->connection.get());
      task->connection.reset();
      // One that was about to end has not told us what it wrote down.
      return task->catching_up ? end_taken_up(task, kShimLost) : end(task, kShimLost);
    }
    auto event = runtime::parse_event(message->bytes);
    if (!event) {
      LOG(kError, "shim not understood", {{"task", task->task.id}, {"why", event.error().text}});
      continue;
    }
    handle(task, std::move(*event), std::move(message->fds));
  }
}

void Agent::handle(const TaskPtr& task, runtime::ShimEvent event, std::vector<sys::Fd> fds) {
  using Kind = runtime::ShimEvent::Kind;
  for (const runtime::TimedStep& step : event.steps) {
    task->spans.push_back({"shim: " + step.name, step.took});
  }
  switch (event.kind) {
    case Kind::kNamespaces:
      for (size_t i = 0; i < event.namespaces.size() && 2 * i + 1 < fds.size(); ++i) {
        task->networks.push_back(
            {event.namespaces[i], std::move(fds[2 * i]), std::move(fds[2 * i + 1])});
      }
      task->namespaces_made = true;
      return set_up_networks(task);
    case Kind::kUpToDate:
      task->catching_up = false;
      return;
    case Kind::kContainerCreated:
      return let_layers_go(task, event.container);
    case Kind::kTaskStopping:
      return;  // for those who were not there from the beginning
    case Kind::kAttachRefused:
    case Kind::kOutputMissed:
      LOG(kWarn, "client", {{"task", task->task.id}, {"why", event.text}});
      return;
    case Kind::kContainerStarted:
      task->ran = true;
      return sink_(scheduler::ContainerStarted{task->task.id, event.container,
                                               time_of(event.at, env_.clock)});
    case Kind::kContainerHealth:
      return handle_health(task, event);
    case Kind::kContainerRestarted:
      if (event.exit) {
        sink_(restarted_of(task->task.id, *event.exit, time_of(event.at, env_.clock)));
      }
      return;
    case Kind::kPreStopEnded:
      if (event.exit) {
        sink_(scheduler::PreStopEnded{task->task.id, event.container, event.exit->exit_code,
                                      event.text});
      }
      return;
    case Kind::kContainerExited:
      let_layers_go(task, event.container);  // one that could not be created ends so, too
      if (event.exit) handle_exit(task, *event.exit, time_of(event.at, env_.clock));
      return;
    case Kind::kStopRequested:
      // By `berth stop`, which asks the shim itself; what this agent asked for was decided before.
      if (task->over || task->stop_wanted) return;
      return sink_(
          scheduler::StopRequested{task->task.id, scheduler::StopCode::kUserInitiated, ""});
    case Kind::kTaskStopped:
      return end(task, "");
    case Kind::kFailed:
      return fail_start(
          task, start_failure(task->task.id, StartStage::kCreate, "ResourceInitializationError",
                              Error{.code = Errc::kSystem, .text = event.text}));
  }
}

void Agent::handle_health(const TaskPtr& task, const runtime::ShimEvent& event) {
  if (!event.health) return;
  const runtime::HealthReport& report = *event.health;
  scheduler::ContainerHealthChanged changed;
  changed.task_id = task->task.id;
  changed.container = event.container;
  switch (report.status) {
    case runtime::HealthStatus::kUnknown:
      break;
    case runtime::HealthStatus::kHealthy:
      changed.health.status = scheduler::HealthStatus::kHealthy;
      break;
    case runtime::HealthStatus::kUnhealthy:
      changed.health.status = scheduler::HealthStatus::kUnhealthy;
      break;
  }
  changed.health.since = time_of(event.at, env_.clock);
  changed.health.exit_code = report.exit_code;
  changed.health.output = report.output;
  sink_(std::move(changed));
}

void Agent::handle_exit(const TaskPtr& task, const runtime::ExitRecord& record, WallTime at) {
  const auto* definition = task->task.definition.find_container(record.container);
  bool never_ran = !record.exit_code && !record.reason.empty();
  if (never_ran && definition != nullptr && definition->essential && task->never_ran.empty()) {
    task->never_ran = record.reason;
  }
  scheduler::ContainerExited exited;
  exited.task_id = task->task.id;
  exited.container = record.container;
  exited.exit_code = record.exit_code;
  exited.out_of_memory = record.oom_killed;
  exited.killed = record.killed;
  exited.reason = record.reason;
  exited.at = at;
  sink_(std::move(exited));
}

void Agent::end(const TaskPtr& task, const std::string& lost) {
  if (task->over) return;
  task->over = true;
  task->layer_devices.clear();
  scheduler::TaskStopped stopped;
  stopped.task_id = task->task.id;
  stopped.at = env_.clock.wall();
  stopped.stop_code = scheduler::StopCode::kEssentialContainerExited;
  stopped.reason = scheduler::kEssentialExitedReason;
  std::string failure = lost.empty() ? task->never_ran : lost;
  if (!failure.empty()) stopped.reason = failure;
  bool lost_later = !lost.empty() && task->ran;
  if (!failure.empty() && !lost_later) {
    stopped.stop_code = scheduler::StopCode::kTaskFailedToStart;
  }
  sink_(std::move(stopped));
}

void Agent::fail_start(const TaskPtr& task, scheduler::StartFailed failure) {
  if (task->over) return;
  task->over = true;
  task->layer_devices.clear();
  sink_(std::move(failure));
}

bool Agent::gives_up(const TaskPtr& task) {
  if (!task->stop_wanted) return false;
  end(task, "");
  return true;
}

// ---- stop, kill, release ----

void Agent::ask_shim(const TaskPtr& task, runtime::ShimRequest request) {
  tell_shim(task, {.request = request}, {});
}

void Agent::tell_shim(const TaskPtr& task, const runtime::ShimOrder& order,
                      const std::vector<int>& fds) {
  if (!task->connection) return;
  auto sent = sys::send_message(task->connection.get(), runtime::render_order(order), fds);
  if (sent) return;
  // One that has gone has told its last words, or its hang-up tells: both wait to be read.
  bool has_gone = sent.error().errno_value == EPIPE || sent.error().errno_value == ECONNRESET;
  if (!has_gone)
    LOG(kWarn, "shim not reached", {{"task", task->task.id}, {"why", sent.error().text}});
}

void Agent::attach_console(const TaskPtr& task) {
  if (!options_.console) return;
  ConsoleClient client = std::move(*options_.console);
  options_.console.reset();
  std::vector<int> fds = {client.input.get()};
  if (client.output) fds.push_back(client.output.get());
  tell_shim(task,
            {.request = runtime::ShimRequest::kAttach,
             .container = client.container,
             .window = client.window,
             .in_the_foreground = true},
            fds);
}

void Agent::resize(const std::string& task_id, const std::string& container,
                   const runtime::Window& window) {
  auto found = tasks_.find(task_id);
  if (found == tasks_.end()) return;
  tell_shim(found->second,
            {.request = runtime::ShimRequest::kResize, .container = container, .window = window},
            {});
}

void Agent::stop(const std::string& task_id, runtime::ShimRequest how) {
  auto found = tasks_.find(task_id);
  if (found == tasks_.end() || found->second->over) return;
  TaskPtr task = found->second;
  task->stop_wanted = how;
  task->cancel.cancel();
  ask_shim(task, how);
}

void Agent::hold(const scheduler::HoldTask& order) {
  auto found = tasks_.find(order.task_id);
  if (found == tasks_.end() || found->second->over) return;
  found->second->task.is_held = order.is_held;  // for one whose shim is yet to come
  ask_shim(found->second,
           order.is_held ? runtime::ShimRequest::kHold : runtime::ShimRequest::kResume);
}

void Agent::release(const std::string& task_id) {
  auto found = tasks_.find(task_id);
  if (found == tasks_.end()) return sink_(scheduler::TaskReleased{task_id});
  TaskPtr task = found->second;
  task->release_wanted = true;
  // What a job of the start makes must not come after the tear-down.
  if (task->jobs == 0) tear_down(task);
}

void Agent::sweep_later() {
  Instant now = env_.clock.now();
  if (sweep_timer_) {
    loop_.cancel(*sweep_timer_);
  } else {
    sweep_latest_ = now + kSweepPatience * *options_.sweeps_after;
  }
  Duration delay = std::min<Duration>(*options_.sweeps_after, sweep_latest_ - now);
  sweep_timer_ = loop_.after(std::max(delay, Duration::zero()), [this] {
    sweep_timer_.reset();
    run_job([config = options_.config] { return sweep_job(config); }, [](Done) {});
  });
}

void Agent::tear_down(const TaskPtr& task) {
  task->release_wanted = false;
  NetworkEnd end = options_.sweeper.empty() ? NetworkEnd::kNow : NetworkEnd::kBySweep;
  bool sweeps = options_.sweeps_after.has_value();
  auto job = [config = options_.config, sweeper = options_.sweeper, sweeps, end, env = env_, task] {
    Released released = release_job(config, env, task->task.id, task->shim, end);
    bool is_for_others = released.remains == Remains::kNetwork && !sweeps;
    if (is_for_others && !start_detached(sweeper)) sweep_job(config);
    return released;
  };
  run_job(job, [this, task, sweeps](Released released) {
    note(task, std::move(released.spans));
    if (released.remains == Remains::kNetwork && sweeps) sweep_later();
    if (task->connection) loop_.unwatch(task->connection.get());
    task->connection.reset();
    task->images.clear();
    task->layer_devices.clear();
    task->volumes = {};
    task->shim = {};
    task->lock.reset();
    if (options_.forgets) tasks_.erase(task->task.id);
    sink_(scheduler::TaskReleased{task->task.id});
  });
}

void Agent::note(const TaskPtr& task, std::vector<Span> spans) {
  for (Span& span : spans) task->spans.push_back(std::move(span));
}

}  // namespace berth::agent
