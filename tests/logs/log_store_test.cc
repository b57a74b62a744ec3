#include "logs/event_reader.h"

#include "runtime/log_events.h"
#include "runtime/log_file.h"
#include "runtime/log_json_file.h"
#include "sys/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::logs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const WallTime kNow{std::chrono::nanoseconds(1795381001123456789)};
constexpr int64_t kNowMs = 1795381001123;

class LogStoreTest : public testing::Test {
 protected:
  void make(const std::string& group, const std::string& stream) const {
    ASSERT_TRUE(store_.create_group(group, kNow));
    ASSERT_TRUE(store_.create_stream(group, stream, kNow));
  }
  void write(const std::string& group, const std::string& stream, WallTime time,
             const std::string& text, uint64_t max_bytes = 0) const {
    runtime::LogFile file =
        runtime::LogFile::open({store_.events_path(group, stream), max_bytes, 0, false}).value();
    file.put(runtime::LogRecords({}).render({runtime::LogStream::kStdout, text, time}));
    ASSERT_TRUE(file.flush());
  }
  std::vector<std::string> messages(const EventQuery& query) const {
    std::vector<std::string> found;
    auto read = reader().read(query, kNow);
    for (const StoredEvent& event : read->events) {
      found.push_back(event.message);
    }
    return found;
  }

  // Another one each time: what it remembers must not be needed.
  EventReader reader() const { return EventReader(store_); }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-store-").value();
  LogStore store_{directory_.path(), "eu-west-1"};
};

TEST_F(LogStoreTest, GroupsAreMadeOnceAndFound) {
  EXPECT_EQ(store_.find_group("/ecs/web").error().text, "The specified log group does not exist.");
  ASSERT_TRUE(store_.create_group("/ecs/web", kNow));
  EXPECT_EQ(store_.find_group("/ecs/web")->creation_time_ms, kNowMs);
  auto again = store_.create_group("/ecs/web", kNow);
  EXPECT_EQ(again.error().code, Errc::kExists);
  EXPECT_FALSE(LogStore(directory_.path(), "eu-west-2").find_group("/ecs/web")) << "of one region";
  ASSERT_TRUE(store_.set_retention("/ecs/web", 7));
  EXPECT_EQ(store_.find_group("/ecs/web")->retention_days, 7);
  ASSERT_TRUE(store_.delete_group("/ecs/web"));
  EXPECT_THAT(*store_.list_groups(""), IsEmpty());
}

TEST_F(LogStoreTest, NamesAreKeptApartHoweverTheyLook) {
  std::string longest(512, 'x');
  std::string other = longest.substr(0, 511) + "y";
  for (const std::string& name : {std::string("a/b"), std::string("a_b"), std::string("."),
                                  std::string(".."), std::string("a#b"), longest, other}) {
    ASSERT_TRUE(store_.create_group(name, kNow)) << name;
  }
  EXPECT_EQ(store_.list_groups("")->size(), 7U);
  for (const std::string& name : {std::string(), std::string("a b"), longest + "x"}) {
    EXPECT_EQ(store_.create_group(name, kNow).error().code, Errc::kInvalid) << name;
  }
  EXPECT_EQ(store_.create_stream("a/b", "a:b", kNow).error().code, Errc::kInvalid);
}

TEST_F(LogStoreTest, EventsComeInTheOrderOfTimeOverAllStreams) {
  make("g", "one");
  ASSERT_TRUE(store_.create_stream("g", "two", kNow));
  write("g", "one", kNow, "b\n");
  write("g", "two", kNow - milliseconds(1), "a\n");
  write("g", "two", kNow + milliseconds(1), "c\nof two lines\n");
  EXPECT_THAT(messages({.group = "g"}), ElementsAre("a", "b", "c\nof two lines"));
  EXPECT_THAT(messages({.group = "g", .streams = {"one"}}), ElementsAre("b"));
  EXPECT_THAT(messages({.group = "g", .start_ms = kNowMs, .end_ms = kNowMs + 1}), ElementsAre("b"))
      << "the end is not part of it";
  EXPECT_THAT(messages({.group = "g", .start_ms = kNowMs + 2}), IsEmpty());
  auto events = reader().read({.group = "g"}, kNow)->events;
  EXPECT_EQ(events[1].timestamp_ms, kNowMs);
  EXPECT_EQ(events[1].stream, "one");
}

