#include "metrics/alarm_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace berth::metrics {
namespace {

using testing::HasSubstr;

const std::map<std::string, AlarmState> kStatesOfRule = {{"up", AlarmState::kAlarm},
                                                         {"fine", AlarmState::kOk},
                                                         {"disk of \"/\" (1)", AlarmState::kAlarm},
                                                         {"NOT", AlarmState::kOk},
                                                         {"none", AlarmState::kInsufficientData}};

std::optional<AlarmState> state_in_rule(const std::string& name) {
  auto found = kStatesOfRule.find(name);
  return found != kStatesOfRule.end() ? std::optional(found->second) : std::nullopt;
}

TEST(AlarmRule, SaysWhatItsTermsSay) {
  struct Case {
    const char* rule;
    bool is_true;
  };
  for (const Case& each : {
           Case{"TRUE", true},
           {" FALSE\n", false},
           {"ALARM(up)", true},
           {"OK(up)", false},
           {"INSUFFICIENT_DATA( none )", true},
           {"ALARM(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:up)", true},
           {"ALARM(\"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:up\")", true},
           {R"r(ALARM("disk of \"/\" (1)"))r", true},
           {R"r(ALARM('disk of "/" (1)'))r", true},
           {"OK(NOT)", true},
           {"OK(gone)", false},
           {"NOT OK(gone)", true},
           {"NOT NOT ALARM(up)", true},
           {"NOT ALARM(up) OR OK(fine)", true},  // NOT is of the first alone
           {"NOT (ALARM(up) OR OK(fine))", false},
           {"TRUE OR TRUE AND FALSE", true},  // AND binds closer
           {"(TRUE OR TRUE) AND FALSE", false},
           {"FALSE AND FALSE OR TRUE", true},
           {"ALARM(up)AND(OK(fine)AND NOT FALSE)", true},
           {"ALARM(up) AND OK(fine) AND INSUFFICIENT_DATA(none)", true},
           {"ALARM(up) AND OK(fine) AND ALARM(none)", false},
           {"AT_LEAST(1, ALARM, (up, fine, none))", true},
           {"AT_LEAST(2, ALARM, (up, fine, none))", false},
           {"AT_LEAST ( 2 , NOT ALARM , ( up , fine , none ) )", true},
           {"AT_LEAST(3, NOT ALARM, (up, fine, none))", false},
           {"AT_LEAST(50%, ALARM, (up, fine))", true},
           {"AT_LEAST(50%, ALARM, (up, fine, none))", false},  // two of three
           {"AT_LEAST(33%, OK, (up,fine,none))", true},
           {"AT_LEAST(100%, NOT INSUFFICIENT_DATA, (up, fine, gone))", true},
           {R"r(AT_LEAST(2, ALARM, ('up', "disk of \"/\" (1)")))r", true},
           {"AT_LEAST(1, OK, (arn:aws:cloudwatch:eu-west-1:123456789012:alarm:fine, up))", true},
           {"NOT AT_LEAST(1, OK, (up)) AND ALARM(up)", true},
       }) {
    auto rule = AlarmRule::parse(each.rule);
    ASSERT_TRUE(rule) << each.rule << ": " << rule.error().text;
    EXPECT_EQ(rule->is_true(state_in_rule), each.is_true) << each.rule;
  }
  EXPECT_THAT(AlarmRule::parse("ALARM(a) OR (NOT OK(b) AND TRUE) OR OK(a)")->children(),
              testing::ElementsAre("a", "b"));
  EXPECT_THAT(AlarmRule::parse("AT_LEAST(1, NOT OK, (a, b)) AND OK(c,d)")->children(),
              testing::ElementsAre("a", "b", "c,d"));
}

