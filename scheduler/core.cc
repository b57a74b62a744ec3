// A step: for each queued event, a copy of its task is changed by the event's handler, settle()
// draws the conclusions (RUNNING, STOPPED containers, what to order), and the copy is recorded when
// it differs. Handlers write facts only; settle() alone decides. Then services decide, and what
// they want is events like all others, until none wants anything.
#include "scheduler/core.h"

#include "base/check.h"
#include "base/ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace berth::scheduler {
namespace {

constexpr int kInterfaceDigits = 17;  // of the id of a network interface

// What handlers know besides the task and the event.
struct Moment {
  WallTime now;
};

void apply(Task& task, const RunTaskRequested& event, const Moment& moment);
void apply(Task& task, const StopRequested& event, const Moment& moment);
void apply(Task& task, const KillRequested& event, const Moment& moment);
void apply(Task& task, const TagsChanged& event, const Moment& moment);
void apply(Task& task, const ProtectionChanged& event, const Moment& moment);
void apply(Task& task, const HoldChanged& event, const Moment& moment);
void apply(Task& task, const PreStopEnded& event, const Moment& moment);
void apply(Task& task, const TaskProvisioned& event, const Moment& moment);
void apply(Task& task, const ImagesPulled& event, const Moment& moment);
void apply(Task& task, const ContainerStarted& event, const Moment& moment);
void apply(Task& task, const ContainerHealthChanged& event, const Moment& moment);
void apply(Task& task, const ContainerRestarted& event, const Moment& moment);
void apply(Task& task, const ContainerExited& event, const Moment& moment);
void apply(Task& task, const TaskStopped& event, const Moment& moment);
void apply(Task& task, const StartFailed& event, const Moment& moment);
void apply(Task& task, const TaskReleased& event, const Moment& moment);

Task make_task(const RunTaskRequested& request, Rng& rng, WallTime now);
void settle(Task& task, WallTime now);
void add_orders(const Orders& before, const Task& task, std::vector<Command>& commands);

// The tasks as the events of this step leave them, over the store's.
class Draft {
 public:
  explicit Draft(const Store& store) : store_(store) {}

  const Task* find(const std::string& task_id) const {
    auto found = tasks_.find(task_id);
    return found != tasks_.end() ? &found->second : store_.find_task(task_id);
  }
  void put(Task task) {
    std::string id = task.id;
    tasks_.insert_or_assign(std::move(id), std::move(task));
  }

 private:
  const Store& store_;
  std::map<std::string, Task> tasks_;
};

// The task after the event; nothing for an event about a task that we do not know.
std::optional<Task> task_after(const Task* before, const Event& event, Rng& rng, WallTime now) {
  if (before == nullptr) {
    const auto* request = std::get_if<RunTaskRequested>(&event);
    if (request == nullptr) return std::nullopt;
    Task task = make_task(*request, rng, now);
    settle(task, now);
    return task;
  }
  Task task = *before;
  if (task.last_status() == TaskStatus::kStopped) return task;  // final
  std::visit([&](const auto& message) { apply(task, message, Moment{now}); }, event);
  settle(task, now);
  if (task == *before) return task;
  ++task.version;
  return task;
}

// What one step does, until it is stored.
class Step {
 public:
  Step(const Store& store, ServiceScheduler* services, Rng& rng, WallTime now)
      : draft_(store), services_(services), rng_(rng), now_(now) {
    if (services_ != nullptr) services_->begin(now);
  }

  const std::vector<Change>& changes() const { return changes_; }
  std::vector<Command> take_commands() && { return std::move(commands_); }

  void apply(const Event& event) {
    const Task* before = draft_.find(task_id_of(event));
    std::optional<Task> after = task_after(before, event, rng_, now_);
    if (!after || (before != nullptr && *after == *before)) return;
    add_orders(before != nullptr ? before->orders : Orders{}, *after, commands_);
    bool was_held = before != nullptr && before->is_held;
    if (after->is_held != was_held) commands_.push_back(HoldTask{after->id, after->is_held});
    if (services_ != nullptr) services_->note(before, *after);
    changes_.push_back({event, now_, *after});
    draft_.put(std::move(*after));
  }

