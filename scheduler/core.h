// The scheduler: events in, commands out, nothing else. No clock, no thread, no file: a test or a
// simulation drives it as the agent does.
//
//   core.submit(RunTaskRequested{...});
//   for (const Command& command : TRY(core.step(now))) agent.execute(command);
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "scheduler/messages.h"
#include "scheduler/service_scheduler.h"
#include "scheduler/store.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace berth::scheduler {

class Core {
 public:
  // Borrows both. `rng` makes the containers' ids.
  Core(Store& store, Rng& rng);

  // From now on there are services: those of the store, and those to come.
  Status open_services(ServiceSettings settings);

  // Queues the event; nothing happens before step().
  void submit(Event event);
  // Likewise; ignored when there are no services.
  void submit(ServiceRequest request);

  // Applies all queued events, and what services make of them, in one transaction and returns what
  // is to be done about them, in order. On an error of the store nothing has changed and the events
  // stay queued.
  Result<std::vector<Command>> step(WallTime now);

  // Who hears of each change once it is stored: event logs, streams of events.
  using ChangeSink = std::function<void(const Change&)>;
  void watch(ChangeSink sink) { sink_ = std::move(sink); }

  // When to step although nothing happened: a service waits for time to pass.
  std::optional<WallTime> next_deadline() const;

  const Services& services() const;
  void watch_services(ServiceScheduler::EventSink sink);
  void attach(TrafficPlane& plane);

  // Tasks that stopped before `then` are gone, and what happened to them.
  Status forget_stopped(WallTime then) { return store_.forget_stopped(then); }

  // Null when unknown. Valid until the next step.
  const Task* find_task(const std::string& task_id) const { return store_.find_task(task_id); }
  std::vector<std::string> task_ids() const { return store_.task_ids(); }
  // Those that have not stopped. Valid until the next step.
  std::vector<const Task*> living_tasks() const { return store_.living_tasks(); }

 private:
  Store& store_;
  Rng& rng_;
  std::deque<std::variant<Event, ServiceRequest>> queue_;
  std::unique_ptr<ServiceScheduler> services_;  // null: there are none (`berth run`)
  ChangeSink sink_;
};

}  // namespace berth::scheduler
