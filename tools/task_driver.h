// TaskDriver: the scheduler's core and the agent of a berthd, turned by events.
//
//   a service submits, then step()   -->  core, store  -->  commands  -->  agent
//   what the agent sees              -->  core, store  -->  commands  -->  agent
//   a service is due (back-off, 40 s of health) -->  the same
//
// A step that the store refuses is tried again; nothing is done before it is stored.
#pragma once

#include "agent/agent.h"
#include "agent/event_log.h"
#include "base/env.h"
#include "base/result.h"
#include "scheduler/core.h"
#include "scheduler/store.h"
#include "sys/loop.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::tools {

struct DriverOptions {
  agent::Config config;
  bool userns_host = false;
  // As AgentOptions and RunOptions have them.
  std::vector<std::string> sweeper;
  std::vector<std::string> cleaner;
  std::vector<std::string> endpoint;
};

class TaskDriver {
 public:
  // Borrows `store` and `loop`.
  TaskDriver(DriverOptions options, scheduler::Store& store, sys::Loop& loop, Env env);

  scheduler::Core& core() { return core_; }

  // Who hears of each change, once it is stored.
  void watch(scheduler::Core::ChangeSink sink) { sink_ = std::move(sink); }
  // Likewise of what services decide; before start().
  void watch_services(scheduler::ServiceScheduler::EventSink sink) {
    service_sink_ = std::move(sink);
  }

  // Takes up the tasks that the store has and that have not stopped, and its services with
  // `services`.
  Status start(scheduler::ServiceSettings services);
  // What was submitted is stored, and what follows from it begun.
  Status step();

 private:
  void submit(scheduler::Event event);
  void try_again();
  void wait_for_deadline();
  void resume_log(const scheduler::Task& task);
  void record(const scheduler::Change& change);
  void tidy();

  DriverOptions options_;
  sys::Loop& loop_;
  Env env_;
  const scheduler::Store& store_;
  scheduler::Core core_;
  // Of the tasks that have not stopped.
  std::map<std::string, agent::EventLog> logs_;
  scheduler::Core::ChangeSink sink_;
  scheduler::ServiceScheduler::EventSink service_sink_;
  bool is_trying_again_ = false;
  // When time alone makes services do something; the timer that waits for it.
  std::optional<WallTime> deadline_{};
  sys::Loop::TimerId deadline_timer_ = 0;
  agent::Agent agent_;  // last: its workers end before what they report to goes
};

}  // namespace berth::tools
