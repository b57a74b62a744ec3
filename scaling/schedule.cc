#include "scaling/schedule.h"

#include "base/text.h"
#include "scaling/calendar.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace berth::scaling {
namespace {

constexpr int64_t kScheduleMinute = 60;
constexpr int64_t kScheduleHour = 3600;
constexpr int64_t kRateMax = 1000000;
constexpr size_t kCronFields = 6;
constexpr size_t kQuotedScheduleMax = 100;
constexpr int kSaturday = 6;
constexpr int kWeeksMax = 5;
constexpr std::array<std::string_view, 12> kMonthNames = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                          "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::array<std::string_view, 7> kWeekdayNames = {"SUN", "MON", "TUE", "WED",
                                                           "THU", "FRI", "SAT"};

// ---- cron ----

struct CronField {
  const char* name;
  int64_t min;
  int64_t max;
  std::span<const std::string_view> words{};  // the first of them is 1
};

tl::unexpected<Error> bad_field(const CronField& field, std::string_view text) {
  return fail(Errc::kInvalid,
              "cron: {} '{}': must be *, or values from {} to {} as 1,2 or 1-5 or */5", field.name,
              printable(text, kQuotedScheduleMax), field.min, field.max);
}

std::string to_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return upper;
}

std::optional<int64_t> value_of(const CronField& field, std::string_view text) {
  std::string upper = to_upper(text);
  for (size_t i = 0; i < field.words.size(); ++i) {
    if (upper == field.words[i]) return static_cast<int64_t>(i) + 1;
  }
  auto number = parse_u64(text);
  if (!number || *number > static_cast<uint64_t>(field.max)) return std::nullopt;
  auto value = static_cast<int64_t>(*number);
  return value < field.min ? std::nullopt : std::optional(value);
}

struct CronRange {
  int64_t first = 0;
  int64_t last = 0;
  int64_t step = 1;
};

// "*", "5", "1-5", "MON-FRI", "*/5", "3/10", "8-18/2".
Result<CronRange> parse_range(const CronField& field, std::string_view text) {
  CronRange range{.first = field.min, .last = field.max};
  size_t slash = text.find('/');
  std::string_view base = text.substr(0, slash);
  if (slash != std::string_view::npos) {
    auto step = parse_u64(text.substr(slash + 1));
    if (!step || *step == 0 || *step > static_cast<uint64_t>(field.max)) {
      return bad_field(field, text);
    }
    range.step = static_cast<int64_t>(*step);
  }
  if (base == "*") return range;
  size_t dash = base.find('-');
  auto first = value_of(field, base.substr(0, dash));
  if (!first) return bad_field(field, text);
  range.first = *first;
  if (dash == std::string_view::npos) {
    if (slash == std::string_view::npos) range.last = *first;
    return range;
  }
  auto last = value_of(field, base.substr(dash + 1));
  if (!last) return bad_field(field, text);
  range.last = *last;
  return range;
}

// FRI-MON goes over the end, as it does in AWS's and in Quartz's.
void add_range(const CronField& field, const CronRange& range,
               const std::function<void(int64_t)>& add) {
  int64_t span = field.max - field.min + 1;
  int64_t last = range.last < range.first ? range.last + span : range.last;
  for (int64_t value = range.first; value <= last; value += range.step) {
    add((value - field.min) % span + field.min);
  }
}

// Each item of a list is for `special` first.
using CronItem = std::function<bool(std::string_view)>;
Status parse_list(const CronField& field, std::string_view text, const CronItem& special,
                  const std::function<void(int64_t)>& add) {
  for (const std::string& item : split(text, ',')) {
    if (special(item)) continue;
    CronRange range = TRY(parse_range(field, item));
    add_range(field, range, add);
  }
  return {};
}

bool has_no_special(std::string_view) {
  return false;
}

constexpr CronField kMinuteField{"minutes", 0, 59};
constexpr CronField kHourField{"hours", 0, 23};
constexpr CronField kDayField{"day of the month", 1, 31};
constexpr CronField kMonthField{"month", 1, 12, kMonthNames};
constexpr CronField kWeekdayField{"day of the week", 1, 7, kWeekdayNames};
constexpr CronField kYearField{"year", kCronYearMin, kCronYearMax};

Status parse_month_days(std::string_view text, Cron& cron) {
  auto special = [&](std::string_view item) {
    std::string upper = to_upper(item);
    if (upper == "L" || upper == "LW") {
      (upper == "L" ? cron.is_last_day : cron.is_last_weekday) = true;
      return true;
    }
    if (upper.empty() || upper.back() != 'W') return false;
    auto day = value_of(kDayField, item.substr(0, item.size() - 1));
    if (day) cron.near_days.set(static_cast<size_t>(*day));
    return day.has_value();
  };
  return parse_list(kDayField, text, special,
                    [&](int64_t day) { cron.month_days.set(static_cast<size_t>(day)); });
}

