// Whether a container is healthy, decided from the results of its checks: pure, over values.
//
//   UNKNOWN ---- success -------------------------------------> HEALTHY
//      |                                                        |    ^
//      +-------- `retries` failures in a row -----> UNHEALTHY <-+    |
//                                                      +-- success --+
//
// A failure while UNKNOWN and within the start period does not count, as Docker has it: the first
// success ends the period early, because what was healthy once has started.
#pragma once

#include "base/env.h"

#include <cstdint>

namespace berth::runtime {

enum class HealthStatus { kUnknown, kHealthy, kUnhealthy };

struct Health {
  HealthStatus status = HealthStatus::kUnknown;
  uint32_t failures = 0;  // in a row, those that count
  bool operator==(const Health&) const = default;
};

struct HealthRule {
  uint32_t retries = 3;
  Duration start_period{};
};

struct HealthResult {
  bool passed = false;
  Duration began{};  // after the container's start
};

Health after_check(const HealthRule& rule, const Health& before, const HealthResult& result);

}  // namespace berth::runtime
