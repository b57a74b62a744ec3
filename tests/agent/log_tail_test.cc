#include "agent/log_tail.h"

#include "runtime/log_file.h"
#include "runtime/log_json_file.h"
#include "sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace berth::agent {
namespace {

using runtime::LogFile;
using testing::ElementsAre;

class LogTailTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  LogTail tail() {
    return LogTail::open(directory_.path(), "c.log",
                         [this](const LogRecord& record) { seen_.push_back(record.text); })
        .value();
  }
  static std::string record(const std::string& text) {
    return R"({"log":")" + text + R"(","stream":"stdout","time":"t"})" + "\n";
  }
  void write(const std::string& name, const std::string& bytes) const {
    auto fd = sys::create(path(name), O_WRONLY | O_APPEND, 0600).value();
    ASSERT_TRUE(sys::write_all(fd.get(), bytes));
  }

  sys::TemporaryDirectory directory_ = sys::TemporaryDirectory::make("/tmp", "berth-tail-").value();
  std::vector<std::string> seen_;
};

TEST_F(LogTailTest, ReadsOldFilesFirst) {
  write("c.log.9", record("9"));
  write("c.log.10", record("10"));
  write("c.log", record("11"));
  LogTail reader = tail();
  reader.read_more();
  reader.read_more();
  EXPECT_THAT(seen_, ElementsAre("9", "10", "11"));
}

TEST_F(LogTailTest, FinishesAFileThatWasRotatedAndReadsThoseBetween) {
  write("c.log", record("1"));
  LogTail reader = tail();
  reader.read_more();
  write("c.log", record("2"));
  ASSERT_TRUE(sys::rename(path("c.log"), path("c.log.1")));
  write("c.log.2", record("3"));
  write("c.log", record("4"));
  reader.read_more();
  EXPECT_THAT(seen_, ElementsAre("1", "2", "3", "4"));
}

TEST_F(LogTailTest, AFileThatIsGoneBeforeTheNextOneComesIsFinished) {
  write("c.log", record("1"));
  LogTail reader = tail();
  reader.read_more();
  write("c.log", record("2"));
  ASSERT_TRUE(sys::remove_file(path("c.log")));
  reader.read_more();
  write("c.log", record("3"));
  reader.read_more();
  EXPECT_THAT(seen_, ElementsAre("1", "2", "3"));
}

TEST_F(LogTailTest, GoesWithItsDirectory) {
  write("c.log", record("1"));
  LogTail reader = tail();
  reader.read_more();
  write("c.log", record("2"));
  ASSERT_TRUE(sys::rename(path("c.log"), path("c.log.1")));
  write("c.log", record("3"));
  std::string moved = directory_.path() + "-moved";
  ASSERT_TRUE(sys::rename(directory_.path(), moved));
  reader.read_more();
  EXPECT_THAT(seen_, ElementsAre("1", "2", "3"));
  ASSERT_TRUE(sys::rename(moved, directory_.path()));
}

TEST_F(LogTailTest, ARecordThatADeathCutIsSkipped) {
  write("c.log", R"({"log":"ha)");
  LogTail reader = tail();
  reader.read_more();
  write("c.log", "\n" + record("next"));
  reader.read_more();
  EXPECT_THAT(seen_, ElementsAre("next"));
}

// A writer that rotates and compresses as fast as it can: every line once, in order, however the
// reader's looks fall between its steps.
TEST_F(LogTailTest, NothingIsLostOrDoubledWhileItIsRotated) {
  constexpr int kLines = 20000;
  std::atomic<bool> done = false;
  std::thread writer([&] {
    LogFile file = LogFile::open({path("c.log"), 4000, 0, true}).value();
    for (int i = 0; i < kLines; ++i) {
      file.put(record(std::to_string(i)));
      if (i % 7 == 0) {
        ASSERT_TRUE(file.flush());
      }
    }
    ASSERT_TRUE(file.flush());
    done = true;
  });
  LogTail reader = tail();
  while (!done) reader.read_more();
  writer.join();
  reader.read_more();
  ASSERT_EQ(seen_.size(), static_cast<size_t>(kLines));
  for (int i = 0; i < kLines; ++i) ASSERT_EQ(seen_[static_cast<size_t>(i)], std::to_string(i));
}

// With one file kept, whole files go unread; what is read is in order, and nothing comes twice.
TEST_F(LogTailTest, NothingIsDoubledWhenFilesGoUnread) {
  std::atomic<bool> done = false;
  std::thread writer([&] {
    LogFile file = LogFile::open({path("c.log"), 200, 2, false}).value();
    for (int i = 0; i < 20000; ++i) {
      file.put(record(std::to_string(i)));
      ASSERT_TRUE(file.flush());
    }
    done = true;
  });
  LogTail reader = tail();
  while (!done) reader.read_more();
  writer.join();
  reader.read_more();
  int last = -1;
  for (const std::string& text : seen_) {
    ASSERT_GT(std::stoi(text), last);
    last = std::stoi(text);
  }
  EXPECT_EQ(last, 19999);
}

}  // namespace
}  // namespace berth::agent
