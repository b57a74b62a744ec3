#include "runtime/health_monitor.h"

#include <fmt/format.h>

namespace berth::runtime {
namespace {

using std::chrono::milliseconds;

constexpr const char* kGroupName = "health";
}  // namespace

HealthMonitor::HealthMonitor(const ContainerPlan& plan, const OciProgram& oci, sys::Loop& loop,
                             Env env, std::function<void()> on_change)
    : check_(*plan.health_check),
      loop_(loop),
      env_(env),
      on_change_(std::move(on_change)),
      command_(plan, oci, loop, {.group = kGroupName, .output_max = kHealthOutputMax}) {}

HealthMonitor::~HealthMonitor() {
  end();
}

void HealthMonitor::begin() {
  active_ = true;
  is_resting_ = false;
  started_at_ = env_.clock.now();
  health_ = {};
  last_exit_code_.reset();
  last_output_.clear();
  wait();
}

void HealthMonitor::end() {
  if (!active_) return;
  active_ = false;
  clear();
}

void HealthMonitor::rest() {
  if (!active_ || is_resting_) return;
  is_resting_ = true;
  clear();
}

void HealthMonitor::go_on() {
  if (!is_resting_) return;
  is_resting_ = false;
  if (active_) wait();
}

HealthReport HealthMonitor::report() const {
  HealthReport report;
  report.status = health_.status;
  report.exit_code = last_exit_code_;
  report.output = last_output_;
  return report;
}

void HealthMonitor::wait() {
  timer_ = loop_.after(milliseconds(check_.interval_ms), [this] {
    timer_.reset();
    start_check();
  });
}

void HealthMonitor::start_check() {
  begun_ = env_.clock.now();
  auto entering = command_.begin(check_.args, [this](ContainerCommand::End end) {
    conclude({.exit_code = end.exit_code, .text = std::move(end.text)});
  });
  if (!entering) return conclude({.exit_code = std::nullopt, .text = entering.error().text});
  timer_ = loop_.after(milliseconds(check_.timeout_ms), [this] {
    timer_.reset();
    conclude({.exit_code = std::nullopt,
              .text = fmt::format(
                  "Health check exceeded timeout ({} s)\n",
                  std::chrono::duration<double>(milliseconds(check_.timeout_ms)).count())});
  });
}

void HealthMonitor::conclude(Finding finding) {
  clear();
  last_exit_code_ = finding.exit_code;
  last_output_ = (finding.text + command_.output()).substr(0, kHealthOutputMax);
  HealthRule rule{.retries = check_.retries, .start_period = milliseconds(check_.start_period_ms)};
  Health before = health_;
  health_ =
      after_check(rule, before, {.passed = finding.exit_code == 0, .began = begun_ - started_at_});
  if (health_.status != before.status) on_change_();
  if (active_) wait();
}

// Nothing of a check, or of the wait for one, remains.
void HealthMonitor::clear() {
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  command_.clear();
}

}  // namespace berth::runtime
