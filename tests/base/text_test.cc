#include "base/text.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Text, SplitKeepsEmptyPieces) {
  EXPECT_EQ(split("a::b", ':'), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ':'), (std::vector<std::string>{""}));
  EXPECT_EQ(join(split("a:b:", ':'), ":"), "a:b:");
}

TEST(Text, TrimTakesWhiteSpaceAtBothEnds) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim(" \n"), "");
}

TEST(Text, NumbersAreWholeOrNothing) {
  EXPECT_EQ(parse_u64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_i64("-5"), -5);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1k", "0x10", "18446744073709551616"}) {
    EXPECT_EQ(parse_u64(bad), std::nullopt) << bad;
  }
}

TEST(Text, PrintableEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[31mb", 100), "a\\x1b[31mb");
  EXPECT_EQ(printable("caf\xc3\xa9", 100), "caf\xc3\xa9");
  EXPECT_EQ(printable("bad\xff", 100), "bad\\xff");
  EXPECT_EQ(printable("cut\xc3", 100), "cut\\xc3");
  EXPECT_EQ(printable("12345", 3), "123...");
}

TEST(Text, BytesForPeople) {
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(5ull << 40), "5.0 TiB");
}

TEST(Text, HexIsLowerCase) {
  EXPECT_EQ(to_hex(std::string("\x00\xab\xff", 3)), "00abff");
}

}  // namespace
}  // namespace berth