TEST(AlarmRule, OfWhatIsNoneItIsSaidWhere) {
  struct Case {
    const char* rule;
    const char* told;
  };
  for (const Case& each : {
           Case{"", "at character 1, not the end"},
           {"alarm(a)", "expected ALARM(...), OK(...)"},
           {"ALARM", "expected '(' at character 6, not the end"},
           {"ALARM()", "expected the name of an alarm at character 7, not ')'"},
           {"ALARM(\"\")", "name is empty"},
           {"ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:)", "name is empty"},
           {"ALARM(a", "expected ')' at character 8"},
           {"ALARM(a b)", "expected ')' at character 9, not 'b)'"},
           {"ALARM(\"a)", "expected '\"'"},
           {"ALARM(a) ALARM(b)", "expected AND, OR or the end of the rule at character 10"},
           {"ALARM(a) AND", "at character 13, not the end"},
           {"AND TRUE", "at character 1, not 'AND TRUE'"},
           {"(TRUE", "expected AND, OR or ')'"},
           {"TRUE)", "at character 5, not ')'"},
           {"TRUE AND NOT", "at character 13"},
           {"TRUE XOR FALSE", "at character 6, not 'XOR FALSE'"},
           {"ALARM(a) \x01", "not '"},
           {"AT_LEAST", "expected '(' at character 9"},
           {"AT_LEAST(0, OK, (a))", "how many alarms (2)"},
           {"AT_LEAST(x, OK, (a))", "how many alarms (2)"},
           {"AT_LEAST(101%, OK, (a))", "how many alarms (2)"},
           {"AT_LEAST(%, OK, (a))", "how many alarms (2)"},
           {"AT_LEAST(1 OK, (a))", "expected ','"},
           {"AT_LEAST(1, BAD, (a))", "ALARM, OK or INSUFFICIENT_DATA, or NOT"},
           {"AT_LEAST(1, OK, a)", "expected '('"},
           {"AT_LEAST(1, OK, ())", "the name of an alarm"},
           {"AT_LEAST(1, OK, (a b))", "expected ',' or ')'"},
           {"AT_LEAST(1, OK, (a)", "expected ')'"},
           {"AT_LEAST(3, OK, (a, b))", "AT_LEAST(3, ...) is about 2 alarms"},
       }) {
    auto rule = AlarmRule::parse(each.rule);
    ASSERT_FALSE(rule) << each.rule;
    EXPECT_EQ(rule.error().code, Errc::kInvalid);
    EXPECT_THAT(rule.error().text, HasSubstr(each.told)) << each.rule;
  }
}

std::string repeated(size_t times, const std::string& text) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

TEST(AlarmRule, HasLimits) {
  std::string most = "TRUE" + repeated(kAlarmRuleElementsMax - 1, " OR TRUE");
  EXPECT_TRUE(AlarmRule::parse(most));
  EXPECT_THAT(AlarmRule::parse(most + " OR TRUE").error().text, HasSubstr("500 elements"));
  std::string many = "OK(0)";
  for (size_t i = 1; i < kAlarmRuleChildrenMax; ++i) many += " OR OK(" + std::to_string(i) + ")";
  EXPECT_TRUE(AlarmRule::parse(many + " OR ALARM(7)"));
  EXPECT_THAT(AlarmRule::parse(many + " OR OK(more)").error().text, HasSubstr("101 alarms"));
  auto nested = [](size_t depth) { return repeated(depth, "(") + "TRUE" + repeated(depth, ")"); };
  EXPECT_TRUE(AlarmRule::parse(nested(kAlarmRuleDepthMax)));
  EXPECT_FALSE(AlarmRule::parse(nested(kAlarmRuleDepthMax + 1)));
  EXPECT_TRUE(AlarmRule::parse(repeated(kAlarmRuleDepthMax, "NOT ") + "TRUE"));
  EXPECT_FALSE(AlarmRule::parse(repeated(kAlarmRuleDepthMax + 1, "NOT ") + "TRUE"));
  std::string longest = "TRUE" + std::string(kAlarmRuleMax - 4, ' ');
  EXPECT_TRUE(AlarmRule::parse(longest));
  EXPECT_FALSE(AlarmRule::parse(longest + " "));
}

}  // namespace
}  // namespace berth::metrics
