#include "runtime/task_runner.h"

#include "base/log.h"
#include "runtime/restart.h"
#include "runtime/task_names.h"

#include <fmt/core.h>

#include <chrono>
#include <utility>

namespace berth::runtime {
namespace {

constexpr const char* kPreStopGroup = "prestop";
constexpr size_t kPreStopOutputMax = 1024;

}  // namespace

TaskRunner::TaskRunner(const TaskPlan& plan, Env env, sys::Loop& loop, const TaskGroup& group,
                       std::function<void(const ShimEvent&)> tell, std::function<void()> is_over)
    : plan_(plan),
      env_(env),
      loop_(loop),
      group_(group),
      tell_(std::move(tell)),
      is_over_(std::move(is_over)),
      oci_(plan.oci_runtime, plan.oci_root) {
  for (const ContainerPlan& container : plan_.containers) {
    size_t i = containers_.size();
    containers_.push_back(std::make_unique<ShimContainer>(container, oci_, loop_, env_));
    monitors_.push_back(nullptr);
    pre_stops_.push_back(nullptr);
    if (!container.health_check) continue;
    monitors_[i] = std::make_unique<HealthMonitor>(container, oci_, loop_, env_,
                                                   [this, i] { health_changed(i); });
  }
  progress_.resize(containers_.size());
  last_starts_.resize(containers_.size());
}

void TaskRunner::begin() {
  started_ = true;
  advance();
}

void TaskRunner::kill() {
  begin_stop();
  for (size_t i = 0; i < containers_.size(); ++i) {
    if (is_alive_at(i)) containers_[i]->kill("it was to be killed, not stopped");
  }
  advance();
}

void TaskRunner::resume() {
  if (!held_) return;
  end_hold();
  advance();
}

ShimContainer* TaskRunner::find(const std::string& name) {
  auto i = index_of(name);
  return i ? containers_[*i].get() : nullptr;
}

bool TaskRunner::has_stopped(const std::string& name) const {
  auto i = index_of(name);
  return i && progress_[*i].phase == ContainerPhase::kStopped;
}

void TaskRunner::client_left(int connection) {
  for (auto& container : containers_) container->client_left(connection);
}

void TaskRunner::release() {
  for (auto& container : containers_) {
    auto released = container->release();
    if (!released) {
      LOG(kError, "container not released",
          {{"container", container->plan().name}, {"why", released.error().text}});
    }
  }
}

std::optional<size_t> TaskRunner::index_of(const std::string& name) const {
  for (size_t i = 0; i < containers_.size(); ++i) {
    if (containers_[i]->plan().name == name) return i;
  }
  return std::nullopt;
}

std::string TaskRunner::now() {
  return format_rfc3339(env_.clock.wall());
}

bool TaskRunner::is_alive_at(size_t i) const {
  return progress_[i].phase == ContainerPhase::kRunning ||
         progress_[i].phase == ContainerPhase::kStopping;
}

void TaskRunner::request_stop() {
  begin_stop();
  advance();
}

void TaskRunner::begin_stop() {
  if (goal_ == TaskGoal::kStop) return;
  goal_ = TaskGoal::kStop;
  withdraw_names();  // first: who looks for the task shall not find what is about to end
  tell_({.kind = ShimEvent::Kind::kTaskStopping, .at = now()});
  if (held_) end_hold();  // what is frozen hears no signal
}

// Everything in the task's group, checks too, so they are ended first. We are not in it.
void TaskRunner::hold() {
  if (held_ || finished_ || goal_ == TaskGoal::kStop) return;
  for (auto& monitor : monitors_) {
    if (monitor) monitor->rest();
  }
  auto frozen = group_.freeze();
  held_ = true;
  if (frozen) return;
  LOG(kError, "the task is not held", {{"why", frozen.error().text}});
  end_hold();
}

void TaskRunner::end_hold() {
  held_ = false;
  auto thawed = group_.thaw();
  if (!thawed) LOG(kError, "the task stays frozen", {{"why", thawed.error().text}});
  for (auto& monitor : monitors_) {
    if (monitor) monitor->go_on();
  }
  for (size_t i : std::exchange(ended_while_held_, {})) settle_end(i);
}

// Does what the order of the task asks for, until it asks for nothing more.
void TaskRunner::advance() {
  if (finished_) return;
  if (!started_ && goal_ == TaskGoal::kRun) return;
  if (held_) return;  // what would be started now would freeze before it has started
  while (true) {
    TaskActions actions = next_actions(plan_.containers, progress_, goal_, env_.clock.now());
    if (actions.finished) {
      finished_ = true;
      return is_over_();
    }
    if (actions.ended_by) begin_stop();
    for (const TaskActions::Refusal& refusal : actions.refuse) {
      refuse(refusal.container, refusal.reason);
    }
    for (size_t i : actions.stop) stop(i);
    for (size_t i : actions.start) start(i);
    wake_at(actions.wake_at);
    if (actions.refuse.empty() && actions.stop.empty() && actions.start.empty()) break;
  }
  publish_names();
}

// ---- names ----

// The task is RUNNING when no container waits for its turn any more and one of them runs.
void TaskRunner::publish_names() {
  if (!plan_.names || names_published_ || goal_ == TaskGoal::kStop) return;
  bool runs = false;
  for (const ContainerProgress& each : progress_) {
    if (each.phase == ContainerPhase::kWaiting) return;
    runs = runs || each.phase == ContainerPhase::kRunning;
  }
  if (!runs) return;
  names_published_ = true;
  auto published = runtime::publish_names(*plan_.names, plan_.task_id);
  if (published) return mark_names();
  LOG(kError, "the task is not found by its names", {{"why", published.error().text}});
}

// UNHEALTHY, as ECS says of a task: an essential container is.
bool TaskRunner::is_unhealthy() const {
  for (size_t i = 0; i < progress_.size(); ++i) {
    if (plan_.containers[i].essential && progress_[i].health == HealthStatus::kUnhealthy) {
      return true;
    }
  }
  return false;
}

void TaskRunner::mark_names() {
  if (!names_published_) return;
  auto health = is_unhealthy() ? NamesHealth::kUnwell : NamesHealth::kWell;
  auto marked = runtime::mark_names(*plan_.names, plan_.task_id, health);
  if (!marked) LOG(kWarn, "a name of the task stays", {{"why", marked.error().text}});
}

void TaskRunner::withdraw_names() {
  if (!names_published_) return;
  names_published_ = false;
  auto withdrawn = runtime::withdraw_names(*plan_.names, plan_.task_id);
  if (!withdrawn) LOG(kError, "a name of the task stays", {{"why", withdrawn.error().text}});
}

void TaskRunner::wake_at(std::optional<Instant> due) {
  if (wake_timer_) loop_.cancel(*wake_timer_);
  wake_timer_.reset();
  if (due) wake_timer_ = loop_.after(*due - env_.clock.now(), [this] { advance(); });
}

// While the agent sets up the network. A failure is told when the container's turn comes.
void TaskRunner::create_early(const ShimContainer::Host& host) {
  host_ = host;
  for (auto& container : containers_) {
    if (!container->plan().create_early) continue;
    if (!container->create(host_, early_steps_)) return;
    tell_created(container->plan().name);
  }
}

void TaskRunner::tell_created(const std::string& container) {
  ShimEvent event;
  event.kind = ShimEvent::Kind::kContainerCreated;
  event.container = container;
  event.at = now();
  tell_(event);
}

void TaskRunner::start(size_t i) {
  std::vector<TimedStep> steps = std::exchange(early_steps_, {});
  bool is_new = !containers_[i]->is_created();
  auto created = containers_[i]->create(host_, steps);
  if (!created) return refuse(i, created.error().text);
  if (is_new) tell_created(plan_.containers[i].name);
  auto launched = containers_[i]->start([this, i] { ended(i); }, steps);
  if (!launched) return refuse(i, launched.error().text);
  progress_[i].phase = ContainerPhase::kRunning;
  progress_[i].started_at = env_.clock.now();
  last_starts_[i] = progress_[i].started_at;
  if (monitors_[i]) monitors_[i]->begin();
  ShimEvent event;
  event.kind = ShimEvent::Kind::kContainerStarted;
  event.container = plan_.containers[i].name;
  event.pid = containers_[i]->pid();
  event.at = containers_[i]->started_at();
  event.steps = std::move(steps);
  tell_(event);
}

void TaskRunner::health_changed(size_t i) {
  tell_health(i);
  advance();
}

void TaskRunner::tell_health(size_t i) {
  progress_[i].health = monitors_[i]->status();
  ShimEvent event;
  event.kind = ShimEvent::Kind::kContainerHealth;
  event.container = plan_.containers[i].name;
  event.at = now();
  event.health = monitors_[i]->report();
  tell_(event);
  mark_names();
}

void TaskRunner::stop(size_t i) {
  progress_[i].phase = ContainerPhase::kStopping;
  if (monitors_[i]) monitors_[i]->end();
  if (!begin_pre_stop(i)) containers_[i]->signal_stop();
  loop_.after(std::chrono::seconds(plan_.containers[i].stop_timeout_seconds), [this, i] {
    if (progress_[i].phase != ContainerPhase::kStopping) return;
    end_pre_stop(i, {.exit_code = std::nullopt, .text = "stopTimeout is over"});
    containers_[i]->kill(
        fmt::format("its stopTimeout of {} s was over", plan_.containers[i].stop_timeout_seconds));
  });
}

// ---- what runs before the stop signal; its time is the container's stopTimeout ----

// False: there is none, or it cannot run.
bool TaskRunner::begin_pre_stop(size_t i) {
  const ContainerPlan& plan = plan_.containers[i];
  if (plan.pre_stop.empty()) return false;
  pre_stops_[i] = std::make_unique<ContainerCommand>(
      plan, oci_, loop_,
      ContainerCommand::Place{.group = kPreStopGroup, .output_max = kPreStopOutputMax});
  auto begun = pre_stops_[i]->begin(plan.pre_stop, [this, i](const ContainerCommand::End& end) {
    end_pre_stop(i, end);
    containers_[i]->signal_stop();
  });
  if (begun) return true;
  end_pre_stop(i, {.exit_code = std::nullopt, .text = begun.error().text});
  return false;
}

void TaskRunner::end_pre_stop(size_t i, const ContainerCommand::End& end) {
  if (!pre_stops_[i] || !is_pre_stop_open(i)) return;
  pre_stops_[i]->clear();
  pre_stops_told_.insert(i);
  ShimEvent event;
  event.kind = ShimEvent::Kind::kPreStopEnded;
  event.container = plan_.containers[i].name;
  event.at = now();
  event.exit = ExitRecord{.container = event.container, .exit_code = end.exit_code};
  const std::string& output = pre_stops_[i]->output();
  bool is_both = !end.text.empty() && !output.empty();
  event.text = end.text + (is_both ? ": " : "") + output;
  tell_(event);
}

bool TaskRunner::is_pre_stop_open(size_t i) const {
  return !pre_stops_told_.contains(i);
}

void TaskRunner::refuse(size_t i, const std::string& reason) {
  note_exit(i, containers_[i]->refusal(reason));
}

// What is killed from outside while the task is held is neither started again nor missed before
// it goes on.
void TaskRunner::ended(size_t i) {
  if (held_) {
    ended_while_held_.push_back(i);
    return;
  }
  settle_end(i);
  advance();
}

void TaskRunner::settle_end(size_t i) {
  if (monitors_[i]) monitors_[i]->end();
  end_pre_stop(i, {.exit_code = std::nullopt, .text = "its container ended before it did"});
  auto record = containers_[i]->reap();
  if (record && goes_on(i, *record)) {
    auto restarted = containers_[i]->restart(*record, host_, [this, i] { ended(i); });
    if (restarted) return tell_restart(i, *record);
    record->reason = restarted.error().text;
  }
  note_exit(i, std::move(record));
}

bool TaskRunner::goes_on(size_t i, const ExitRecord& record) {
  RunEnd end{.exit_code = record.exit_code, .ran = env_.clock.now() - last_starts_[i]};
  end.stopping = goal_ == TaskGoal::kStop || progress_[i].phase != ContainerPhase::kRunning;
  return is_restarted(plan_.containers[i].restart, end);
}

// It never stopped running as others see it: phase and start of the container stay.
void TaskRunner::tell_restart(size_t i, const ExitRecord& record) {
  last_starts_[i] = env_.clock.now();
  ShimEvent event;
  event.kind = ShimEvent::Kind::kContainerRestarted;
  event.container = plan_.containers[i].name;
  event.pid = containers_[i]->pid();
  event.at = containers_[i]->started_at();
  event.exit = record;
  tell_(event);
  if (!monitors_[i]) return;
  monitors_[i]->begin();
  if (progress_[i].health != monitors_[i]->status()) tell_health(i);
}

void TaskRunner::note_exit(size_t i, Result<ExitRecord> record) {
  progress_[i].phase = ContainerPhase::kStopped;
  containers_[i]->hang_up();
  ShimEvent event;
  event.kind = ShimEvent::Kind::kContainerExited;
  event.container = plan_.containers[i].name;
  event.at = now();
  if (record) {
    containers_[i]->keep(*record);
    progress_[i].exit_code = record->exit_code;
    event.exit = std::move(*record);
  } else {
    LOG(kError, "exit record lost", {{"container", event.container}, {"why", record.error().text}});
    event.exit = ExitRecord{.container = event.container, .reason = record.error().text};
  }
  tell_(event);
}

}  // namespace berth::runtime
