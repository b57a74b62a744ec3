#include "sim/coverage.h"

#include <cstdio>

namespace berth::sim {
namespace {

constexpr const char* kExpected[] = {
    "service - -> ACTIVE",
    "service ACTIVE -> DRAINING",
    "service ACTIVE -> INACTIVE",
    "service DRAINING -> INACTIVE",
    "service INACTIVE -> ACTIVE",
    "service INACTIVE -> -",
    "steady 0 -> 1",
    "steady 1 -> 0",
    "rollout IN_PROGRESS -> COMPLETED",
    "rollout IN_PROGRESS -> FAILED",
    "rollout of a rollback IN_PROGRESS -> COMPLETED",
    "rollout of a rollback IN_PROGRESS -> FAILED",
    "deployment IN_PROGRESS -> SUCCESSFUL",
    "deployment IN_PROGRESS -> STOPPED",
    "deployment IN_PROGRESS -> ROLLBACK_IN_PROGRESS",
    "deployment IN_PROGRESS -> ROLLBACK_SUCCESSFUL",
    "deployment IN_PROGRESS -> ROLLBACK_FAILED",
    "deployment ROLLBACK_IN_PROGRESS -> ROLLBACK_SUCCESSFUL",
    "deployment ROLLBACK_IN_PROGRESS -> ROLLBACK_FAILED",
    "deployment ROLLBACK_IN_PROGRESS -> STOPPED",
    "breaker DISABLED -> MONITORING",
    "breaker MONITORING -> MONITORING_COMPLETE",
    "breaker MONITORING -> TRIGGERED",
    "breaker MONITORING -> DISABLED",
    "start a deployment",
    "start a replacement",
    "stop a task of the PRIMARY",
    "stop a task of an older revision",
    "stop an unhealthy task",
    "stop a task of a node that drains",
    "failures begin",
    "failures are forgotten",
    "back-off begins",
    "back-off is over",
    "crashes are slowed down",
    "no room",
    "room again",
    "protection holds a scale-in",
    "bounds leave nothing to do",
    "alarm fails a deployment",
    "stage SCALE_UP",
    "stage PRODUCTION_TRAFFIC_SHIFT",
    "stage BAKE_TIME",
    "stage CLEAN_UP",
    "production traffic shifts",
    "first deployment has traffic",
    "first deployment fails at a hook",
    "services put off to the next step",
    "traffic was given back, and the node drains",
    "a refused step",
    "a death after a step",
    "a death before a step was stored",
    "converged",
};

}  // namespace

void Coverage::print() const {
  for (const auto& [what, count] : counts_) {
    std::printf("%12lld  %s\n", static_cast<long long>(count), what.c_str());
  }
}

std::vector<std::string> Coverage::missing() const {
  std::vector<std::string> missing;
  for (const char* what : kExpected) {
    if (counts_.count(what) == 0) missing.emplace_back(what);
  }
  return missing;
}

}  // namespace berth::sim
