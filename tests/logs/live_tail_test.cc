#include "logs/live_tail.h"

#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::logs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const WallTime kTailAt{std::chrono::milliseconds(1795381001123)};
constexpr int64_t kTailAtMs = 1795381001123;

class LiveTailTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* group : {"g", "h"}) {
      ASSERT_TRUE(reader_.store().create_group(group, kTailAt));
      for (const char* stream : {"web/1", "web/2", "db"}) {
        ASSERT_TRUE(reader_.store().create_stream(group, stream, kTailAt));
      }
    }
  }
  void put(const std::string& stream, int64_t offset_ms, const std::string& text,
           const std::string& group = "g") {
    ASSERT_TRUE(
        reader_.store().put_events(group, stream, {{kTailAtMs + offset_ms, text}}, kTailAt));
  }
  std::vector<std::string> look(LiveTail& tail) {
    std::vector<std::string> texts;
    Tailed tailed = tail.look(reader_, kTailAt).value();
    is_sampled_ = tailed.is_sampled;
    for (const TailedEvent& each : tailed.events) texts.push_back(each.event.message);
    return texts;
  }

  sys::TemporaryDirectory directory_ = sys::TemporaryDirectory::make("/tmp", "berth-tail-").value();
  EventReader reader_{LogStore(directory_.path(), "eu-west-1")};
  bool is_sampled_ = false;
};

TEST_F(LiveTailTest, TellsEachEventOnce) {
  put("db", -1, "before");
  LiveTail tail({{.name = "g"}}, {}, kTailAtMs);
  EXPECT_THAT(look(tail), IsEmpty());
  put("db", 5000, "b");
  put("web/1", 4000, "a");
  EXPECT_THAT(look(tail), ElementsAre("a", "b")) << "in the order of time";
  EXPECT_THAT(look(tail), IsEmpty());
  put("web/2", 4500, "late");
  put("web/2", 4500, "late");
  EXPECT_THAT(look(tail), ElementsAre("late", "late"));
  put("db", 60000, "c");
  EXPECT_THAT(look(tail), ElementsAre("c"));
  put("web/1", 60000 - kTailSlackMs - 1, "too late");
  put("web/1", 60000 - kTailSlackMs + 1, "just in time");
  EXPECT_THAT(look(tail), ElementsAre("just in time"));
  EXPECT_FALSE(is_sampled_);
}

TEST_F(LiveTailTest, TellsOfWhatIsAskedFor) {
  LiveTail all({{.name = "g"}, {.name = "h"}}, parse_filter_pattern("?a ?c").value(), kTailAtMs);
  LiveTail prefixed({{.name = "g", .prefixes = {"web/", "x"}}}, {}, kTailAtMs);
  LiveTail named({{.name = "g", .streams = {"db", "later"}}}, {}, kTailAtMs);
  put("web/1", 1, "a");
  put("db", 2, "b");
  put("db", 3, "c", "h");
  EXPECT_THAT(look(all), ElementsAre("a", "c"));
  EXPECT_THAT(look(prefixed), ElementsAre("a"));
  EXPECT_THAT(look(named), ElementsAre("b"));
  ASSERT_TRUE(reader_.store().create_stream("g", "later", kTailAt));
  put("later", 4, "d");
  EXPECT_THAT(look(named), ElementsAre("d"));
  ASSERT_TRUE(reader_.store().delete_group("h"));
  put("web/2", 5, "a2");
  EXPECT_THAT(look(all), ElementsAre("a2")) << "a group has gone";
}

TEST_F(LiveTailTest, TellsTheLatestOfMany) {
  LiveTail tail({{.name = "g"}}, {}, kTailAtMs);
  std::vector<PutEvent> events;
  for (size_t i = 0; i < kTailedMax + 1; ++i) {
    events.push_back({kTailAtMs + static_cast<int64_t>(i), std::to_string(i)});
  }
  std::vector<PutEvent> most(events.begin() + 1, events.end());
  ASSERT_TRUE(reader_.store().put_events("g", "db", most, kTailAt));
  EXPECT_EQ(look(tail).size(), kTailedMax);
  EXPECT_FALSE(is_sampled_);
  ASSERT_TRUE(reader_.store().put_events("g", "web/1", events, kTailAt));
  auto told = look(tail);
  ASSERT_EQ(told.size(), kTailedMax);
  EXPECT_EQ(told.front(), "1");
  EXPECT_TRUE(is_sampled_);
}

TEST_F(LiveTailTest, AFloodIsLeftOutAndNotWaitedFor) {
  LiveTail tail({{.name = "g"}}, {}, kTailAtMs - 5000);
  std::vector<PutEvent> events;  // in the time of the slack, and more than a look reads
  for (size_t i = 0; i < kTailPagesMax * kEventPageMax + 10; ++i) {
    events.push_back({kTailAtMs - 5000 + static_cast<int64_t>(i) / 100, "x"});
  }
  ASSERT_TRUE(reader_.store().put_events("g", "db", events, kTailAt));
  EXPECT_EQ(look(tail).size(), kTailedMax);
  EXPECT_TRUE(is_sampled_);
  EXPECT_THAT(look(tail), IsEmpty());
  EXPECT_FALSE(is_sampled_);
  put("db", 1, "after");
  EXPECT_THAT(look(tail), ElementsAre("after"));
}

}  // namespace
}  // namespace berth::logs
