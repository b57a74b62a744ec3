// Schedules: what they say, and when they are due.
#include "scaling/schedule.h"

#include "scaling/calendar.h"
#include "sys/file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace berth::scaling {
namespace {

using testing::HasSubstr;

// "2026-03-29T01:30:00" as a clock of UTC shows it.
int64_t utc(const std::string& text) {
  auto schedule = parse_schedule("at(" + text + ")");
  EXPECT_TRUE(schedule) << text;
  return std::get<At>(*schedule).local;
}

std::string text_of(std::optional<int64_t> moment) {
  if (!moment) return "never";
  int64_t day = day_of_seconds(*moment);
  Date date = date_of(day);
  int64_t second = *moment - day * kSecondsOfDay;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.year, date.month, date.day,
                     second / 3600, second / 60 % 60, second % 60);
}

TimeZone read_zone(const std::string& name) {
  if (name.empty()) return {};
  return TimeZone::parse(sys::read_file("/usr/share/zoneinfo/" + name, kZoneFileMax).value())
      .value();
}

std::string next(const std::string& text, const std::string& zone, const std::string& after) {
  auto schedule = parse_schedule(text);
  EXPECT_TRUE(schedule) << text << ": " << schedule.error().text;
  return text_of(next_time(*schedule, read_zone(zone), utc("2026-01-01T00:00:00"), utc(after)));
}

struct Due {
  const char* schedule;
  const char* zone;
  const char* after;
  const char* wanted;  // of UTC
};

TEST(Schedule, IsDue) {
  const Due kDues[] = {
      {"cron(0 8 * * ? *)", "", "2026-03-01T07:59:59", "2026-03-01T08:00:00"},
      {"cron(0 8 * * ? *)", "", "2026-03-01T08:00:00", "2026-03-02T08:00:00"},
      {"cron(*/15 * * * ? *)", "", "2026-03-01T08:01:00", "2026-03-01T08:15:00"},
      {"cron(3/20 * * * ? *)", "", "2026-03-01T08:24:00", "2026-03-01T08:43:00"},
      {"cron(0 8-18/2 ? * MON-FRI *)", "", "2026-03-06T18:00:00", "2026-03-09T08:00:00"},
      {"cron(0 0 ? * 1 *)", "", "2026-03-03T00:00:00", "2026-03-08T00:00:00"},  // SUN
      {"cron(0 0 ? * fri-mon *)", "", "2026-03-03T00:00:00", "2026-03-06T00:00:00"},
      {"cron(0 0 1 JAN,JUL ? *)", "", "2026-03-03T00:00:00", "2026-07-01T00:00:00"},
      {"cron(0 0 29 2 ? *)", "", "2026-03-03T00:00:00", "2028-02-29T00:00:00"},
      {"cron(0 0 29 2 ? 2026-2027)", "", "2026-01-03T00:00:00", "never"},
      {"cron(0 0 31 4 ? *)", "", "2026-01-03T00:00:00", "never"},
      {"cron(59 23 L * ? *)", "", "2026-02-03T00:00:00", "2026-02-28T23:59:00"},
      {"cron(0 0 LW * ? *)", "", "2026-02-03T00:00:00", "2026-02-27T00:00:00"},
      {"cron(0 0 1W * ? *)", "", "2026-08-04T00:00:00", "2026-09-01T00:00:00"},
      {"cron(0 0 1W 8 ? *)", "", "2026-07-02T00:00:00", "2026-08-03T00:00:00"},
      {"cron(0 0 15W 8 ? *)", "", "2026-07-02T00:00:00", "2026-08-14T00:00:00"},
      {"cron(0 0 ? * 6L *)", "", "2026-03-01T00:00:00", "2026-03-27T00:00:00"},
      {"cron(0 0 ? * 3#2 *)", "", "2026-03-01T00:00:00", "2026-03-10T00:00:00"},
      {"cron(0 0 ? * 1#5 *)", "", "2026-03-01T00:00:00", "2026-03-29T00:00:00"},
      {"cron(0 0 ? * L *)", "", "2026-03-01T00:00:00", "2026-03-07T00:00:00"},
      {"cron(0 0 1 1 ? 2199)", "", "2026-03-01T00:00:00", "2199-01-01T00:00:00"},
      // Berlin: an hour ahead in winter, two in summer.
      {"cron(0 8 * * ? *)", "Europe/Berlin", "2026-03-28T07:00:00", "2026-03-29T06:00:00"},
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T01:30:00", "2026-03-30T00:30:00"},  // gap
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T01:30:00", "2026-10-25T00:30:00"},
      {"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-25T00:30:00",
       "2026-10-26T01:30:00"},  // once
      {"cron(0 * * * ? *)", "Europe/Berlin", "2026-03-29T00:00:00", "2026-03-29T01:00:00"},
      {"cron(0 0 * * ? *)", "Asia/Kolkata", "2026-03-01T00:00:00", "2026-03-01T18:30:00"},
      {"cron(0 0 30 12 ? *)", "Pacific/Apia", "2011-12-29T12:00:00", "2012-12-29T10:00:00"},
      {"at(2026-12-24T18:00:00)", "", "2026-03-01T00:00:00", "2026-12-24T18:00:00"},
      {"at(2026-12-24T18:00:00)", "Europe/Berlin", "2026-03-01T00:00:00", "2026-12-24T17:00:00"},
      {"at(2026-12-24T18:00:00)", "", "2026-12-24T18:00:00", "never"},
      {"at(2026-03-29T02:30:00)", "Europe/Berlin", "2026-03-01T00:00:00", "2026-03-29T01:30:00"},
      {"at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-03-01T00:00:00", "2026-10-25T00:30:00"},
      {"rate(1 minute)", "", "2026-03-01T00:00:30", "2026-03-01T00:01:00"},
      {"rate(2 hours)", "", "2026-01-01T00:00:00", "2026-01-01T02:00:00"},
      {"rate(7 days)", "", "2026-01-08T00:00:00", "2026-01-15T00:00:00"},
      {"rate(7 days)", "", "2025-12-31T23:59:59", "2026-01-01T00:00:00"},
  };
  for (const Due& due : kDues) {
    bool is_before = std::string(due.after) < "2026";
    int64_t from = is_before && due.schedule[0] == 'c' ? 0 : utc("2026-01-01T00:00:00");
    auto schedule = parse_schedule(due.schedule);
    ASSERT_TRUE(schedule) << due.schedule << ": " << schedule.error().text;
    EXPECT_EQ(text_of(next_time(*schedule, read_zone(due.zone), from, utc(due.after))), due.wanted)
        << due.schedule << " " << due.zone << " after " << due.after;
  }
}