Status parse_weekdays(std::string_view text, Cron& cron) {
  auto special = [&](std::string_view item) {
    std::string upper = to_upper(item);
    if (upper == "L") {
      cron.weekdays.set(kSaturday);
      return true;
    }
    size_t hash = upper.find('#');
    if (hash != std::string::npos) {
      auto weekday = value_of(kWeekdayField, std::string_view(upper).substr(0, hash));
      auto week = parse_u64(std::string_view(upper).substr(hash + 1));
      if (!weekday || !week || *week == 0 || *week > kWeeksMax) return false;
      cron.weekdays_of_weeks.set(static_cast<size_t>(*weekday - 1) + 7 * (*week - 1));
      return true;
    }
    if (upper.size() < 2 || upper.back() != 'L') return false;
    auto weekday = value_of(kWeekdayField, std::string_view(upper).substr(0, upper.size() - 1));
    if (weekday) cron.last_weekdays.set(static_cast<size_t>(*weekday - 1));
    return weekday.has_value();
  };
  return parse_list(kWeekdayField, text, special,
                    [&](int64_t day) { cron.weekdays.set(static_cast<size_t>(day - 1)); });
}

Result<Schedule> parse_cron(std::string_view text) {
  std::vector<std::string> fields;
  for (const std::string& field : split(text, ' ')) {
    if (!field.empty()) fields.push_back(field);
  }
  if (fields.size() != kCronFields) {
    return fail(Errc::kInvalid,
                "cron: must have six fields (minutes hours day-of-month month day-of-week year), "
                "not {}",
                fields.size());
  }
  Cron cron;
  auto set_in = [](auto& bits, int64_t min) {
    return [&bits, min](int64_t value) { bits.set(static_cast<size_t>(value - min)); };
  };
  TRY(parse_list(kMinuteField, fields[0], has_no_special, set_in(cron.minutes, 0)));
  TRY(parse_list(kHourField, fields[1], has_no_special, set_in(cron.hours, 0)));
  TRY(parse_list(kMonthField, fields[3], has_no_special, set_in(cron.months, 0)));
  TRY(parse_list(kYearField, fields[5], has_no_special, set_in(cron.years, kCronYearMin)));
  bool has_weekdays = fields[2] == "?";
  if (has_weekdays == (fields[4] == "?")) {
    return fail(Errc::kInvalid,
                "cron: one of day-of-month ('{}') and day-of-week ('{}') must be ?, and only one",
                printable(fields[2], kQuotedScheduleMax), printable(fields[4], kQuotedScheduleMax));
  }
  cron.has_month_days = !has_weekdays;
  if (has_weekdays) {
    TRY(parse_weekdays(fields[4], cron));
  } else {
    TRY(parse_month_days(fields[2], cron));
  }
  return Schedule(cron);
}

// The day of the month that is nearest to `day` and neither Saturday nor Sunday.
int nearest_weekday(const Date& month, int day) {
  int last = days_in_month(month.year, month.month);
  if (day > last) return 0;  // there is no such day in this month
  int weekday = weekday_of(days_of({month.year, month.month, day}));
  if (weekday == kSaturday) return day == 1 ? day + 2 : day - 1;
  if (weekday == 0) return day == last ? day - 2 : day + 1;
  return day;
}

bool is_day_of(const Cron& cron, const Date& date, int64_t days) {
  int last = days_in_month(date.year, date.month);
  if (cron.has_month_days) {
    bool is_due = cron.month_days.test(static_cast<size_t>(date.day)) ||
                  (cron.is_last_day && date.day == last) ||
                  (cron.is_last_weekday && date.day == nearest_weekday(date, last));
    for (int day = 1; day <= last && !is_due; ++day) {
      is_due =
          cron.near_days.test(static_cast<size_t>(day)) && nearest_weekday(date, day) == date.day;
    }
    return is_due;
  }
  auto weekday = static_cast<size_t>(weekday_of(days));
  auto week = static_cast<size_t>((date.day - 1) / 7);
  return cron.weekdays.test(weekday) || cron.weekdays_of_weeks.test(weekday + 7 * week) ||
         (cron.last_weekdays.test(weekday) && date.day + 7 > last);
}

// The first moment of a day after `after`; nothing: none.
std::optional<int64_t> next_in_day(const Cron& cron, const TimeZone& zone, int64_t days,
                                   int64_t after) {
  for (size_t hour = 0; hour < cron.hours.size(); ++hour) {
    if (!cron.hours.test(hour)) continue;
    for (size_t minute = 0; minute < cron.minutes.size(); ++minute) {
      if (!cron.minutes.test(minute)) continue;
      int64_t local = days * kSecondsOfDay + static_cast<int64_t>(hour) * kScheduleHour +
                      static_cast<int64_t>(minute) * kScheduleMinute;
      auto moment = zone.moment_of(local);
      if (moment && *moment > after) return moment;
    }
  }
  return std::nullopt;
}

