#include "tools/own_console.h"

#include "sys/clock.h"
#include "sys/file.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace berth::tools {
namespace {

// Our standard output goes elsewhere while it lives.
class OutputTo {
 public:
  explicit OutputTo(const char* path)
      : before_(::dup(STDOUT_FILENO)), there_(sys::open(path, O_WRONLY).value()) {
    ::dup2(there_.get(), STDOUT_FILENO);
  }
  OutputTo(const OutputTo&) = delete;
  OutputTo& operator=(const OutputTo&) = delete;
  ~OutputTo() { ::dup2(before_.get(), STDOUT_FILENO); }

 private:
  sys::Fd before_;
  sys::Fd there_;
};

// A second passes between two looks at it.
class HastyClock final : public Clock {
 public:
  Instant now() override { return Instant(std::chrono::seconds(++looks_)); }
  WallTime wall() override { return {}; }

 private:
  int looks_ = 0;
};

class OwnConsoleTest : public testing::Test {
 protected:
  void SetUp() override {
    ConsoleOptions options;
    options.container = "app";
    options.shows_streams = true;
    options.reads = false;
    options.on_detach = [this] { ++detached_; };
    console_ = OwnConsole::make(std::move(options), *loop_, hasty_clock_).value();
    theirs_ = console_->client();
    ASSERT_TRUE(console_->begin());
  }

  sys::SystemClock clock_;
  HastyClock hasty_clock_;
  std::unique_ptr<sys::Loop> loop_ = sys::Loop::make(clock_).value();
  int detached_ = 0;
  std::unique_ptr<OwnConsole> console_;
  agent::ConsoleClient theirs_;
};

TEST_F(OwnConsoleTest, LastWordsWithoutEndAreNotWaitedFor) {
  OutputTo nowhere("/dev/null");
  std::atomic<bool> is_drained = false;
  std::atomic<bool> has_given_up = false;
  std::thread talker([&] {
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!is_drained && !has_given_up) {
      (void)sys::write_all(theirs_.output.get(), ".");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      has_given_up = std::chrono::steady_clock::now() > until;
    }
  });
  console_->drain();
  is_drained = true;
  talker.join();
  EXPECT_FALSE(has_given_up);
  EXPECT_FALSE(console_->has_shown_all());
}

TEST_F(OwnConsoleTest, WhoIsShownNothingAnyMoreIsToldOnce) {
  OutputTo full("/dev/full");
  ASSERT_TRUE(sys::write_all(theirs_.output.get(), std::string(300'000, 'x')));
  console_->drain();
  console_->drain();
  EXPECT_EQ(detached_, 1);
}

TEST_F(OwnConsoleTest, WhatWasGivenInTimeIsShownToItsEnd) {
  OutputTo nowhere("/dev/null");
  ASSERT_TRUE(sys::write_all(theirs_.output.get(), std::string(300'000, 'x')));
  theirs_ = {};
  console_->drain();
  EXPECT_TRUE(console_->has_shown_all());
  EXPECT_EQ(detached_, 0);
}

}  // namespace
}  // namespace berth::tools