  // What is to be stored beside the changes.
  std::vector<Record> decide() {
    if (services_ == nullptr) return {};
    std::vector<Event> wanted = services_->decide();
    while (!wanted.empty()) {
      for (const Event& event : wanted) apply(event);
      wanted = services_->decide();
    }
    return services_->records();
  }

 private:
  Draft draft_;
  ServiceScheduler* services_;
  Rng& rng_;
  WallTime now_;
  std::vector<Change> changes_;
  std::vector<Command> commands_;
};

}  // namespace

Core::Core(Store& store, Rng& rng) : store_(store), rng_(rng) {}

Status Core::open_services(ServiceSettings settings) {
  auto services = std::make_unique<ServiceScheduler>(std::move(settings), rng_);
  TRY(services->load(store_));
  services_ = std::move(services);
  return {};
}

void Core::submit(Event event) {
  queue_.emplace_back(std::move(event));
}

void Core::submit(ServiceRequest request) {
  if (services_) queue_.emplace_back(std::move(request));
}

std::optional<WallTime> Core::next_deadline() const {
  return services_ ? services_->next_deadline() : std::nullopt;
}

const Services& Core::services() const {
  static const Services kNone;
  return services_ ? services_->services() : kNone;
}

void Core::watch_services(ServiceScheduler::EventSink sink) {
  if (services_) services_->watch(std::move(sink));
}

void Core::attach(TrafficPlane& plane) {
  if (services_) services_->attach(plane);
}

Result<std::vector<Command>> Core::step(WallTime now) {
  Step step(store_, services_.get(), rng_, now);
  for (const auto& queued : queue_) {
    if (const auto* request = std::get_if<ServiceRequest>(&queued)) {
      services_->apply(*request);
    } else {
      step.apply(std::get<Event>(queued));
    }
  }
  std::vector<Record> records = step.decide();
  if (!step.changes().empty() || !records.empty()) {
    auto stored = store_.commit(step.changes(), records);
    if (!stored) {
      if (services_) services_->drop();
      return tl::unexpected<Error>(std::move(stored).error());
    }
  }
  queue_.clear();
  for (const Change& change : step.changes()) {
    if (sink_) sink_(change);
  }
  if (services_) services_->keep();
  return std::move(step).take_commands();
}

