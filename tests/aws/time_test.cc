#include "aws/time.h"

#include <gtest/gtest.h>

namespace berth::aws {
namespace {

constexpr WallTime kTime = WallTime(std::chrono::seconds(1440938160));  // 2015-08-30 12:36

TEST(Time, IsWrittenAsAmazonDoes) {
  EXPECT_EQ(format_amz_date(kTime), "20150830T123600Z");
  EXPECT_EQ(format_amz_date(kTime + std::chrono::milliseconds(999)), "20150830T123600Z");
  EXPECT_EQ(format_rfc3339_seconds(kTime), "2015-08-30T12:36:00Z");
}

TEST(Time, IsReadInAllItsForms) {
  EXPECT_EQ(parse_amz_date("20150830T123600Z"), kTime);
  for (const char* text :
       {"2015-08-30T12:36:00Z", "2015-08-30T12:36:00.0Z", "2015-08-30T14:36:00+02:00",
        "2015-08-30T11:06:00-01:30", "2015-08-30 12:36:00Z"}) {
    EXPECT_EQ(parse_rfc3339(text), kTime) << text;
  }
  EXPECT_EQ(parse_rfc3339("2015-08-30T11:06:00.5-01:30"), kTime + std::chrono::milliseconds(500));
  WallTime exact = kTime + std::chrono::nanoseconds(123456789);
  EXPECT_EQ(parse_rfc3339("2015-08-30T12:36:00.1234567899Z"), exact);
  EXPECT_EQ(parse_rfc3339(format_rfc3339(exact)), exact);
}

TEST(Time, IsRefusedWhenItIsNone) {
  for (const char* text : {"", "20150830", "20150830T123600", "20150830T123600Zx",
                           "20151330T123600Z", "20150229T123600Z", "20150830T243600Z",
                           "99990830T123600Z", "2015083 T123600Z", "+0150830T123600Z"}) {
    EXPECT_FALSE(parse_amz_date(text)) << text;
  }
  for (const char* text : {"", "2015-08-30", "2015-08-30T12:36:00", "2015-08-30T12:36:00+02",
                           "2015-08-30T12:36Z", "2015-08-30T12:36:00Z "}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace berth::aws
