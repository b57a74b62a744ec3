#include "runtime/health.h"

namespace berth::runtime {

Health after_check(const HealthRule& rule, const Health& before, const HealthResult& result) {
  if (result.passed) return {.status = HealthStatus::kHealthy, .failures = 0};
  Health after = before;
  bool starts = before.status == HealthStatus::kUnknown && result.began < rule.start_period;
  if (starts) return after;
  if (after.failures < rule.retries) ++after.failures;
  if (after.failures >= rule.retries) after.status = HealthStatus::kUnhealthy;
  return after;
}

}  // namespace berth::runtime
