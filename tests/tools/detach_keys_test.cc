#include "tools/detach_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::tools {
namespace {

using Typed = DetachKeys::Typed;

TEST(DetachKeys, LeaveOnceTheyAreTypedInARow) {
  auto keys = DetachKeys::parse(kDetachKeysDefault).value();
  EXPECT_EQ(keys.take("ls\x11\n"), (Typed{"ls\x11\n", false}));
  EXPECT_EQ(keys.take("a\x10"), (Typed{"a", false}));  // held back
  EXPECT_EQ(keys.take("b"), (Typed{"\x10"
                                   "b",
                                   false}));                 // and given, as it was none
  EXPECT_EQ(keys.take("\x10\x10"), (Typed{"\x10", false}));  // the second one may begin them
  EXPECT_EQ(keys.take("\x11rest"), (Typed{"", true}));
  EXPECT_EQ(keys.take("x"), (Typed{"x", false}));
}

TEST(DetachKeys, ABeginningWithinThemIsFound) {
  auto keys = DetachKeys::parse("a,a,b").value();
  EXPECT_EQ(keys.take("aaab"), (Typed{"a", true}));
}

TEST(DetachKeys, AreNamedAsDockerDoes) {
  auto keys = DetachKeys::parse("ctrl-@,ctrl-],ctrl-_,x").value();
  using namespace std::string_literals;
  EXPECT_TRUE(keys.take("\0\x1d\x1fx"s).detached);
  auto none = DetachKeys::parse("").value();
  EXPECT_EQ(none.take("\x10\x11"), (Typed{"\x10\x11", false}));
  for (const char* bad : {"ctrl-", "ctrl-A", "ctrl-1", "ab", ",", "ctrl-p,", "\xc3\xa4", " "}) {
    auto parsed = DetachKeys::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_THAT(parsed.error().text, testing::HasSubstr("is no key"));
  }
  std::string most = "a";
  for (size_t i = 1; i < kDetachKeysMax; ++i) most += ",a";
  EXPECT_TRUE(DetachKeys::parse(most));
  EXPECT_FALSE(DetachKeys::parse(most + ",a"));
}

}  // namespace
}  // namespace berth::tools
