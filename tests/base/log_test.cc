#include "base/log.h"

#include <gtest/gtest.h>

#include <vector>

namespace berth {
namespace {

TEST(Log, OneLineWithFactsAndNoControlCharacters) {
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view line) { lines.emplace_back(line); });
  LOG(kWarn, "layer unpack retried", {{"digest", "sha256:1"}, {"attempt", 2}, {"text", "a\nb"}});
  LOG(kDebug, "not shown", {{"x", 1}});
  log::set_sink([](log::Level, std::string_view) {});
  EXPECT_EQ(lines,
            (std::vector<std::string>{
                "berth: warn: layer unpack retried digest=sha256:1 attempt=2 text=a\\x0ab"}));
}

}  // namespace
}  // namespace berth
