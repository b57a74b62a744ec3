#include "base/env.h"

#include <fmt/format.h>

namespace berth {

std::string format_rfc3339(WallTime time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto nanos = (time - seconds).count();
  // Not gmtime(3): the C library's reads the host's time zone even for UTC.
  auto midnight = std::chrono::floor<std::chrono::days>(seconds);
  std::chrono::year_month_day date(midnight);
  std::chrono::hh_mm_ss clock(seconds - midnight);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     nanos);
}

}  // namespace berth
