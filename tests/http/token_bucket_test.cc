#include "http/token_bucket.h"

#include <gtest/gtest.h>

namespace berth::http {
namespace {

int taken_at_once(TokenBucket& bucket, Instant now) {
  int count = 0;
  while (bucket.take(now)) ++count;
  return count;
}

TEST(TokenBucket, GivesABurstAndThenItsRate) {
  ManualClock clock;
  clock.advance(std::chrono::seconds(1));
  TokenBucket bucket({.per_second = 40, .burst = 60});
  EXPECT_EQ(taken_at_once(bucket, clock.now()), 60);
  clock.advance(std::chrono::milliseconds(500));
  EXPECT_EQ(taken_at_once(bucket, clock.now()), 20);
  clock.advance(std::chrono::hours(1));
  EXPECT_EQ(taken_at_once(bucket, clock.now()), 60);
}

}  // namespace
}  // namespace berth::http
