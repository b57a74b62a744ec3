#include "scaling/calendar.h"

#include <chrono>

namespace berth::scaling {
namespace {

constexpr int kDaysOfWeek = 7;
constexpr int kThursday = 4;  // 1970-01-01

}  // namespace

int64_t days_of(const Date& date) {
  std::chrono::year_month_day day(std::chrono::year(static_cast<int>(date.year)),
                                  std::chrono::month(static_cast<unsigned>(date.month)),
                                  std::chrono::day(static_cast<unsigned>(date.day)));
  return std::chrono::sys_days(day).time_since_epoch().count();
}

Date date_of(int64_t days) {
  std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::days(static_cast<int>(days)))};
  return {.year = static_cast<int>(day.year()),
          .month = static_cast<int>(static_cast<unsigned>(day.month())),
          .day = static_cast<int>(static_cast<unsigned>(day.day()))};
}

int weekday_of(int64_t days) {
  int64_t weekday = (days + kThursday) % kDaysOfWeek;
  return static_cast<int>(weekday < 0 ? weekday + kDaysOfWeek : weekday);
}

bool is_leap_year(int64_t year) {
  return std::chrono::year(static_cast<int>(year)).is_leap();
}

int days_in_month(int64_t year, int month) {
  std::chrono::year_month_day_last last(
      std::chrono::year(static_cast<int>(year)),
      std::chrono::month_day_last(std::chrono::month(static_cast<unsigned>(month))));
  return static_cast<int>(static_cast<unsigned>(last.day()));
}

int64_t day_of_seconds(int64_t seconds) {
  int64_t day = seconds / kSecondsOfDay;
  return seconds % kSecondsOfDay < 0 ? day - 1 : day;
}

}  // namespace berth::scaling
