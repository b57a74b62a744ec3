// The health checks of one container: one after the other, while it runs.
//
//   wait     an interval, from the container's start or the end of the last check
//   run      the command runs in the container (container_command.h), and a timer
//   conclude it has ended, or the timer has: nothing of the check is left behind; the result is
//            weighed by runtime/health.h
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/container_command.h"
#include "runtime/health.h"
#include "runtime/oci_program.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "sys/loop.h"

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
  // No check while its container is frozen; what is known stays. Then an interval, and the next.
  void rest();
  void go_on();

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
  void conclude(Finding finding);
  void clear();

  const HealthCheckPlan& check_;
  sys::Loop& loop_;
  Env env_;
  std::function<void()> on_change_;
  bool active_ = false;
  bool is_resting_ = false;
  Instant started_at_{};
  Health health_;
  std::optional<int> last_exit_code_;
  std::string last_output_;
  // Of the check at work.
  Instant begun_{};
  std::optional<sys::Loop::TimerId> timer_;  // the next check, or the end of this one's time
  ContainerCommand command_;
};

}  // namespace berth::runtime
