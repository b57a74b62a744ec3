#include "agent/event_log.h"

#include "sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>

namespace berth::agent {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class EventLogTest : public testing::Test {
 protected:
  scheduler::Change health(scheduler::DesiredStatus desired, size_t output_bytes) const {
    scheduler::ContainerHealthChanged event;
    event.task_id = "t";
    event.container = "app";
    event.health.status = scheduler::HealthStatus::kUnhealthy;
    event.health.output = std::string(output_bytes, 'x');
    scheduler::Change change;
    change.cause = event;
    change.task.desired_status = desired;
    change.task.stopped_reason = "because";
    return change;
  }

  // What a store knows of two of those, the second of which ended the task.
  std::vector<scheduler::StoryLine> story() const {
    return {scheduler::story_line_of(health(scheduler::DesiredStatus::kRunning, 3), false),
            scheduler::story_line_of(health(scheduler::DesiredStatus::kStopped, 4), false)};
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-events-").value();
  std::string path_ = directory_.path() + "/t/events.jsonl";
};

TEST_F(EventLogTest, WhatIsWrittenIsReadAndALineThatADeathCutIsNot) {
  EXPECT_THAT(*EventLog::read(path_), SizeIs(0));
  EventLog log(path_);
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kRunning, 3)));
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kStopped, 3)));
  auto fd = sys::create(path_, O_WRONLY | O_APPEND, 0600).value();
  ASSERT_TRUE(sys::write_all(fd.get(), R"({"at":"20)"));
  auto lines = EventLog::read(path_).value();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].decision, "");
  EXPECT_EQ(lines[0].container, "app");
  EXPECT_EQ(lines[1].decision, ": because");
}

TEST_F(EventLogTest, WhatIsPutOffIsWrittenWithTheNextAndNoFileIsMadeForIt) {
  EventLog log(path_);
  log.put_off(health(scheduler::DesiredStatus::kRunning, 3));
  EXPECT_FALSE(sys::exists(directory_.path() + "/t"));
  ASSERT_TRUE(EventLog::prepare(path_));
  EXPECT_THAT(*EventLog::read(path_), SizeIs(0));
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kStopped, 4)));
  EXPECT_EQ(*EventLog::read(path_), story());
  ASSERT_TRUE(EventLog::prepare(path_)) << "one that is there stays as it is";
  EXPECT_EQ(*EventLog::read(path_), story());
}

TEST_F(EventLogTest, WhatADeadProcessStoredAndDidNotWriteIsWrittenByTheNext) {
  for (size_t written : {0U, 1U, 2U}) {
    ASSERT_TRUE(sys::remove_tree(directory_.path() + "/t"));
    EventLog log(path_);
    if (written > 0) {
      ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kRunning, 3)));
    }
    if (written > 1) {
      ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kStopped, 4)));
    }
    auto resumed = EventLog::resume(path_, story());
    ASSERT_TRUE(resumed) << resumed.error().text;
    ASSERT_TRUE(resumed->write());
    EXPECT_EQ(*EventLog::read(path_), story()) << written;
    ASSERT_TRUE(resumed->append(health(scheduler::DesiredStatus::kStopped, 5)));
    EXPECT_EQ(EventLog::read(path_)->back().decision, "") << "the end was decided before";
  }
}

TEST_F(EventLogTest, WhatFollowsALineThatADeathCutIsALineOfItsOwn) {
  EventLog log(path_);
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kRunning, 3)));
  auto fd = sys::create(path_, O_WRONLY | O_APPEND, 0600).value();
  ASSERT_TRUE(sys::write_all(fd.get(), R"({"at":"20)"));
  ASSERT_TRUE(EventLog::resume(path_, story())->write());
  EXPECT_EQ(*EventLog::read(path_), story());
}

TEST_F(EventLogTest, WhatCannotBeWrittenIsWrittenWithTheNext) {
  ASSERT_TRUE(sys::write_atomic(directory_.path() + "/t", "", 0600));  // in its directory's place
  EventLog log(path_);
  log.put_off(health(scheduler::DesiredStatus::kRunning, 3));
  EXPECT_FALSE(log.write());
  EXPECT_FALSE(log.write());
  ASSERT_TRUE(sys::remove_tree(directory_.path() + "/t"));
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kStopped, 4)));
  EXPECT_EQ(*EventLog::read(path_), story());
}

// While it lives, this process writes no file beyond so many bytes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    rlimit limit{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

TEST_F(EventLogTest, WhatIsWrittenInPartIsContinued) {
  EventLog log(path_);
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kRunning, 3)));
  off_t size = sys::stat(path_)->st_size + 10;
  for (int attempt = 0; attempt < 2; ++attempt) {
    FileSizeLimit full(size);
    auto written =
        attempt == 0 ? log.append(health(scheduler::DesiredStatus::kStopped, 4)) : log.write();
    EXPECT_EQ(written ? 0 : written.error().errno_value, EFBIG);
  }
  EXPECT_EQ(sys::stat(path_)->st_size, size);
  {
    auto copy = directory_.path() + "/copy";  // what the next process finds if this one dies now
    ASSERT_TRUE(sys::write_atomic(copy, *sys::read_file(path_, kEventLogMax), 0600));
    ASSERT_TRUE(EventLog::resume(copy, story())->write());
    EXPECT_EQ(*EventLog::read(copy), story());
  }
  ASSERT_TRUE(log.write());
  EXPECT_EQ(*EventLog::read(path_), story());
}

TEST_F(EventLogTest, AStoryThatDoesNotGoOnFromTheFileAddsNothing) {
  EventLog log(path_);
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kRunning, 77)));
  ASSERT_TRUE(EventLog::resume(path_, story())->write());
  EXPECT_THAT(*EventLog::read(path_), SizeIs(1));
}

TEST_F(EventLogTest, OneThatHasGrownToItsLimitTakesTheEndOnly) {
  constexpr off_t kLimit = 10000;
  EventLog log(path_, kLimit);
  do {
    ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kRunning, 200)));
  } while (sys::stat(path_)->st_size < kLimit);
  auto full = sys::stat(path_)->st_size;
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kRunning, 200)));
  EXPECT_EQ(sys::stat(path_)->st_size, full);
  ASSERT_TRUE(log.append(health(scheduler::DesiredStatus::kStopped, 200)));
  EXPECT_EQ(EventLog::read(path_)->back().decision, ": because");
}

}  // namespace
}  // namespace berth::agent
