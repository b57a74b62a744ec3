#include "tools/exec_sessions.h"

#include "agent/config.h"
#include "logs/log_store.h"
#include "sys/clock.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::tools {
namespace {

using testing::HasSubstr;

TEST(SessionRecord, IsReadAsItWasWritten) {
  SessionRecord record{.id = "i", .token = "t", .command = {"berth", "exec"}};
  for (int i = 0; i < 3; ++i) {
    auto again = parse_session_record(render_session_record(record));
    ASSERT_TRUE(again) << again.error().text;
    EXPECT_EQ(again->command, record.command);
    EXPECT_EQ(again->log, record.log);
    EXPECT_EQ(again->archive, record.archive);
    if (i == 0) record.log = SessionLog{"/root", "eu-west-1", "g"};
    if (i == 1) record.archive = ArchivePlace{"bucket", "a/i.log", true};
  }
}

TEST(ExecSessions, ABucketNeedsAWayToS3) {
  auto directory = sys::TemporaryDirectory::make("/tmp", "berth-exec-").value();
  sys::SystemClock clock;
  SeededRng rng{1};
  agent::Config config;
  config.root = directory.path();
  ExecSessions sessions({{"session"}, {"exec"}}, config, Env{clock, rng});
  api::ExecRequest request{.task_id = "t", .container = "c", .words = {"sh"}};
  request.log = api::ExecLog{.bucket = "b", .key_prefix = "p"};
  auto refused = sessions.open(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kNotFound);
  EXPECT_THAT(refused.error().text, HasSubstr("s3BucketName b: there is no environmentFiles.s3"));
  config.environment_files.ask_s3 = true;
  EXPECT_TRUE(sessions.open(request));
  request.log->region = "eu-west-1";
  request.log->group = "none";
  EXPECT_EQ(sessions.open(request).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace berth::tools
