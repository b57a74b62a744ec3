#include "sys/workers.h"

#include "sys/clock.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>

namespace berth {
namespace {

TEST(Workers, JobsRunElsewhereAndCompleteOnTheLoop) {
  sys::SystemClock clock;
  auto loop = std::move(*sys::Loop::make(clock));
  sys::Workers workers(*loop, 2);
  int completed = 0;
  for (int i = 0; i < 10; ++i) {
    workers.submit([&, here = std::this_thread::get_id()] {
      EXPECT_NE(std::this_thread::get_id(), here);
      return [&, here] {
        EXPECT_EQ(std::this_thread::get_id(), here);
        if (++completed == 10) loop->stop();
      };
    });
  }
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(completed, 10);
}

// Whoever made what a job has takes it apart: the loop waits for nobody's lock on its memory.
TEST(Workers, AJobEndsWhereItWasMade) {
  struct Noting {
    std::thread::id& ended_on;
    explicit Noting(std::thread::id& where) : ended_on(where) {}
    ~Noting() { ended_on = std::this_thread::get_id(); }
  };
  sys::SystemClock clock;
  auto loop = std::move(*sys::Loop::make(clock));
  std::thread::id ended_on;
  {
    sys::Workers workers(*loop, 1);
    auto held = std::make_shared<Noting>(ended_on);
    workers.submit([held = std::move(held), &loop] { return [&loop] { loop->stop(); }; });
    ASSERT_TRUE(loop->run().has_value());
  }
  EXPECT_EQ(ended_on, std::this_thread::get_id());
}

// A worker that took the signal would end the process.
TEST(Workers, LeaveSignalsToTheLoop) {
  sys::SystemClock clock;
  auto loop = std::move(*sys::Loop::make(clock));
  sys::Workers workers(*loop, 2);
  int heard = 0;
  ASSERT_TRUE(loop->on_signals({SIGUSR1},
                               [&](int number) {
                                 heard = number;
                                 loop->stop();
                               })
                  .has_value());
  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(heard, SIGUSR1);
}

}  // namespace
}  // namespace berth
