#include "sys/loop.h"

#include "sys/clock.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <csignal>
#include <thread>

namespace berth {
namespace {

using std::chrono::milliseconds;

struct LoopTest : testing::Test {
  sys::SystemClock clock;
  std::unique_ptr<sys::Loop> loop = std::move(*sys::Loop::make(clock));
};

TEST_F(LoopTest, TimersRunInOrderAndCancelledOnesNever) {
  std::string order;
  loop->after(milliseconds(20), [&] {
    order += 'b';
    loop->stop();
  });
  loop->after(milliseconds(1), [&] { order += 'a'; });
  auto cancelled = loop->after(milliseconds(5), [&] { order += 'x'; });
  loop->cancel(cancelled);
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(order, "ab");
}

TEST_F(LoopTest, PostWakesTheLoopFromAnotherThread) {
  std::thread::id ran_on;
  std::thread other([&] {
    loop->post([&] {
      ran_on = std::this_thread::get_id();
      loop->stop();
    });
  });
  ASSERT_TRUE(loop->run().has_value());
  other.join();
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST_F(LoopTest, AHandlerMayUnwatchItself) {
  auto pipe = sys::make_pipe();
  int calls = 0;
  ASSERT_TRUE(loop->watch(pipe->read.get(), EPOLLIN,
                          [&](uint32_t) {
                            ++calls;
                            loop->unwatch(pipe->read.get());
                            loop->after(milliseconds(5), [&] { loop->stop(); });
                          })
                  .has_value());
  ASSERT_EQ(::write(pipe->write.get(), "x", 1), 1);
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(calls, 1);
}

TEST_F(LoopTest, SignalsArriveAsEvents) {
  int got = 0;
  ASSERT_TRUE(loop->on_signals({SIGUSR1},
                               [&](int signal) {
                                 got = signal;
                                 loop->stop();
                               })
                  .has_value());
  ASSERT_EQ(::raise(SIGUSR1), 0);
  ASSERT_TRUE(loop->run().has_value());
  EXPECT_EQ(got, SIGUSR1);
}

}  // namespace
}  // namespace berth
