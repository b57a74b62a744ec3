#include "api/command_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CommandWords, AreThoseOfAShell) {
  EXPECT_THAT(command_words("/bin/sh").value(), ElementsAre("/bin/sh"));
  EXPECT_THAT(command_words("  ls \t -l\n").value(), ElementsAre("ls", "-l"));
  EXPECT_THAT(command_words(R"(sh -c "echo \"$HOME\" \n" 'a \b' c\ d "")").value(),
              ElementsAre("sh", "-c", R"(echo "$HOME" \n)", R"(a \b)", "c d", ""));
  EXPECT_THAT(command_words(R"(a"b"'c'\d)").value(), ElementsAre("abcd"));
  EXPECT_THAT(command_words("ls | wc; #x").value(), ElementsAre("ls", "|", "wc;", "#x"));
}

TEST(CommandWords, AreRefusedWhenTheyDoNotEnd) {
  EXPECT_THAT(command_words("sh -c 'x").error().text, HasSubstr("a quote (')"));
  EXPECT_THAT(command_words("x\\").error().text, HasSubstr("backslash"));
  EXPECT_THAT(command_words(" ").error().text, HasSubstr("no program"));
  EXPECT_THAT(command_words(std::string("a\0b", 3)).error().text, HasSubstr("NUL"));
}

}  // namespace
}  // namespace berth::api
