#include "tools/quantity.h"

#include <gtest/gtest.h>

namespace berth::tools {
namespace {

TEST(Quantity, Ages) {
  using std::chrono::seconds;
  EXPECT_EQ(parse_age("0s").value(), seconds(0));
  EXPECT_EQ(parse_age("90s").value(), seconds(90));
  EXPECT_EQ(parse_age("30m").value(), seconds(1800));
  EXPECT_EQ(parse_age("12H").value(), seconds(43200));
  EXPECT_EQ(parse_age("7d").value(), seconds(604800));
  for (const char* bad : {"", "7", "d", "-1d", "1.5h", "1w", "1d2h", "99999999999999d", " 1d"}) {
    EXPECT_FALSE(parse_age(bad)) << bad;
  }
}

TEST(Quantity, Sizes) {
  EXPECT_EQ(parse_size("0").value(), 0u);
  EXPECT_EQ(parse_size("1048576").value(), 1048576u);
  EXPECT_EQ(parse_size("500K").value(), 500u << 10);
  EXPECT_EQ(parse_size("500m").value(), 500u << 20);
  EXPECT_EQ(parse_size("2GiB").value(), uint64_t{2} << 30);
  EXPECT_EQ(parse_size("1T").value(), uint64_t{1} << 40);
  for (const char* bad :
       {"", "G", "-1", "1.5G", "iB", "1iB", "1P", "99999999999T", "18446744073709551616"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
}

}  // namespace
}  // namespace berth::tools