namespace {

Task make_task(const RunTaskRequested& request, Rng& rng, WallTime now) {
  Task task;
  task.id = request.task_id;
  task.definition = request.definition;
  task.request = request.request;
  task.group =
      request.request.group.empty() ? "family:" + request.definition.family : request.request.group;
  task.created_at = now;
  task.orders.start = true;
  if (request.definition.network_mode != NetworkMode::kAwsvpc) {
    task.lifecycle.advance(TaskStatus::kPending);  // no interface of its own to wait for
  }
  for (const ContainerDefinition& definition : request.definition.container_definitions) {
    Container container;
    container.id = make_uuid(rng);
    container.name = definition.name;
    container.image = definition.image;
    container.essential = definition.essential;
    auto pinned = request.image_digests.find(definition.name);
    if (pinned != request.image_digests.end()) container.image_digest = pinned->second;
    task.containers.push_back(std::move(container));
  }
  if (request.definition.network_mode == NetworkMode::kAwsvpc) {
    task.attachment_id = make_uuid(rng);
    task.interface_id = "eni-0" + make_hex(rng, kInterfaceDigits - 1);
  }
  return task;
}

// ---- What handlers share ----

bool is_stopping(const Task& task) {
  return task.desired_status == DesiredStatus::kStopped;
}

const char* default_reason(StopCode code) {
  return code == StopCode::kUserInitiated ? kStoppedByUserReason : "";
}

// The first decision counts; later ones change neither code nor reason.
void decide_stop(Task& task, StopCode code, const std::string& reason, WallTime now) {
  if (is_stopping(task)) return;
  task.desired_status = DesiredStatus::kStopped;
  task.stop_code = code;
  task.stopped_reason = reason.empty() ? default_reason(code) : reason;
  task.stopping_at = now;
}

void move_to(Container& container, ContainerStatus to) {
  if (lifecycle::is_edge(container.lifecycle.status(), to)) container.lifecycle.advance(to);
}

void move_to(Task& task, TaskStatus to) {
  if (lifecycle::is_edge(task.last_status(), to)) task.lifecycle.advance(to);
}

// Nothing runs: what has not stopped yet never will say so.
void end_containers(Task& task, WallTime at) {
  for (Container& container : task.containers) {
    if (container.lifecycle.status() == ContainerStatus::kStopped) continue;
    if (container.started_at) container.stopped_at = at;
    container.lifecycle.advance(ContainerStatus::kStopped);
  }
  task.orders.release = true;
}

std::string limited(std::string reason) {
  if (reason.size() > kReasonMax) reason.resize(kReasonMax);
  return reason;
}

template <class Predicate>
bool all_containers(const Task& task, Predicate predicate) {
  return std::all_of(task.containers.begin(), task.containers.end(), predicate);
}

bool is_stopped(const Container& container) {
  return container.lifecycle.status() == ContainerStatus::kStopped;
}

// ---- One handler per event ----

void apply(Task&, const RunTaskRequested&, const Moment&) {}  // the same request again

// ECS takes the tags off a task that a user stops, and so does a kill.
void apply(Task& task, const StopRequested& event, const Moment& moment) {
  if (event.stop_code == StopCode::kUserInitiated) task.request.tags.clear();
  decide_stop(task, event.stop_code, event.reason, moment.now);
}

void apply(Task& task, const KillRequested& event, const Moment& moment) {
  task.request.tags.clear();
  decide_stop(task, StopCode::kUserInitiated, event.reason, moment.now);
  if (!task.orders.release) task.orders.kill = true;
}

void apply(Task& task, const TagsChanged& event, const Moment&) {
  task.request.tags = event.tags;
}

void apply(Task& task, const ProtectionChanged& event, const Moment&) {
  task.protected_until = event.until;
}

void apply(Task& task, const HoldChanged& event, const Moment&) {
  if (!is_stopping(task)) task.is_held = event.is_held;
}

void apply(Task& task, const PreStopEnded& event, const Moment&) {
  for (Container& container : task.containers) {
    if (container.name != event.container) continue;
    container.pre_stop = event.exit_code ? fmt::format("exit code {}", *event.exit_code)
                                         : std::string("not run to its end");
  }
}

void apply(Task& task, const TaskProvisioned& event, const Moment& moment) {
  if (!task.connectivity_at) task.connectivity_at = moment.now;
  for (Container& container : task.containers) {
    if (container.network_interfaces.empty()) {
      container.network_interfaces = event.network_interfaces;
      for (NetworkInterface& each : container.network_interfaces) {
        each.attachment_id = task.attachment_id;
      }
    }
    auto bindings = event.network_bindings.find(container.name);
    if (bindings != event.network_bindings.end() && container.network_bindings.empty()) {
      container.network_bindings = bindings->second;
    }
  }
  if (!is_stopping(task)) move_to(task, TaskStatus::kPending);
}

void apply(Task& task, const ImagesPulled& event, const Moment&) {
  if (!task.pull_started_at) task.pull_started_at = event.started_at;
  if (!task.pull_stopped_at) task.pull_stopped_at = event.stopped_at;
  for (Container& container : task.containers) {
    auto digest = event.digests.find(container.name);
    if (digest != event.digests.end() && container.image_digest.empty()) {
      container.image_digest = digest->second;
    }
  }
}

void apply(Task& task, const ContainerStarted& event, const Moment&) {
  Container* container = task.find_container(event.container);
  if (container == nullptr) return;
  if (!container->started_at) container->started_at = event.at;
  move_to(*container, ContainerStatus::kRunning);
}

// A fact only: a task of its own goes on unhealthy, a service replaces its tasks.
void apply(Task& task, const ContainerHealthChanged& event, const Moment&) {
  Container* container = task.find_container(event.container);
  if (container == nullptr || is_stopped(*container)) return;
  bool late = container->health.since && event.health.since < container->health.since;
  if (!late) container->health = event.health;
}

// Its status stays: it runs.
void apply(Task& task, const ContainerRestarted& event, const Moment&) {
  Container* container = task.find_container(event.container);
  if (container == nullptr) return;
  container->restart_count = std::max(container->restart_count, event.restart_count);
}

void record_exit(Container& container, const ContainerExited& event) {
  if (!container.stopped_at) container.stopped_at = event.at;
  if (!container.exit_code) {
    container.exit_code = event.exit_code;
    if (!container.exit_code && event.out_of_memory) container.exit_code = kKilledExitCode;
  }
  if (container.reason.empty()) {
    container.reason = limited(event.out_of_memory ? kOutOfMemoryReason : event.reason);
  }
  move_to(container, ContainerStatus::kStopped);
}

// Of an essential container. One that could not be started ends its task as well, before the
// others, which are stopped for it, come to their ends.
void end_by(Task& task, const Container& container, const ContainerExited& event, WallTime now) {
  bool did_not_start = !container.started_at && !container.exit_code && !event.reason.empty();
  if (container.exit_code && !task.execution_stopped_at) task.execution_stopped_at = event.at;
  if (!task.ended_by.empty() || (!container.exit_code && !did_not_start)) return;
  task.ended_by = container.name;
  if (did_not_start) {
    decide_stop(task, StopCode::kTaskFailedToStart, limited(event.reason), now);
  } else {
    decide_stop(task, StopCode::kEssentialContainerExited, kEssentialExitedReason, now);
  }
}

void apply(Task& task, const ContainerExited& event, const Moment& moment) {
  Container* container = task.find_container(event.container);
  if (container == nullptr) return;
  record_exit(*container, event);
  if (container->essential) end_by(task, *container, event, moment.now);
}

void apply(Task& task, const TaskStopped& event, const Moment& moment) {
  decide_stop(task, event.stop_code,
              event.reason.empty() && event.stop_code == StopCode::kEssentialContainerExited
                  ? kEssentialExitedReason
                  : event.reason,
              moment.now);
  end_containers(task, event.at);
}

void apply(Task& task, const StartFailed& event, const Moment& moment) {
  std::string reason = limited(event.error_name + ": " + event.text);
  Container* container = task.find_container(event.container);
  if (container != nullptr && container->reason.empty()) container->reason = reason;
  decide_stop(task, StopCode::kTaskFailedToStart, reason, moment.now);
  end_containers(task, moment.now);
}

void apply(Task& task, const TaskReleased&, const Moment& moment) {
  if (!task.orders.release) return;  // cannot be: nobody was asked to release it
  move_to(task, TaskStatus::kDeprovisioning);
  move_to(task, TaskStatus::kStopped);
  if (!task.stopped_at) task.stopped_at = moment.now;
}

// ---- Conclusions ----

// A container that stopped without ever running has not started: its task is not RUNNING, and the
// TaskStopped that follows says why.
bool has_run(const Container& container) {
  return container.started_at || container.exit_code;
}

void settle_start(Task& task, WallTime now) {
  if (std::any_of(task.containers.begin(), task.containers.end(), has_run)) {
    move_to(task, TaskStatus::kPending);  // a start without provisioning heard of: it came first
    move_to(task, TaskStatus::kActivating);
  }
  if (!all_containers(task, has_run)) return;
  move_to(task, TaskStatus::kRunning);
  if (!task.started_at) task.started_at = now;
  if (all_containers(task, is_stopped)) {  // also when an exit code was lost
    decide_stop(task, StopCode::kEssentialContainerExited, kEssentialExitedReason, now);
  }
}

void settle_stop(Task& task) {
  if (task.orders.release) {
    move_to(task, TaskStatus::kDeprovisioning);
    return;
  }
  move_to(task, TaskStatus::kDeactivating);
  move_to(task, TaskStatus::kStopping);
  task.orders.stop = true;
}

void settle(Task& task, WallTime now) {
  if (!is_stopping(task)) settle_start(task, now);
  if (is_stopping(task)) settle_stop(task);
}

// The orders that this change gave, as commands. What is killed is not asked to stop first.
void add_orders(const Orders& before, const Task& task, std::vector<Command>& commands) {
  bool is_killed = task.orders.kill && !before.kill;
  if (task.orders.start && !before.start) commands.push_back(StartTask{task});
  if (task.orders.stop && !before.stop && !is_killed) commands.push_back(StopTask{task.id});
  if (is_killed) commands.push_back(KillTask{task.id});
  if (task.orders.release && !before.release) commands.push_back(ReleaseTask{task.id});
}

}  // namespace
}  // namespace berth::scheduler
