#include "runtime/log_file.h"

#include "base/text.h"
#include "runtime/log_json_file.h"
#include "runtime/log_queue.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace berth::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const WallTime kFileTime{std::chrono::nanoseconds(1795381001123456789)};

class LogFileTest : public testing::Test {
 protected:
  std::string path(const std::string& name = "c.log") const {
    return directory_.path() + "/" + name;
  }
  std::string content(const std::string& name = "c.log") const {
    return sys::read_file(path(name), 1 << 20).value();
  }
  std::vector<std::string> names() const { return sys::list_directory(directory_.path()).value(); }
  LogFile open(uint64_t max_bytes, uint32_t max_files, bool compress) const {
    return LogFile::open({path(), max_bytes, max_files, compress}).value();
  }
  static std::string unzip(const std::string& file) {
    sys::Program gzip;
    gzip.path = "gzip";
    gzip.arguments = {"gzip", "-dc", file};
    return sys::run_program(std::move(gzip), "")->out;
  }
  static void write(LogFile& file, const std::string& lines) {
    file.put(lines);
    ASSERT_TRUE(file.flush());
  }

  sys::TemporaryDirectory directory_ = sys::TemporaryDirectory::make("/tmp", "berth-log-").value();
};

TEST_F(LogFileTest, IsNeverLongerThanItMayBeAndSplitsNoLine) {
  LogFile file = open(10, 0, false);
  write(file, "1234\n6789\nnext\n");
  EXPECT_THAT(names(), ElementsAre("c.log", "c.log.1"));
  EXPECT_EQ(content("c.log.1"), "1234\n6789\n");
  write(file, "longer than any file\nshort\n");
  EXPECT_EQ(content("c.log.2"), "next\n");
  EXPECT_EQ(content("c.log.3"), "longer than any file\n");
  EXPECT_EQ(content(), "short\n");
}

TEST_F(LogFileTest, KeepsSoManyFiles) {
  LogFile file = open(2, 3, false);
  for (const char* line : {"1\n", "2\n", "3\n", "4\n", "5\n"}) write(file, line);
  EXPECT_THAT(names(), ElementsAre("c.log", "c.log.3", "c.log.4"));
  EXPECT_EQ(content("c.log.3"), "3\n");
}

TEST_F(LogFileTest, OneFileBeginsAnew) {
  LogFile file = open(2, 1, false);
  for (const char* line : {"1\n", "2\n", "3\n"}) write(file, line);
  EXPECT_THAT(names(), ElementsAre("c.log"));
  EXPECT_EQ(content(), "3\n");
}

TEST_F(LogFileTest, CompressesAsGzipDoes) {
  LogFile file = open(200000, 3, true);
  std::string lines;
  for (int i = 0; i < 20000; ++i) lines += std::to_string(i) + "\n";
  write(file, lines + lines + lines);
  EXPECT_THAT(names(), ElementsAre("c.log", "c.log.1.gz"));
  EXPECT_EQ(unzip(path("c.log.1.gz")) + content(), lines + lines + lines);
}

TEST_F(LogFileTest, GoesOnWithTheNumbersOfAnEarlierOne) {
  {
    LogFile file = open(2, 3, true);
    for (const char* line : {"1\n", "2\n", "3\n"}) write(file, line);
  }
  // As a death between the compressed file and the end of the other one leaves it.
  ASSERT_TRUE(sys::write_replace(path("c.log.2"), "2\n", 0600));
  ASSERT_TRUE(sys::write_replace(path("c.log.3.gz.new"), "half", 0600));
  LogFile file = open(2, 3, true);
  write(file, "4\n");
  write(file, "5\n");
  EXPECT_THAT(names(), ElementsAre("c.log", "c.log.3.gz", "c.log.4.gz"));
  EXPECT_EQ(unzip(path("c.log.3.gz")), "3\n");
}

TEST_F(LogFileTest, ALineThatADeathCutIsEnded) {
  ASSERT_TRUE(sys::write_replace(path(), "whole\nhal", 0600));
  LogFile file = open(0, 1, false);
  write(file, "next\n");
  EXPECT_EQ(content(), "whole\nhal\nnext\n");
}

TEST_F(LogFileTest, AFullDiskCostsWhatWasNotBegun) {
  ASSERT_TRUE(sys::symlink("/dev/full", path()));
  LogFile file = open(0, 1, false);
  file.put("lost\n");
  EXPECT_FALSE(file.flush());
  file.drop();
  EXPECT_TRUE(file.flush()) << "nothing is left to write";
}

