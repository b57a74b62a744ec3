#include "base/pattern.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Pattern, IsGosSyntax) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case kCases[] = {
      {"^\\d{4}-\\d\\d", "2026-11", true},
      {"^\\d{4}-\\d\\d", " 2026-11", false},
      {"^(?:INFO|WARN)\\b", "WARN: x", true},
      {"^(?:INFO|WARN)\\b", "WARNING", false},
      {"(?i)^error", "ERROR", true},
      {"^\\[\\w+\\]", "[a_1] x", true},
      {"^[\\]\\-\\^a]+$", "a]^-", true},
      {"^[^\\s,]+$", "a b", false},
      {"^[\\d.]+$", "1.2", true},
      {"^[a-c]+$", "abc", true},
      {"^[-a]+$", "-a", true},
      {"^[\\^]$", "^", true},
      {"^[\\^-]$", "-", true},
      {"^a+?b*?$", "aab", true},
      {"^\\x41\\.$", "A.", true},
      {"^(?P<year>\\d+)$", "12", true},
      {"^\\S\\D\\W$", "ab-", true},
      {"^[[:alpha:]]$", "a", true},
      {"\\A\\ta\\z", "\ta", true},
  };
  for (const Case& each : kCases) {
    auto pattern = Pattern::parse(each.pattern);
    ASSERT_TRUE(pattern) << pattern.error().text;
    EXPECT_EQ(pattern->matches(each.text), each.matches) << each.pattern << " on " << each.text;
  }
}

TEST(Pattern, WhatCannotBeSaidIsRefused) {
  for (const char* text : {"(", "a{2,1}", "[a", "\\", "[\\", "\\pL", "\\Q", "(?=a)", "(?s)a",
                           "\\xg1", "\\x00", "[\\D]", "[[:nothing:]]"}) {
    auto pattern = Pattern::parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_NE(pattern.error().text.find("pattern '"), std::string::npos);
  }
}

}  // namespace
}  // namespace berth
