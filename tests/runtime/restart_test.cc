#include "runtime/restart.h"

#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

using std::chrono::seconds;

TEST(Restart, TableOfEnds) {
  RestartPlan plan{.ignored_exit_codes = {0, 143}, .attempt_period_ms = 60000};
  struct Case {
    const char* name;
    RunEnd end;
    bool restarted;
  };
  const Case kCases[] = {
      {"failed after long", {.exit_code = 1, .ran = seconds(100)}, true},
      {"just long enough", {.exit_code = 1, .ran = seconds(60)}, true},
      {"a moment too soon", {.exit_code = 1, .ran = seconds(60) - Duration(1)}, false},
      {"killed for memory", {.exit_code = 137, .ran = seconds(100)}, true},
      {"ignored", {.exit_code = 0, .ran = seconds(100)}, false},
      {"ignored, the second", {.exit_code = 143, .ran = seconds(100)}, false},
      {"exit code unknown", {.exit_code = std::nullopt, .ran = seconds(100)}, false},
      {"the task stops", {.exit_code = 1, .ran = seconds(100), .stopping = true}, false},
  };
  for (const Case& one : kCases) {
    EXPECT_EQ(is_restarted(plan, one.end), one.restarted) << one.name;
    EXPECT_FALSE(is_restarted(std::nullopt, one.end)) << one.name;
  }
}

}  // namespace
}  // namespace berth::runtime