TEST_F(LogStoreTest, PagesFollowEachOtherAndIdsStayWhenFilesAreRotated) {
  make("g", "s");
  for (int i = 0; i < 7; ++i) {
    write("g", "s", kNow + milliseconds(i / 2), std::to_string(i) + "\n", 200);
  }
  EXPECT_TRUE(sys::exists(store_.events_path("g", "s") + ".2"));
  std::vector<StoredEvent> whole = reader().read({.group = "g"}, kNow)->events;
  ASSERT_EQ(whole.size(), 7U);
  std::vector<std::string> paged;
  EventQuery query{.group = "g", .limit = 3};
  do {
    EventPage page = reader().read(query, kNow).value();
    for (const StoredEvent& event : page.events) paged.push_back(event.message);
    query.after = page.next_token;
  } while (!query.after.empty());
  EXPECT_THAT(paged, ElementsAre("0", "1", "2", "3", "4", "5", "6"));
  for (int i = 7; i < 12; ++i) write("g", "s", kNow + milliseconds(i), "x\n", 200);
  std::vector<StoredEvent> later = reader().read({.group = "g"}, kNow)->events;
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(later[i].id, whole[i].id);
}

TEST_F(LogStoreTest, OldEventsGo) {
  make("g", "s");
  write("g", "s", kNow - hours(50), "older\n", 100);
  write("g", "s", kNow - hours(49), "old\n", 100);
  write("g", "s", kNow - hours(1), "young\n", 100);
  ASSERT_TRUE(store_.set_retention("g", 1));
  EXPECT_THAT(messages({.group = "g"}), ElementsAre("young"));
  std::string id = reader().read({.group = "g"}, kNow)->events.at(0).id;
  // The file itself is as young as its last write.
  std::string rotated = store_.events_path("g", "s") + ".1";
  ASSERT_TRUE(store_.expire(std::chrono::system_clock::now()));
  EXPECT_TRUE(sys::exists(rotated));
  ASSERT_TRUE(store_.expire(std::chrono::system_clock::now() + hours(25)));
  EXPECT_FALSE(sys::exists(rotated));
  // The current one stays, without its room, so that its number means the same for ever.
  EXPECT_THAT(messages({.group = "g"}), IsEmpty());
  write("g", "s", kNow, "younger\n");
  std::string younger = reader().read({.group = "g"}, kNow)->events.at(0).id;
  EXPECT_EQ(younger.substr(14, 10), id.substr(14, 10));
}

TEST_F(LogStoreTest, PagesFollowEachOtherWithoutAGap) {
  make("g", "one");
  ASSERT_TRUE(store_.create_stream("g", "two", kNow));
  std::vector<std::string> expected;
  for (int i = 0; i < 25; ++i) {
    expected.push_back(std::to_string(i));
    // Some of the same time; a page ends between them.
    write("g", i % 2 == 0 ? "one" : "two", kNow + std::chrono::milliseconds(i / 4 * 4 + i % 2),
          expected.back() + "\n");
  }
  std::vector<std::string> seen;
  EventQuery query{.group = "g", .limit = 3};
  do {
    auto page = reader().read(query, kNow);
    ASSERT_TRUE(page);
    EXPECT_LE(page->events.size(), 3U);
    for (const StoredEvent& event : page->events) seen.push_back(event.message);
    query.after = page->next_token;
  } while (!query.after.empty());
  EXPECT_THAT(seen, testing::UnorderedElementsAreArray(expected));
}

TEST_F(LogStoreTest, WhatADeathCutIsNoEvent) {
  make("g", "s");
  auto fd = sys::create(store_.events_path("g", "s"), O_WRONLY | O_APPEND, 0600).value();
  ASSERT_TRUE(sys::write_all(fd.get(), R"({"log":"ha)"));
  write("g", "s", kNow, "whole\n");
  EXPECT_THAT(messages({.group = "g"}), ElementsAre("whole"));
}

}  // namespace
}  // namespace berth::logs
