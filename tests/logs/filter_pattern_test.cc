#include "logs/filter_pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::logs {
namespace {

struct Case {
  std::string pattern;
  std::string message;
  bool matches = false;
};

void expect_all(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    auto matcher = parse_filter_pattern(each.pattern);
    ASSERT_TRUE(matcher) << each.pattern << ": " << matcher.error().text;
    EXPECT_EQ((*matcher)(each.message), each.matches) << each.pattern << " of " << each.message;
  }
}

TEST(FilterPattern, TermsAreAllThereAndTheExcludedOnesAreNot) {
  expect_all({{"ERROR", "an ERROR happened", true},
              {"ERROR", "an error happened", false},
              {"ERROR memory", "memory ERROR", true},
              {"ERROR memory", "disk ERROR", false},
              {"\"out of memory\"", "ERROR out of memory", true},
              {"\"out of memory\"", "memory out of", false},
              {R"("a \"b\"")", R"(say a "b")", true},
              {"ERROR -Exiting", "ERROR Exiting", false},
              {"ERROR -Exiting", "ERROR going on", true},
              {"ERROR -\"not me\"", "ERROR not me", false},
              {"-a", "b", true},
              {"?ERROR ?WARN", "WARN x", true},
              {"?ERROR ?WARN", "INFO x", false},
              {"?ERROR ?\"a b\"", "a b", true},
              {"?ERROR INFO", "INFO x", true},
              {"%4[0-9]{2}%", "status 404", true},
              {"%4[0-9]{2}%", "status 504", false},
              {"GET %4[0-9]{2}%", "POST 404", false}});
  EXPECT_FALSE(parse_filter_pattern("").value());
  EXPECT_FALSE(parse_filter_pattern("  ").value());
}

TEST(FilterPattern, MembersOfJsonAreCompared) {
  const std::string message =
      R"({"type": "User", "n": 400, "ok": true, "none": null, "deep": {"list": [{"id": "x1"}, 7]},
          "a.b": 1, "text": "12"})";
  std::vector<Case> cases = {{R"({ $.type = "User" })", message, true},
                             {"{ $.type = User }", message, true},
                             {"{$.type=U*r}", message, true},
                             {"{ $.type != User }", message, false},
                             {"{ $.n >= 400 }", message, true},
                             {"{ $.n > 400 }", message, false},
                             {"{ $.n = 4e2 }", message, true},
                             {"{ $.n = 4* }", message, true},
                             {"{ $.n < 5 || $.n = 400 && $.ok IS TRUE }", message, true},
                             {"{ ($.n < 5 || $.n = 400) && $.ok is false }", message, false},
                             {"{ $.none IS NULL }", message, true},
                             {"{ $.other IS NULL }", message, false},
                             {"{ $.other NOT EXISTS }", message, true},
                             {"{ $.none NOT EXISTS }", message, false},
                             {"{ $.deep.list[0].id = x1 }", message, true},
                             {"{ $.deep.list[1] = 7 }", message, true},
                             {"{ $.deep.list[2] = 7 }", message, false},
                             {"{ $.deep.list[*] = 7 }", message, true},
                             {R"({ $["a.b"] = 1 })", message, true},
                             {"{ $.text > 11 }", message, true},
                             {"{ $.type = %^Us% }", message, true},
                             {"{ $.type = User }", "no JSON: User", false},
                             {"{ $.type = User }", R"({"type": "User")", false},
                             {"{ $.type = User }", R"(["User"])", false}};
  expect_all(cases);
}

TEST(FilterPattern, ColumnsAreCountedAndCompared) {
  const std::string line =
      R"(127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534)";
  expect_all({{"[ip, id, user, time, request, status, bytes]", line, true},
              {"[ip, id, user, time, request, status]", line, false},
              {"[ip, ..., bytes]", line, true},
              {"[ip, user, ..., status_code=4*, bytes]", line, true},
              {"[..., request=*.html*, status=404, bytes > 1000]", line, true},
              {"[..., status=5* || status=4*, bytes]", line, true},
              {"[..., status>=400 && status<404, bytes]", line, false},
              {"[ip=\"127.0.0.1\", ...]", line, true},
              {"[ip!=127.0.0.1, ...]", line, false},
              {"[, , user=frank, ...]", line, true},
              {"[w1=a]", "a", true},
              {"[w1>1]", "a", false}});
}

TEST(FilterPattern, SaysWhatIsWrongAndWhere) {
  const std::vector<std::string> wrong = {"\"open",
                                          "- ",
                                          "{ $.a }",
                                          "{ $.a = }",
                                          "{ a = 1 }",
                                          "{ $.a = 1",
                                          "{ $.a = 1 } x",
                                          "{ ($.a = 1 }",
                                          "{ $.a > x }",
                                          "{ $.a[x] = 1 }",
                                          "{ $.a IS x }",
                                          "{ $. = 1 }",
                                          "[a, b",
                                          "[a, ..., b, ...]",
                                          "[a=1 && b=2]",
                                          "[a=]",
                                          "%(%",
                                          "%open",
                                          std::string(1025, 'a'),
                                          "{" + std::string(500, '(') + "$.a=1"};
  for (const std::string& pattern : wrong) {
    auto matcher = parse_filter_pattern(pattern);
    ASSERT_FALSE(matcher) << pattern;
    EXPECT_EQ(matcher.error().code, Errc::kInvalid) << pattern;
  }
  EXPECT_THAT(parse_filter_pattern("{ $.a }").error().text,
              testing::HasSubstr("Invalid filter pattern: a comparison is missing at character 7"));
}

}  // namespace
}  // namespace berth::logs
