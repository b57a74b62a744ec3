#include "runtime/log_driver.h"

#include "runtime/log_events.h"
#include "runtime/log_json_file.h"
#include "runtime/log_queue.h"
#include "sys/wait.h"

#include <array>
#include <utility>

namespace berth::runtime {
namespace {

Result<std::unique_ptr<LogDriver>> make_inner_driver(const LogPlan& plan, LogEnd end) {
  switch (plan.driver) {
    case LogDriverKind::kAwslogs:
      return make_event_driver(plan, end);
    case LogDriverKind::kJsonFile:
      break;
  }
  return make_json_file_driver(plan);
}

}  // namespace

bool LogEnd::comes_within(std::chrono::milliseconds patience) const {
  std::array<pollfd, 1> end = {pollfd{fd_, POLLIN, 0}};
  auto ready = sys::wait_for(end, static_cast<int>(patience.count()), "end of the container");
  return !ready || *ready != 0;  // what cannot be waited for is over
}

Result<std::unique_ptr<LogDriver>> make_log_driver(const LogPlan& plan, LogEnd end, Env env) {
  auto driver = TRY(make_inner_driver(plan, end));
  if (plan.mode == LogMode::kBlocking) return driver;
  return make_log_queue(std::move(driver), plan.buffer_bytes, env);
}

}  // namespace berth::runtime
