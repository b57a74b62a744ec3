#include "base/env.h"

#include <fmt/chrono.h>

namespace berth {

std::string format_rfc3339(WallTime time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto nanos = (time - seconds).count();
  std::time_t unix_seconds = seconds.time_since_epoch().count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z", fmt::gmtime(unix_seconds), nanos);
}

}  // namespace berth
