#include "tools/pull_progress.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace berth {
namespace {

using image::Phase;
using tools::ProgressStyle;
using tools::PullProgress;
using Lines = std::vector<std::string>;

constexpr const char* kOne = "sha256:0123456789abcdef";
constexpr const char* kTwo = "sha256:ffffffffffffffff";

// What a progress of the given style writes to something that is no terminal.
class Written {
 public:
  explicit Written(ProgressStyle style) : progress_(to_, style, clock_) {}
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() {
    std::fclose(to_);
    std::free(text_);
  }
  PullProgress& progress() { return progress_; }
  ManualClock& clock() { return clock_; }
  std::string text() {
    std::fflush(to_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  FILE* to_ = ::open_memstream(&text_, &size_);
  ManualClock clock_;
  PullProgress progress_;
};

TEST(PullProgress, OneLineALayerAndATotal) {
  Written written(ProgressStyle::kTerminal);
  written.progress().update({kOne, Phase::kDownloading, 512, 1024});
  written.progress().update({kTwo, Phase::kExists, 4096, 4096});
  EXPECT_EQ(written.progress().lines({.columns = 80, .rows = 24}),
            (Lines{"  0123456789ab  downloading [============            ] 512 B / 1.0 KiB",
                   "  ffffffffffff  exists", "  total         512 B / 1.0 KiB"}));
  written.progress().update({kOne, Phase::kDone, 1024, 1024});
  EXPECT_EQ(written.progress().lines({.columns = 80, .rows = 24}),
            (Lines{"  0123456789ab  done        1.0 KiB", "  ffffffffffff  exists",
                   "  total         1.0 KiB / 1.0 KiB"}));
  EXPECT_EQ(written.text(), "") << "berth run is silent elsewhere";
}

TEST(PullProgress, ElsewhereALineForALayerThatIsDone) {
  Written written(ProgressStyle::kLines);
  written.progress().update({kOne, Phase::kWaiting, 0, 1024});
  written.progress().update({kOne, Phase::kDownloading, 512, 1024});
  written.progress().update({kTwo, Phase::kExists, 4096, 4096});
  written.progress().update({kOne, Phase::kDone, 1024, 1024});
  EXPECT_EQ(written.text(), "  ffffffffffff  exists\n  0123456789ab  done        1.0 KiB\n");
}

TEST(PullProgress, EventsALine) {
  Written written(ProgressStyle::kJson);
  written.progress().update({kOne, Phase::kUploading, 512, 1024});
  EXPECT_EQ(written.text(),
            R"({"done":512,"event":"layer","layer":"sha256:0123456789abcdef","phase":"uploading",)"
            R"("total":1024})"
            "\n");
  EXPECT_EQ(tools::render_error_event({Errc::kDenied, 0, "a\xff"}),
            "{\"code\":\"denied\",\"event\":\"error\",\"message\":\"a\xef\xbf\xbd\"}\n");
}

TEST(PullProgress, LinesKeepToTheScreen) {
  Written written(ProgressStyle::kTerminal);
  for (int i = 0; i < 30; ++i) {
    Phase phase = i < 20 ? Phase::kDone : Phase::kDownloading;
    written.progress().update({"sha256:" + std::to_string(100 + i), phase, 1, 2});
  }
  auto lines = written.progress().lines({.columns = 30, .rows = 12});
  ASSERT_EQ(lines.size(), 11u);
  EXPECT_TRUE(lines.front().starts_with("  120")) << "the finished ones made room";
  for (const std::string& line : lines) EXPECT_LE(line.size(), 30u);
  EXPECT_TRUE(written.progress().lines({.columns = 1, .rows = 1}).size() <= 2);
}

TEST(PullProgress, RateAndTimeLeft) {
  Written written(ProgressStyle::kTerminal);
  for (uint64_t second = 0; second <= 5; ++second) {
    written.progress().update({kOne, Phase::kDownloading, second << 20, uint64_t{100} << 20});
    written.clock().advance(std::chrono::seconds(1));
  }
  EXPECT_EQ(written.progress().lines({}).back(),
            "  total         5.0 MiB / 100.0 MiB  1.0 MiB/s  1 min 35 s left");
}

TEST(TransferRate, IsSmoothed) {
  ManualClock clock;
  tools::TransferRate rate;
  EXPECT_FALSE(rate.seconds_for(1).has_value());
  uint64_t bytes = 0;
  auto pass = [&](uint64_t more) {
    clock.advance(std::chrono::seconds(1));
    rate.add(clock.now(), bytes += more);
  };
  rate.add(clock.now(), 0);
  for (int i = 0; i < 10; ++i) pass(1000);
  EXPECT_NEAR(rate.bytes_per_second(), 1000, 1);
  pass(0);
  EXPECT_GT(rate.bytes_per_second(), 600);
  EXPECT_LT(rate.bytes_per_second(), 1000);
  for (int i = 0; i < 60; ++i) pass(0);
  EXPECT_FALSE(rate.seconds_for(1).has_value()) << "nothing moves";
}

}  // namespace
}  // namespace berth
