#include "runtime/log_events.h"

#include "base/text.h"
#include "sys/fd.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace berth::runtime {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

class LogEvents : public testing::Test {
 protected:
  static constexpr WallTime kBegin{std::chrono::nanoseconds(1795381001123456789)};
  static constexpr auto kOut = LogStream::kStdout;
  static constexpr auto kErr = LogStream::kStderr;

  void open(const std::string& pattern) {
    LogPlan plan;
    plan.driver = LogDriverKind::kAwslogs;
    plan.event_pattern = pattern;
    plan.file.path = directory_.path() + "/events.log";
    driver_ = make_event_driver(plan, LogEnd(end_.read.get())).value();
  }
  void write(LogStream stream, const std::string& text, int at_second = 0) {
    ASSERT_TRUE(driver_->write({{stream, text, kBegin + seconds(at_second)}}));
  }
  std::vector<std::string> events() const {
    std::vector<std::string> found;
    for (const std::string& line :
         split(sys::read_file(directory_.path() + "/events.log", 1 << 24).value(), '\n')) {
      if (!line.empty()) found.push_back(nlohmann::json::parse(line).at("log"));
    }
    return found;
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-events-").value();
  sys::Pipe end_ = sys::make_pipe().value();
  std::unique_ptr<LogDriver> driver_;
};

TEST_F(LogEvents, EachLineIsOneWithoutAPattern) {
  open("");
  write(kOut, "one\n");
  write(kErr, "two\n");
  EXPECT_THAT(events(), ElementsAre("one\n", "two\n"));
  EXPECT_EQ(driver_->due(), std::nullopt);
}

TEST_F(LogEvents, GoOnToTheNextBeginningEachStreamForItself) {
  open("^\\d\\d:");
  write(kOut, "a line before any beginning\n");
  write(kOut, "12: first\n");
  write(kErr, "13: of the other stream\n");
  write(kOut, "  at x\n");
  write(kOut, "  at y\n");
  EXPECT_THAT(events(), ElementsAre("a line before any beginning\n"));
  write(kOut, "14: second\n");
  EXPECT_THAT(events(),
              ElementsAre("a line before any beginning\n", "12: first\n  at x\n  at y\n"));
  ASSERT_TRUE(driver_->finish());
  EXPECT_THAT(events(), ElementsAre("a line before any beginning\n", "12: first\n  at x\n  at y\n",
                                    "14: second\n", "13: of the other stream\n"));
}

TEST_F(LogEvents, AreWholeWhenNothingFollows) {
  open("^b");
  write(kOut, "b\n");
  write(kOut, "more\n", 2);
  EXPECT_EQ(driver_->due(), kBegin + seconds(7));
  ASSERT_TRUE(driver_->tick(kBegin + seconds(6)));
  EXPECT_THAT(events(), ElementsAre());
  ASSERT_TRUE(driver_->tick(kBegin + seconds(7)));
  EXPECT_THAT(events(), ElementsAre("b\nmore\n"));
  EXPECT_EQ(driver_->due(), std::nullopt);
}

TEST_F(LogEvents, AreNeverLargerThanAnEventMayBe) {
  open("^b");
  std::string line(100000, 'x');
  for (int i = 0; i < 5; ++i) write(kOut, line + "\n");
  ASSERT_TRUE(driver_->finish());
  for (const std::string& event : events()) EXPECT_LE(event.size(), kLogEventMax);
  EXPECT_EQ(events().size(), 3U);
}

TEST_F(LogEvents, ADiskWithoutRoomIsNotWaitedForOnceTheContainerHasEnded) {
  ASSERT_TRUE(sys::symlink("/dev/full", directory_.path() + "/events.log"));
  open("");
  ASSERT_TRUE(sys::write_all(end_.write.get(), "e"));
  EXPECT_FALSE(driver_->write({{kOut, "lost\n", kBegin}}));
  EXPECT_TRUE(driver_->finish());
}

}  // namespace
}  // namespace berth::runtime
