// Days of the proleptic Gregorian calendar, counted from 1970-01-01. Pure.
#pragma once

#include <cstdint>

namespace berth::scaling {

constexpr int64_t kSecondsOfDay = 86400;

struct Date {
  int64_t year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  bool operator==(const Date&) const = default;
};

int64_t days_of(const Date& date);
Date date_of(int64_t days);
// Sunday is 0.
int weekday_of(int64_t days);
bool is_leap_year(int64_t year);
int days_in_month(int64_t year, int month);

// Rounded down, also below 0: the day of a moment.
int64_t day_of_seconds(int64_t seconds);

}  // namespace berth::scaling