// Minute by minute about the changes of two zones: what is shown the first time, and matches.
TEST(Schedule, CronIsWhatTheClocksOfThePlaceShow) {
  struct {
    const char* text;
    bool (*matches)(const Date& date, int hour, int minute);
  } const kCrons[] = {{"cron(*/20 1-3 * * ? *)",
                       [](const Date&, int hour, int minute) {
                         return minute % 20 == 0 && hour >= 1 && hour <= 3;
                       }},
                      {"cron(15 2 ? * SUN *)", [](const Date& date, int hour, int minute) {
                         return minute == 15 && hour == 2 && weekday_of(days_of(date)) == 0;
                       }}};
  const std::tuple<const char*, const char*, const char*> kChanges[] = {
      {"Europe/Berlin", "2026-03-20T00:00:00", "2026-04-05T00:00:00"},
      {"Europe/Berlin", "2026-10-18T00:00:00", "2026-11-01T00:00:00"},
      {"Australia/Lord_Howe", "2026-03-29T00:00:00", "2026-04-12T00:00:00"},  // half an hour
      {"Australia/Lord_Howe", "2026-09-27T00:00:00", "2026-10-11T00:00:00"}};
  for (const auto& [name, begin, end] : kChanges) {
    TimeZone zone = read_zone(name);
    for (const auto& cron : kCrons) {
      Schedule schedule = parse_schedule(cron.text).value();
      int64_t last = utc(begin);
      int64_t shown = last + zone.offset_at(last);  // the latest that clocks have shown
      for (int64_t moment = last + 60; moment < utc(end); moment += 60) {
        int64_t local = moment + zone.offset_at(moment);
        if (local <= shown) continue;
        shown = local;
        int64_t day = day_of_seconds(local);
        auto second = static_cast<int>(local - day * kSecondsOfDay);
        if (!cron.matches(date_of(day), second / 3600, second / 60 % 60)) continue;
        auto due = next_time(schedule, zone, 0, last);
        ASSERT_EQ(text_of(due), text_of(moment)) << name << " " << cron.text;
        last = moment;
      }
    }
  }
}

TEST(Schedule, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"", "is no schedule"},
      {"every day", "is no schedule"},
      {"cron(0 8 * * ? *", "is no schedule"},
      {"cron(0 8 * * ?)", "six fields"},
      {"cron(0 8 * * ? * *)", "six fields"},
      {"cron(0 8 * * * *)", "must be ?"},
      {"cron(0 8 ? * ? *)", "must be ?"},
      {"cron(60 8 * * ? *)", "minutes '60'"},
      {"cron(0 24 * * ? *)", "hours '24'"},
      {"cron(0 8 0 * ? *)", "day of the month '0'"},
      {"cron(0 8 32W * ? *)", "day of the month '32W'"},
      {"cron(0 8 * 13 ? *)", "month '13'"},
      {"cron(0 8 ? * 0 *)", "day of the week '0'"},
      {"cron(0 8 ? * 3#6 *)", "day of the week '3#6'"},
      {"cron(0 8 * * ? 1969)", "year '1969'"},
      {"cron(*/0 8 * * ? *)", "minutes '*/0'"},
      {"cron(1,,2 8 * * ? *)", "minutes ''"},
      {"cron(1- 8 * * ? *)", "minutes '1-'"},
      {"rate(0 minutes)", "above 0"},
      {"rate(1 minutes)", "rate(1 hour)"},
      {"rate(5 minute)", "rate(1 hour)"},
      {"rate(5 weeks)", "rate(1 hour)"},
      {"rate(5)", "rate(1 hour)"},
      {"rate(-5 minutes)", "rate(1 hour)"},
      {"at(2026-12-24)", "is no time"},
      {"at(2026-02-30T00:00:00)", "is no time"},
      {"at(2026-12-24T24:00:00)", "is no time"},
      {"at(2026-12-24T18:00:00Z)", "is no time"},
  };
  for (const auto& [text, why] : kWrong) {
    auto schedule = parse_schedule(text);
    ASSERT_FALSE(schedule) << text;
    EXPECT_THAT(schedule.error().text, HasSubstr(why)) << text;
  }
  EXPECT_FALSE(parse_schedule("at(" + std::string(kScheduleMax, '1') + ")"));
}

TEST(Schedule, GoesFromTheBeginningOfARate) {
  EXPECT_EQ(next("rate(10 minutes)", "", "2026-01-01T00:25:00"), "2026-01-01T00:30:00");
}

}  // namespace
}  // namespace berth::scaling