std::optional<int64_t> next_of(const Cron& cron, const TimeZone& zone, int64_t after) {
  int64_t first = days_of({.year = kCronYearMin});
  int64_t end = days_of({.year = kCronYearMax + 1});
  // From the day before: clocks that are set back may show a day again.
  int64_t days = std::max(first, day_of_seconds(after + zone.offset_at(after)) - 1);
  while (days < end) {
    Date date = date_of(days);
    if (!cron.years.test(static_cast<size_t>(date.year - kCronYearMin))) {
      days = days_of({.year = date.year + 1});
    } else if (!cron.months.test(static_cast<size_t>(date.month))) {
      days += days_in_month(date.year, date.month) - date.day + 1;
    } else {
      if (is_day_of(cron, date, days)) {
        auto moment = next_in_day(cron, zone, days, after);
        if (moment) return moment;
      }
      ++days;
    }
  }
  return std::nullopt;
}

// ---- at, rate ----

std::optional<int64_t> digits(std::string_view text, size_t at, size_t count, int64_t min,
                              int64_t max) {
  auto number = parse_u64(text.substr(at, count));
  if (!number || static_cast<int64_t>(*number) < min || static_cast<int64_t>(*number) > max) {
    return std::nullopt;
  }
  return static_cast<int64_t>(*number);
}

Result<Schedule> parse_at(std::string_view text) {
  auto malformed = [&] {
    return fail(Errc::kInvalid, "at: '{}' is no time: it is written as 2026-12-24T18:00:00",
                printable(text, kQuotedScheduleMax));
  };
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() != kForm.size()) return malformed();
  for (size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0' && kForm[i] != text[i]) return malformed();
  }
  auto year = digits(text, 0, 4, kCronYearMin, kCronYearMax);
  auto month = digits(text, 5, 2, 1, 12);
  auto day = digits(text, 8, 2, 1, 31);
  auto hour = digits(text, 11, 2, 0, 23);
  auto minute = digits(text, 14, 2, 0, 59);
  auto second = digits(text, 17, 2, 0, 59);
  if (!year || !month || !day || !hour || !minute || !second) return malformed();
  if (*day > days_in_month(*year, static_cast<int>(*month))) return malformed();
  int64_t days = days_of({*year, static_cast<int>(*month), static_cast<int>(*day)});
  return Schedule(
      At{days * kSecondsOfDay + *hour * kScheduleHour + *minute * kScheduleMinute + *second});
}

Result<Schedule> parse_rate(std::string_view text) {
  size_t space = text.find(' ');
  auto value = parse_u64(text.substr(0, space));
  std::string_view unit = space == std::string_view::npos ? "" : trim(text.substr(space + 1));
  struct Unit {
    std::string_view name;
    int64_t seconds;
  };
  constexpr std::array<Unit, 3> kUnitsOfRate = {
      Unit{"minute", kScheduleMinute}, {"hour", kScheduleHour}, {"day", kSecondsOfDay}};
  for (const Unit& each : kUnitsOfRate) {
    bool is_one = unit == each.name;
    bool is_many = unit == std::string(each.name) + "s";
    if (!is_one && !is_many) continue;
    bool is_right = value && *value > 0 && *value <= kRateMax && is_one == (*value == 1);
    if (is_right) return Schedule(Rate{static_cast<int64_t>(*value) * each.seconds});
  }
  return fail(Errc::kInvalid,
              "rate: '{}': must be a number above 0 and minutes, hours or days, as in rate(1 hour) "
              "and rate(5 minutes)",
              printable(text, kQuotedScheduleMax));
}

struct NextTime {
  const TimeZone& zone;
  int64_t from;
  int64_t after;

  std::optional<int64_t> operator()(const At& at) const {
    // Where clocks leave it out: when they have gone on by so much.
    auto moment = zone.moment_of(at.local);
    int64_t then = moment.value_or(at.local - zone.offset_at(at.local - 2 * kSecondsOfDay));
    return then > after ? std::optional(then) : std::nullopt;
  }
  std::optional<int64_t> operator()(const Rate& rate) const {
    if (after < from) return from;
    return from + ((after - from) / rate.seconds + 1) * rate.seconds;
  }
  std::optional<int64_t> operator()(const Cron& cron) const {
    return next_of(cron, zone, std::max(after, from - 1));
  }
};

}  // namespace

Result<Schedule> parse_schedule(std::string_view text) {
  if (text.size() > kScheduleMax) {
    return fail(Errc::kInvalid, "a schedule has at most {} characters", kScheduleMax);
  }
  using Parser = Result<Schedule> (*)(std::string_view);
  constexpr std::array<std::pair<std::string_view, Parser>, 3> kForms = {
      std::pair<std::string_view, Parser>{"at(", parse_at},
      {"rate(", parse_rate},
      {"cron(", parse_cron}};
  for (const auto& [begin, parse] : kForms) {
    bool is_form = text.starts_with(begin) && text.ends_with(")");
    if (is_form) return parse(text.substr(begin.size(), text.size() - begin.size() - 1));
  }
  return fail(Errc::kInvalid, "'{}' is no schedule: there are at(...), rate(...) and cron(...)",
              printable(text, kQuotedScheduleMax));
}

std::optional<int64_t> next_time(const Schedule& schedule, const TimeZone& zone, int64_t from,
                                 int64_t after) {
  return std::visit(NextTime{zone, from, after}, schedule);
}

}  // namespace berth::scaling
