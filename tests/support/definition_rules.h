// What the tests of a task definition's rules are written with: definitions that are good but for
// one thing, and the one finding that comes of it.
#pragma once

#include "scheduler/task_definition_parse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace berth::scheduler {

inline const std::string kLong(256, 'x');

// `task` are members of the definition, `container` members of its one container, each with a comma
// behind.
inline std::string definition_with(const std::string& task, const std::string& container,
                                   const std::string& more = "") {
  return "{" + task + R"("containerDefinitions":[{)" + container + R"("name":"a","image":"i"})" +
         more + "]}";
}

inline std::vector<std::string> findings(const std::string& text) {
  auto document = json::Document::parse(text, {.name = "test"});
  EXPECT_TRUE(document) << text;
  std::vector<std::string> lines;
  for (const Finding& each :
       parse_task_definition(document->root(), CpuArchitecture::kX86_64).findings) {
    lines.push_back(render(each));
  }
  return lines;
}

struct Rule {
  std::string text;
  std::string finding;
};

inline void expect_each(const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    EXPECT_EQ(findings(rule.text), std::vector<std::string>{rule.finding}) << rule.text;
  }
}

inline const std::string kEc2 = R"("family":"f","memory":"512",)";
inline const std::string kAwsvpc = R"("family":"f","memory":"512","networkMode":"awsvpc",)";
inline const std::string kFargate =
    R"("family":"f","cpu":"256","memory":"512","requiresCompatibilities":["FARGATE"],)";

}  // namespace berth::scheduler
