// Schedule: when something is due, as Application Auto Scaling and EventBridge write it. Pure.
//
//   at(2026-12-24T18:00:00)          once, by the clocks of the time zone
//   rate(5 minutes)                  every so often, counted from the beginning
//   cron(0 8 ? * MON-FRI *)          minutes hours day-of-month month day-of-week year:
//                                    * , - / everywhere; ? L W in days of the month, ? L # in days
//                                    of the week (1 or SUN to 7 or SAT)
//
// Where clocks are set forward, times of cron that they leave out are no times of that day; where
// they are set back, what they show twice is due once, the first time.
#pragma once

#include "base/result.h"
#include "scaling/time_zone.h"

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace berth::scaling {

constexpr size_t kScheduleMax = 1600;  // characters, as of a scheduled action
constexpr int64_t kCronYearMin = 1970;
constexpr int64_t kCronYearMax = 2199;

struct At {
  int64_t local = 0;  // seconds since 1970 that a clock of UTC would show then
  bool operator==(const At&) const = default;
};

struct Rate {
  int64_t seconds = 0;
  bool operator==(const Rate&) const = default;
};

struct Cron {
  std::bitset<60> minutes{};
  std::bitset<24> hours{};
  std::bitset<13> months{};
  std::bitset<kCronYearMax - kCronYearMin + 1> years{};

  // Days of the month, when has_month_days; else days of the week.
  bool has_month_days = true;
  std::bitset<32> month_days{};
  bool is_last_day = false;        // L
  bool is_last_weekday = false;    // LW
  std::bitset<32> near_days{};     // 15W: the weekday that is nearest to it, of the same month
  std::bitset<7> weekdays{};       // Sunday is 0
  std::bitset<7> last_weekdays{};  // 5L: the last Thursday
  std::bitset<7 * 5> weekdays_of_weeks{};  // 2#1: the first Monday; weekday + 7 * (week - 1)
  bool operator==(const Cron&) const = default;
};

using Schedule = std::variant<At, Rate, Cron>;

// kInvalid: what is wrong with it.
Result<Schedule> parse_schedule(std::string_view text);

// The first time after `after`, in seconds since 1970; nothing when there is none any more. `from`
// is when a rate begins, which is a time of it, too.
std::optional<int64_t> next_time(const Schedule& schedule, const TimeZone& zone, int64_t from,
                                 int64_t after);

}  // namespace berth::scaling
