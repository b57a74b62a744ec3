#include "agent/log_follower.h"

#include "sys/clock.h"
#include "sys/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(LogRecord, IsDockersJsonFileLine) {
  auto record =
      agent::parse_log_record(R"({"log":"a\n","stream":"stderr","time":"2026-01-01T00:00:00Z"})");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->text, "a\n");
  EXPECT_EQ(record->stream, "stderr");
  EXPECT_FALSE(agent::parse_log_record("{\"log\":").has_value());
  EXPECT_FALSE(agent::parse_log_record(R"({"log":"a"})").has_value());
}

TEST(LogFollower, SeesFilesThatAppearLaterAndLinesWrittenInPieces) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-logs-");
  sys::SystemClock clock;
  auto loop = std::move(*sys::Loop::make(clock));
  std::string seen;
  auto follower =
      agent::LogFollower::start(*loop, {{"web", directory->path() + "/web.log"}},
                                [&](const std::string& container, const agent::LogRecord& record) {
                                  seen += container + ":" + record.text;
                                  if (seen.find("last") != std::string::npos) loop->stop();
                                });
  ASSERT_TRUE(follower.has_value()) << follower.error().text;
  std::string path = directory->path() + "/web.log";
  auto fd = sys::create(path, O_WRONLY | O_APPEND, 0600);
  loop->after(std::chrono::milliseconds(1), [&] {
    (void)sys::write_all(fd->get(), R"({"log":"first\n","stream":"stdout","time":"t"})"
                                    "\n{\"log\":\"la");
  });
  loop->after(std::chrono::milliseconds(5), [&] {
    (void)sys::write_all(fd->get(), "st\\n\",\"stream\":\"stdout\",\"time\":\"t\"}\n");
  });
  bool timed_out = false;
  loop->after(std::chrono::seconds(60), [&] {
    timed_out = true;
    loop->stop();
  });
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_FALSE(timed_out);
  EXPECT_EQ(seen, "web:first\nweb:last\n");
}

}  // namespace
}  // namespace berth
