// Time zones against the C library's idea of them.
#include "scaling/time_zone.h"

#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace berth::scaling {
namespace {

TimeZone zone(const std::string& name) {
  auto bytes = sys::read_file("/usr/share/zoneinfo/" + name, kZoneFileMax);
  EXPECT_TRUE(bytes) << name;
  auto parsed = TimeZone::parse(*bytes);
  EXPECT_TRUE(parsed) << name << ": " << parsed.error().text;
  return std::move(*parsed);
}

class TimeZones : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ::setenv("TZ", GetParam(), 1);
    ::tzset();
  }
  void TearDown() override {
    ::unsetenv("TZ");
    ::tzset();
  }
};

// From 1900 to 2100: by transitions of the file, and by the rule behind them.
TEST_P(TimeZones, AreWhatTheCLibrarySays) {
  TimeZone parsed = zone(GetParam());
  constexpr int64_t kStep = 86400 * 3 + 3607;  // comes by all hours of a day
  for (int64_t moment = -2208988800; moment < 4102444800; moment += kStep) {
    time_t at = moment;
    tm local{};
    ::localtime_r(&at, &local);
    ASSERT_EQ(parsed.offset_at(moment), local.tm_gmtoff) << GetParam() << " at " << moment;
    auto back = parsed.moment_of(moment + local.tm_gmtoff);
    ASSERT_TRUE(back) << moment;
    ASSERT_LE(*back, moment);
    ASSERT_EQ(*back + parsed.offset_at(*back), moment + local.tm_gmtoff);
  }
}
INSTANTIATE_TEST_SUITE_P(All, TimeZones,
                         testing::Values("Europe/Berlin", "America/New_York", "Asia/Kolkata",
                                         "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Tehran",
                                         "Pacific/Apia", "Africa/Casablanca", "Europe/Dublin",
                                         "America/Santiago", "Pacific/Chatham", "Etc/GMT+5"));

TEST(TimeZone, ShowsAnHourTwiceOrNotAtAll) {
  TimeZone berlin = zone("Europe/Berlin");
  constexpr int64_t kForward = 1774746000;  // 2026-03-29 02:00 becomes 03:00
  constexpr int64_t kBack = 1792890000;     // 2026-10-25 03:00 becomes 02:00
  EXPECT_EQ(berlin.offset_at(kForward - 1), 3600);
  EXPECT_EQ(berlin.offset_at(kForward), 7200);
  EXPECT_FALSE(berlin.moment_of(kForward + 3600));          // 02:00
  EXPECT_FALSE(berlin.moment_of(kForward + 3600 + 3599));   // 02:59:59
  EXPECT_EQ(berlin.moment_of(kForward + 7200), kForward);   // 03:00
  EXPECT_EQ(berlin.moment_of(kBack + 3600), kBack - 3600);  // 02:00, the first one
  EXPECT_EQ(TimeZone().moment_of(17), 17);
}

TEST(TimeZone, RefusesWhatIsDamaged) {
  std::string bytes = sys::read_file("/usr/share/zoneinfo/Europe/Berlin", kZoneFileMax).value();
  EXPECT_FALSE(TimeZone::parse(""));
  for (size_t size : {size_t{43}, size_t{44}, bytes.size() / 2, bytes.size() - 1}) {
    EXPECT_FALSE(TimeZone::parse(bytes.substr(0, size))) << size;
  }
  bytes[4] = '\0';
  EXPECT_FALSE(TimeZone::parse(bytes));
}

TEST(ZoneRule, IsOfPosix) {
  EXPECT_EQ(parse_zone_rule("UTC0").value(), ZoneRule{});
  EXPECT_EQ(parse_zone_rule("<+0530>-5:30").value().standard, 19800);
  ZoneRule rule = parse_zone_rule("CET-1CEST,M3.5.0,M10.5.0/3").value();
  EXPECT_EQ(rule.standard, 3600);
  EXPECT_EQ(rule.daylight, 7200);
  EXPECT_EQ(rule.ends->seconds, 10800);
  EXPECT_EQ(parse_zone_rule("<-02>2<-01>,M3.5.0/-1,M10.5.0/0").value().begins->seconds, -3600);
  EXPECT_EQ(parse_zone_rule("XXX3YYY2,J60,300/24").value().begins->day, 60);
  for (const char* text :
       {"", "C", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M1.1.0", "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.0", "CET-1,", "CET-1x", "CET-1CEST,J0,J1", "CET-200"}) {
    EXPECT_FALSE(parse_zone_rule(text)) << text;
  }
}

TEST(ZoneName, LeadsNowhereElse) {
  for (const char* name : {"Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"}) {
    EXPECT_TRUE(is_zone_name(name)) << name;
  }
  for (const char* name : {"", "/etc/passwd", "../../etc/passwd", "a b", "Europe/..", "x\n"}) {
    EXPECT_FALSE(is_zone_name(name)) << name;
  }
}

}  // namespace
}  // namespace berth::scaling
