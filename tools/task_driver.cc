#include "tools/task_driver.h"

#include "agent/detached.h"
#include "agent/paths.h"
#include "base/log.h"
#include "sys/file.h"
#include "tools/system_commands.h"

#include <algorithm>
#include <utility>

namespace berth::tools {
namespace {

constexpr size_t kDriverWorkers = 8;  // starts that may wait for registries at a time
constexpr Duration kStorePause = std::chrono::seconds(1);  // a disk that is full, say
// Long enough for the next start of a task, too short for anybody to miss a removed bridge.
constexpr Duration kSweepDelay = std::chrono::milliseconds(200);
constexpr Duration kTidyInterval = std::chrono::minutes(5);

agent::AgentOptions agent_options_of(const DriverOptions& options) {
  agent::AgentOptions wanted;
  wanted.config = options.config;
  wanted.userns_host = options.userns_host;
  wanted.sweeper = options.sweeper;
  wanted.sweeps_after = kSweepDelay;
  wanted.endpoint = options.endpoint;
  wanted.workers = kDriverWorkers;
  wanted.forgets = true;
  wanted.makes_event_logs = true;
  return wanted;
}

bool is_stopped(const scheduler::Task& task) {
  return task.last_status() == scheduler::TaskStatus::kStopped;
}

}  // namespace

TaskDriver::TaskDriver(DriverOptions options, scheduler::Store& store, sys::Loop& loop, Env env)
    : options_(std::move(options)),
      loop_(loop),
      env_(env),
      store_(store),
      core_(store, env.rng),
      agent_(agent_options_of(options_), loop, env,
             [this](scheduler::Event event) { submit(std::move(event)); }) {
  core_.watch([this](const scheduler::Change& change) { record(change); });
}

Status TaskDriver::start(scheduler::ServiceSettings services) {
  TRY(core_.open_services(std::move(services)));
  if (service_sink_) core_.watch_services(service_sink_);
  std::vector<scheduler::Task> left;
  for (const scheduler::Task* task : core_.living_tasks()) {
    left.push_back(*task);
    resume_log(*task);
  }
  TRY(agent_.take_up(left));
  tidy();
  // What services had in mind when the last berthd went.
  auto stepped = step();
  if (!stepped) LOG(kError, "services wait", {{"why", stepped.error().text}});
  return {};
}

Status TaskDriver::step() {
  auto commands = core_.step(env_.clock.wall());
  if (!commands) {
    try_again();
    return tl::unexpected<Error>(std::move(commands).error());
  }
  for (const scheduler::Command& command : *commands) agent_.execute(command);
  wait_for_deadline();
  return {};
}

void TaskDriver::wait_for_deadline() {
  std::optional<WallTime> next = core_.next_deadline();
  if (next == deadline_) return;
  if (deadline_) loop_.cancel(deadline_timer_);
  deadline_ = next;
  if (!next) return;
  Duration delay = std::max(*next - env_.clock.wall(), Duration(0));
  deadline_timer_ = loop_.after(delay, [this] {
    deadline_.reset();
    auto stepped = step();
    if (!stepped) LOG(kError, "services wait", {{"why", stepped.error().text}});
  });
}

void TaskDriver::submit(scheduler::Event event) {
  LOG(kDebug, "event",
      {{"name", scheduler::name_of(event)}, {"task", scheduler::task_id_of(event)}});
  core_.submit(std::move(event));
  auto stepped = step();
  if (!stepped) LOG(kError, "what happened is not stored yet", {{"why", stepped.error().text}});
}

// The events wait in the core.
void TaskDriver::try_again() {
  if (std::exchange(is_trying_again_, true)) return;
  loop_.after(kStorePause, [this] {
    is_trying_again_ = false;
    (void)step();  // it was logged when it failed first, and tries again by itself
  });
}

// The last berthd may have died before it wrote what it had stored.
void TaskDriver::resume_log(const scheduler::Task& task) {
  std::string path = agent::paths_of(options_.config).events(task.id);
  if (task.orders.release && !sys::exists(path)) return;  // what is given back is not made anew
  auto resumed = [&]() -> Status {
    auto log = TRY(agent::EventLog::resume(path, TRY(store_.story(task.id, /*skip=*/0))));
    // If it cannot be written now, what happens next may find that it can.
    return logs_.emplace(task.id, std::move(log)).first->second.write();
  }();
  if (!resumed) {
    LOG(kWarn, "events not recorded", {{"task", task.id}, {"why", resumed.error().text}});
  }
}

// A task whose events cannot be written goes on: they are for people. They wait for the next event;
// those that could not be written when it has stopped are not in its log.
void TaskDriver::record(const scheduler::Change& change) {
  if (sink_) sink_(change);
  const scheduler::Task& task = change.task;
  if (std::holds_alternative<scheduler::RunTaskRequested>(change.cause)) {
    auto made =
        logs_.emplace(task.id, agent::EventLog(agent::paths_of(options_.config).events(task.id)));
    // Somebody waits for the answer; the agent has the file made meanwhile, and what it tells next
    // is written with this.
    return made.first->second.put_off(change);
  }
  auto log = logs_.find(task.id);
  if (log == logs_.end()) return;
  auto written = log->second.append(change);
  if (!written) {
    LOG(kWarn, "event not recorded", {{"task", task.id}, {"why", written.error().text}});
  }
  if (is_stopped(task)) logs_.erase(log);
}

void TaskDriver::tidy() {
  loop_.after(kTidyInterval, [this] {
    agent_.tidy();
    WallTime now = env_.clock.wall();
    auto forgotten = core_.forget_stopped(now - scheduler::kStoppedTaskKept);
    if (!forgotten) LOG(kWarn, "stopped tasks stay", {{"why", forgotten.error().text}});
    if (cleanup_is_due(options_.config, now)) {
      auto started = agent::start_detached(options_.cleaner);
      if (!started) LOG(kWarn, "images are not cleaned up", {{"why", started.error().text}});
    }
    tidy();
  });
}

}  // namespace berth::tools
