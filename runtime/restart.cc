#include "runtime/restart.h"

#include <algorithm>

namespace berth::runtime {

bool is_restarted(const std::optional<RestartPlan>& plan, const RunEnd& end) {
  if (!plan || end.stopping || !end.exit_code) return false;
  const auto& ignored = plan->ignored_exit_codes;
  if (std::find(ignored.begin(), ignored.end(), *end.exit_code) != ignored.end()) return false;
  return end.ran >= std::chrono::milliseconds(plan->attempt_period_ms);
}

}  // namespace berth::runtime
