// TaskRunner: what a task does from its first container to its last: starts and stops them along
// task_order.h, restarts them in place, heeds their health, holds them all, publishes the names of
// the task while it is RUNNING. Every change is told as it happens; to whom is not known here
// (shim_audience.h).
#pragma once

#include "base/env.h"
#include "runtime/container_command.h"
#include "runtime/health_monitor.h"
#include "runtime/oci_program.h"
#include "runtime/shim_container.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_group.h"
#include "runtime/task_order.h"
#include "runtime/task_plan.h"
#include "sys/loop.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace berth::runtime {

class TaskRunner {
 public:
  // Borrows plan, loop and group. `is_over` is called once, when nothing is left to be done for the
  // task but release().
  TaskRunner(const TaskPlan& plan, Env env, sys::Loop& loop, const TaskGroup& group,
             std::function<void(const ShimEvent&)> tell, std::function<void()> is_over);

  // While the agent sets up the network. A failure is told when the container's turn comes. What
  // `host` names is borrowed: all containers are made with it.
  void create_early(const ShimContainer::Host& host);
  // From now on containers start.
  void begin();
  void request_stop();
  // Without their time to stop.
  void kill();
  void hold();
  void resume();

  bool is_stopping() const { return goal_ == TaskGoal::kStop; }
  bool is_finished() const { return finished_; }
  // Null: there is none of that name.
  ShimContainer* find(const std::string& name);
  bool has_stopped(const std::string& name) const;
  void client_left(int connection);
  // Their root file systems and what else there was of them.
  void release();

 private:
  std::string now();
  std::optional<size_t> index_of(const std::string& name) const;
  bool is_alive_at(size_t i) const;
  void begin_stop();
  void end_hold();
  void advance();
  void wake_at(std::optional<Instant> due);

  void publish_names();
  bool is_unhealthy() const;
  void mark_names();
  void withdraw_names();

  void tell_created(const std::string& container);
  void start(size_t i);
  void health_changed(size_t i);
  void tell_health(size_t i);
  void stop(size_t i);
  bool begin_pre_stop(size_t i);
  void end_pre_stop(size_t i, const ContainerCommand::End& end);
  bool is_pre_stop_open(size_t i) const;
  void refuse(size_t i, const std::string& reason);
  void ended(size_t i);
  void settle_end(size_t i);
  bool goes_on(size_t i, const ExitRecord& record);
  void tell_restart(size_t i, const ExitRecord& record);
  void note_exit(size_t i, Result<ExitRecord> record);

  const TaskPlan& plan_;
  Env env_;
  sys::Loop& loop_;
  const TaskGroup& group_;
  std::function<void(const ShimEvent&)> tell_;
  std::function<void()> is_over_;
  OciProgram oci_;
  ShimContainer::Host host_{};
  bool names_published_ = false;
  std::vector<std::unique_ptr<ShimContainer>> containers_;
  std::vector<std::unique_ptr<HealthMonitor>> monitors_;      // null: no health check
  std::vector<std::unique_ptr<ContainerCommand>> pre_stops_;  // null: not begun
  std::set<size_t> pre_stops_told_;
  std::vector<ContainerProgress> progress_;
  std::vector<Instant> last_starts_;  // restarts counted
  TaskGoal goal_ = TaskGoal::kRun;
  std::vector<TimedStep> early_steps_;
  bool started_ = false;
  bool finished_ = false;
  bool held_ = false;
  std::vector<size_t> ended_while_held_;
  std::optional<sys::Loop::TimerId> wake_timer_;
};

}  // namespace berth::runtime
