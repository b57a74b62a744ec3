#include "oci/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace berth::oci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::array kOptions{
    Option{"bundle", 'b', Takes::kValue, ""},
    Option{"env", 'e', Takes::kValue, ""},
    Option{"detach", 'd', Takes::kNothing, ""},
};

Command command(Order order) {
  return {"test", "CONTAINER ...", "", kOptions, 1, 4, order, 1, nullptr};
}

Result<Invocation> parse(const Command& command, std::vector<std::string> words) {
  Invocation invocation;
  TRY(parse_rest(command, words, invocation));
  return invocation;
}

TEST(OciCommandLine, OptionsAreSpelledInEveryWayOfRunc) {
  for (const auto& words : {std::vector<std::string>{"--bundle", "x", "c"},
                            {"--bundle=x", "c"},
                            {"-b", "x", "c"},
                            {"-b=x", "c"},
                            {"-bundle", "x", "c"},
                            {"c", "--bundle", "x"}}) {
    auto parsed = parse(command(Order::kAny), words);
    ASSERT_TRUE(parsed) << parsed.error().text;
    EXPECT_EQ(parsed->options.text("bundle", "."), "x");
    EXPECT_THAT(parsed->names, ElementsAre("c"));
  }
}

TEST(OciCommandLine, FirstNameEndsTheOptionsOfExec) {
  auto parsed = parse(command(Order::kNamesFirst), {"-d", "c", "ls", "-d", "--bundle=x"});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->options.flag("detach"));
  EXPECT_FALSE(parsed->options.has("bundle"));
  EXPECT_THAT(parsed->names, ElementsAre("c", "ls", "-d", "--bundle=x"));
}

TEST(OciCommandLine, TwoDashesEndTheOptions) {
  auto parsed = parse(command(Order::kAny), {"-d", "--", "c", "--bundle"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->names, ElementsAre("c", "--bundle"));
}

TEST(OciCommandLine, TheLastValueCountsAndAllAreKept) {
  auto parsed = parse(command(Order::kAny), {"-e", "A=1", "--env=B=2", "-d", "-d=false", "c"});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->options.all("env"), ElementsAre("A=1", "B=2"));
  EXPECT_EQ(parsed->options.text("env", ""), "B=2");
  EXPECT_FALSE(parsed->options.flag("detach"));
}

TEST(OciCommandLine, WhatIsWrongIsNamed) {
  auto error = [](std::vector<std::string> words) {
    auto parsed = parse(command(Order::kAny), std::move(words));
    return parsed ? "" : parsed.error().text;
  };
  EXPECT_EQ(error({"--nope=1", "c"}), "unknown option --nope");
  EXPECT_EQ(error({"c", "--bundle"}), "--bundle: needs a value");
  EXPECT_EQ(error({"c", "-d=maybe"}), "--detach: must be true or false");
  EXPECT_EQ(error({}), "test: needs the name of a container");
  EXPECT_THAT(error({"1", "2", "3", "4", "5"}), HasSubstr("usage: berth-oci test"));
}

TEST(OciCommandLine, NumbersHaveALimit) {
  auto parsed = parse(command(Order::kAny), {"--bundle=7", "c"});
  EXPECT_EQ(parsed->options.number("bundle", 7, 0).value(), 7u);
  EXPECT_EQ(parsed->options.number("bundle", 6, 0).error().text,
            "--bundle: must be from 0 to 6, not 7");
  EXPECT_EQ(parsed->options.number("env", 6, 3).value(), 3u);
}

}  // namespace
}  // namespace berth::oci