TEST(RotatedLog, NamesAreUnderstood) {
  EXPECT_EQ(parse_rotated_log("a.log.12", "a.log")->number, 12U);
  EXPECT_TRUE(parse_rotated_log("a.log.12.gz", "a.log")->compressed);
  for (const char* name : {"a.log", "a.log.", "a.log.0", "a.log.x", "a.log.1.gz.new", "b.log.1",
                           "a.logs.1", "a.log.-1"}) {
    EXPECT_FALSE(parse_rotated_log(name, "a.log")) << name;
  }
}

TEST_F(LogFileTest, JsonIsDockers) {
  LogPlan plan;
  plan.file.path = path();
  LogRecords bare(plan);
  EXPECT_EQ(bare.render({LogStream::kStdout, "a \"b\"\n", kFileTime}),
            R"({"log":"a \"b\"\n","stream":"stdout","time":"2026-11-22T20:56:41.123456789Z"})"
            "\n");
  plan.attributes = {{"a", "1"}, {"tag", "x\xff"}};
  LogRecords with(plan);
  EXPECT_EQ(
      with.render({LogStream::kStderr, "a\xff\xc3(\n", kFileTime}),
      "{\"log\":\"a\xef\xbf\xbd\xef\xbf\xbd(\\n\",\"stream\":\"stderr\",\"attrs\":{\"a\":\"1\","
      "\"tag\":\"x\xef\xbf\xbd\"},\"time\":\"2026-11-22T20:56:41.123456789Z\"}\n");
}

// ---- the buffer of mode non-blocking ----

// A driver that waits until it may go on.
class Gate final : public LogDriver {
 public:
  explicit Gate(std::vector<std::string>& seen) : seen_(seen) {}
  Status write(std::vector<LogEntry> entries) override {
    std::unique_lock lock(mutex_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    for (const LogEntry& entry : entries) seen_.push_back(entry.text);
    return {};
  }
  void wait_until_reached() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return reached_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::vector<std::string>& seen_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool reached_ = false;
  bool open_ = false;
};

class LogQueueTest : public testing::Test {
 protected:
  void make(LogQueueLimits limits) {
    auto gate = std::make_unique<Gate>(seen_);
    gate_ = gate.get();
    queue_ = make_log_queue(std::move(gate), limits, Env{clock_, rng_});
  }
  bool write(const char* text) {
    return queue_->write({{LogStream::kStdout, text, kFileTime}}).has_value();
  }
  void let_go() {
    gate_->open();
    ASSERT_TRUE(queue_->finish());
  }

  sys::SystemClock clock_;
  sys::SystemRng rng_;
  std::vector<std::string> seen_;
  Gate* gate_ = nullptr;  // the queue's
  std::unique_ptr<LogDriver> queue_;
};

TEST_F(LogQueueTest, DropsTheNewestWhenItIsFullAndNeverWaits) {
  make({10, 0});
  EXPECT_TRUE(write("longer than the buffer"));
  gate_->wait_until_reached();
  EXPECT_FALSE(write("1234")) << "what is being delivered counts";
  let_go();
  EXPECT_THAT(seen_, ElementsAre("longer than the buffer"));
}

TEST_F(LogQueueTest, MayCountLines) {
  make({1000, 2});
  EXPECT_TRUE(write("1"));
  gate_->wait_until_reached();
  EXPECT_TRUE(write("2"));
  EXPECT_FALSE(write("3"));
  let_go();
  EXPECT_THAT(seen_, ElementsAre("1", "2"));
}

TEST_F(LogQueueTest, ShortLinesCountByTheMemoryTheyTake) {
  make({100 * sizeof(LogEntry), 0});
  EXPECT_TRUE(write("\n"));
  gate_->wait_until_reached();
  size_t taken = 1;
  while (write("\n")) ++taken;
  EXPECT_EQ(taken, 100U);
  let_go();
  EXPECT_EQ(seen_.size(), taken);
}

TEST_F(LogQueueTest, DeliversInOrderWhatFits) {
  make({2 * sizeof(LogEntry), 0});
  EXPECT_TRUE(write("12"));
  gate_->wait_until_reached();
  EXPECT_TRUE(write("34567890"));
  EXPECT_FALSE(write("x"));
  let_go();
  EXPECT_THAT(seen_, ElementsAre("12", "34567890"));
}

}  // namespace
}  // namespace berth::runtime
