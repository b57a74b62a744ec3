#include "base/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth {
namespace {

using testing::MatchesRegex;

TEST(Ids, HaveTheFormsOfEcs) {
  SeededRng rng(1);
  EXPECT_THAT(make_task_id(rng), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_THAT(make_hex(rng, 8), MatchesRegex("[0-9a-f]{8}"));
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(make_uuid(rng),
                MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                             "[0-9a-f]{12}"));
  }
}

TEST(Ids, FollowTheSeed) {
  SeededRng one(7);
  SeededRng other(7);
  EXPECT_EQ(make_task_id(one), make_task_id(other));
}

TEST(Env, Rfc3339SortsAsText) {
  ManualClock clock;
  EXPECT_EQ(format_rfc3339(clock.wall()), "2023-11-14T22:13:20.000000000Z");
  clock.advance(std::chrono::nanoseconds(1500000001));
  EXPECT_EQ(format_rfc3339(clock.wall()), "2023-11-14T22:13:21.500000001Z");
}

}  // namespace
}  // namespace berth
