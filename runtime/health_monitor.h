// The health checks of one container: one after the other, while it runs.
//
//   wait     an interval, from the container's start or the end of the last check
//   enter    berth-oci exec --detach: the command becomes a process of the container, with its
//            namespaces, user, environment and limits, in a cgroup of its own below the container's
//   run      its output is read; a timer runs
//   conclude it has ended, or the timer has: everything in the cgroup is killed and reaped, so that
//            no check leaves a process behind; the result is weighed by runtime/health.h
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/health.h"
#include "runtime/oci_program.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "sys/loop.h"
#include "sys/spawn.h"

#include <functional>
#include <optional>
#include <string>

namespace berth::runtime {

// Bytes of a check's output that are kept, as Amazon's agent does.
constexpr size_t kHealthOutputMax = 1024;

class HealthMonitor {
 public:
  // Borrows all. `on_change` is called on the loop when the status has changed.
  HealthMonitor(const ContainerPlan& plan, const OciProgram& oci, sys::Loop& loop, Env env,
                std::function<void()> on_change);
  HealthMonitor(const HealthMonitor&) = delete;
  HealthMonitor& operator=(const HealthMonitor&) = delete;
  ~HealthMonitor();

  // The container has started: its health is UNKNOWN.
  void begin();
  // No further check; one at work is killed. May be called twice, and from on_change.
  void end();

  // After the last check.
  HealthReport report() const;
  HealthStatus status() const { return health_.status; }

 private:
  struct Finding {
    std::optional<int> exit_code;  // absent: it did not run, or not to its end
    std::string text;              // before the output
  };

  void wait();
  void start_check();
  Status enter();
  void entered();
  void ended();
  void conclude(Finding finding);
  void clear();
  void kill_group();
  void read_output();

  const ContainerPlan& plan_;
  const HealthCheckPlan& check_;
  const OciProgram& oci_;
  sys::Loop& loop_;
  Env env_;
  std::function<void()> on_change_;
  bool active_ = false;
  Instant started_at_{};
  Health health_;
  std::optional<int> last_exit_code_;
  std::string last_output_;
  // Of the check at work.
  Instant begun_{};
  std::optional<sys::Loop::TimerId> timer_;  // the next check, or the end of this one's time
  std::optional<OciProgram::Exec> entry_;    // berth-oci, until the command runs
  sys::Process command_;
  sys::Fd output_;
  std::string text_;
};

}  // namespace berth::runtime
