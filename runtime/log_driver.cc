#include "runtime/log_driver.h"

#include "runtime/log_events.h"
#include "runtime/log_fluentd.h"
#include "runtime/log_gelf.h"
#include "runtime/log_journald.h"
#include "runtime/log_json_file.h"
#include "runtime/log_losses.h"
#include "runtime/log_queue.h"
#include "runtime/log_syslog.h"
#include "sys/wait.h"

#include <array>
#include <utility>

namespace berth::runtime {
namespace {

// Of a driver whose lines go elsewhere, those that are kept here as well come first, and before its
// buffer: whoever looks at them need not wait for the receiver, however long that is away.
class KeepingDriver final : public LogDriver {
 public:
  KeepingDriver(std::unique_ptr<LogDriver> here, std::unique_ptr<LogDriver> elsewhere)
      : here_(std::move(here)), elsewhere_(std::move(elsewhere)) {}

  Status write(std::vector<LogEntry> entries) override {
    kept_.note(here_->write(entries));
    return elsewhere_->write(std::move(entries));
  }
  std::optional<WallTime> due() const override { return elsewhere_->due(); }
  Status tick(WallTime now) override { return elsewhere_->tick(now); }
  Status finish() override {
    kept_.note(here_->finish());  // first: the receiver may take all the time that there is
    return elsewhere_->finish();
  }

 private:
  std::unique_ptr<LogDriver> here_;
  std::unique_ptr<LogDriver> elsewhere_;
  LogLosses kept_;
};

// Where the container waits for nothing, it does not wait for a disk, or for a file that is
// compressed, either.
Result<std::unique_ptr<LogDriver>> keep_beside(const LogPlan& plan,
                                               std::unique_ptr<LogDriver> elsewhere, Env env) {
  LogPlan copy;
  copy.file = plan.file;
  auto here = TRY(make_json_file_driver(copy));
  if (plan.mode == LogMode::kNonBlocking) {
    here = make_log_queue(std::move(here), {.bytes = plan.buffer_bytes}, env);
  }
  return std::unique_ptr<LogDriver>(
      std::make_unique<KeepingDriver>(std::move(here), std::move(elsewhere)));
}

bool goes_elsewhere(LogDriverKind driver) {
  return driver != LogDriverKind::kJsonFile && driver != LogDriverKind::kAwslogs;
}

Result<std::unique_ptr<LogDriver>> make_inner_driver(const LogPlan& plan, LogEnd end, Env env) {
  switch (plan.driver) {
    case LogDriverKind::kAwslogs:
      return make_event_driver(plan, end);
    case LogDriverKind::kSyslog:
      return make_syslog_driver(plan, end);
    case LogDriverKind::kJournald:
      return make_journald_driver(plan, end);
    case LogDriverKind::kFluentd:
      return make_fluentd_driver(plan, end, env);
    case LogDriverKind::kGelf:
      return make_gelf_driver(plan, end, env);
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
  auto driver = make_inner_driver(plan, end, env);
  if (!driver && !plan.setting(kReceiverIsSecret).empty()) {
    return fail(driver.error().code, "{}", kSecretReceiver);
  }
  if (!driver) return driver;
  if (plan.mode == LogMode::kNonBlocking) {
    driver = make_log_queue(std::move(*driver), {plan.buffer_bytes, plan.buffer_lines}, env);
  }
  if (goes_elsewhere(plan.driver)) return keep_beside(plan, std::move(*driver), env);
  return driver;
}

}  // namespace berth::runtime
