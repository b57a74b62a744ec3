#include "api/ecs_query.h"

#include "api/ecs_placement.h"
#include "scheduler/log_configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::api::ecs {
namespace {

const QueryFacts kFacts = {
    {"attribute:ecs.os-type", "linux"}, {"attribute:stack", "prod"},  {"attribute:empty", ""},
    {"runningTasksCount", "10"},        {"task:group", "family:web"}, {"task:group", "family:db"}};

TEST(EcsQuery, ChoosesInstances) {
  const std::map<std::string, bool> cases = {
      {"attribute:ecs.os-type == linux", true},
      {"attribute:ecs.os-type equals windows", false},
      {"attribute:stack!=prod", false},
      {"attribute:other != x", true},
      {"attribute:other == x", false},
      {"attribute:other !exists and attribute:empty exists", true},
      {"not_exists", false},
      {"attribute:stack in [test, prod]", true},
      {"attribute:stack !in ['test', \"prod\"]", false},
      {"attribute:stack not_in [a]", true},
      {"attribute:stack =~ p.*", true},
      {"attribute:stack =~ r", false},  // the whole value is meant
      {"attribute:stack !~ r", true},
      {"runningTasksCount > 9", true},  // as numbers
      {"runningTasksCount >= 10 && runningTasksCount <= 10", true},
      {"runningTasksCount less_than 9", false},
      {"task:group == family:db", true},
      {"task:group != family:db", false},
      {"task:group != family:x", true},
      {"not (attribute:stack == prod)", false},
      {"!(attribute:stack == test) || attribute:stack == prod", true},
      {"attribute:stack == a or attribute:stack == b and attribute:stack == prod", false},
      {"attribute:stack == prod or attribute:stack == b and attribute:stack == c", true},
  };
  for (const auto& [text, expected] : cases) {
    SCOPED_TRACE(text);
    auto query = Query::parse(text);
    if (text == "not_exists") {
      EXPECT_FALSE(query);
      continue;
    }
    ASSERT_TRUE(query) << query.error().text;
    EXPECT_EQ(query->matches(kFacts), expected);
  }
}

TEST(EcsQuery, SaysWhatIsWrongAndWhere) {
  const std::map<std::string, std::string> cases = {
      {"", "it ends where a subject is expected"},
      {"attribute: == x", "'attribute:' at character 1"},
      {"nothing == x", "'nothing' at character 1 where attribute:NAME"},
      {"attribute:a", "it ends where an operator is expected"},
      {"attribute:a is b", "'is' at character 13 where an operator is expected"},
      {"attribute:a ==", "it ends where a value is expected"},
      {"attribute:a == b c", "'c' at character 18 where 'and', 'or' or the end is expected"},
      {"attribute:a in b", "'b' at character 16 where '[' is expected"},
      {"attribute:a in [b", "it ends where ']' is expected"},
      {"(attribute:a == b", "it ends where ')' is expected"},
      {"attribute:a == \"b", "a quotation at character 16 does not end"},
      {"attribute:a =~ (b", ""},
      {std::string(100, '('), "more than 32 parentheses"},
      {std::string(2001, 'a'), "has 2001 characters, and 2000 are the most"},
  };
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text);
    auto query = Query::parse(text);
    ASSERT_FALSE(query);
    EXPECT_THAT(query.error().text, testing::HasSubstr(message));
  }
}

TEST(EcsPlacement, AHostHasTheLogDriversThatBerthHas) {
  std::vector<std::string> names;
  for (const auto& each : host_attributes(scheduler::CpuArchitecture::kX86_64, "eu-west-1a")) {
    names.push_back(each.name);
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const std::string driver :
       {"json-file", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk", "awsfirelens"}) {
    EXPECT_EQ(testing::Matches(testing::Contains("com.amazonaws.ecs.capability.logging-driver." +
                                                 driver))(names),
              scheduler::is_log_driver(driver))
        << driver;
  }
}

}  // namespace
}  // namespace berth::api::ecs
