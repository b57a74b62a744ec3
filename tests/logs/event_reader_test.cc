// What log_store_test.cc does not say: both directions, filters, events that are put, files that
// change under the reader, and what a search may cost.
#include "logs/event_reader.h"

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
using testing::IsEmpty;

const WallTime kReadAt{std::chrono::nanoseconds(1795381001123456789)};
constexpr int64_t kReadAtMs = 1795381001123;

std::vector<std::string> texts_of(const EventPage& page) {
  std::vector<std::string> texts;
  for (const StoredEvent& event : page.events) texts.push_back(event.message);
  return texts;
}

class EventReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(reader_.store().create_group("g", kReadAt));
    ASSERT_TRUE(reader_.store().create_stream("g", "s", kReadAt));
  }
  // As a task prints it.
  void print(int64_t at_ms, const std::string& text, uint64_t max_bytes = 0) {
    runtime::LogFile file =
        runtime::LogFile::open({reader_.store().events_path("g", "s"), max_bytes, 0, false})
            .value();
    WallTime time{milliseconds(at_ms)};
    file.put(runtime::LogRecords({}).render({runtime::LogStream::kStdout, text + "\n", time}));
    ASSERT_TRUE(file.flush());
  }
  void put(std::vector<PutEvent> events) {
    ASSERT_TRUE(reader_.store().put_events("g", "s", events, kReadAt));
  }
  EventPage read(EventQuery query) {
    query.group = "g";
    return reader_.read(query, kReadAt).value();
  }

  sys::TemporaryDirectory directory_ =
      sys::TemporaryDirectory::make("/tmp", "berth-events-").value();
  EventReader reader_{LogStore(directory_.path(), "eu-west-1")};
};

TEST_F(EventReaderTest, BothDirectionsMeet) {
  for (int i = 0; i < 10; ++i) print(kReadAtMs + i / 3, std::to_string(i), 300);
  EventQuery back{.limit = 4, .direction = Direction::kBackward};
  EventPage last = read(back);
  EXPECT_THAT(texts_of(last), ElementsAre("6", "7", "8", "9"));
  back.before = last.events[0].id;
  EventPage before = read(back);
  EXPECT_THAT(texts_of(before), ElementsAre("2", "3", "4", "5"));
  back.before = before.next_token;
  EventPage first = read(back);
  EXPECT_THAT(texts_of(first), ElementsAre("0", "1"));
  EXPECT_EQ(first.next_token, "");
  EXPECT_THAT(texts_of(read({.after = before.events.back().id})), ElementsAre("6", "7", "8", "9"));
}

TEST_F(EventReaderTest, WhatIsPutStandsBetweenWhatIsPrinted) {
  print(kReadAtMs + 1, "printed");
  put({{kReadAtMs, "put"}, {kReadAtMs + 1, "put later"}});
  EventPage page = read({});
  EXPECT_THAT(texts_of(page), ElementsAre("put", "printed", "put later"));
  EXPECT_EQ(page.events[0].ingestion_ms, kReadAtMs);
  EXPECT_EQ(page.events[0].id.size(), 56U);
  print(kReadAtMs + 2, "printed again");
  EXPECT_THAT(texts_of(read({.after = page.events.back().id})), ElementsAre("printed again"));
}

TEST_F(EventReaderTest, AnEventKeepsItsIdWhateverBecomesOfItsFile) {
  print(kReadAtMs, "a");
  std::string id = read({}).events.at(0).id;
  std::string path = reader_.store().events_path("g", "s");
  print(kReadAtMs, "b");
  ASSERT_TRUE(sys::rename(path, path + ".1"));  // as its writer rotates it
  print(kReadAtMs, "c");
  for (EventReader* reader : {&reader_}) {
    EventPage page = reader->read({.group = "g"}, kReadAt).value();
    EXPECT_THAT(texts_of(page), ElementsAre("a", "b", "c"));
    EXPECT_EQ(page.events[0].id, id);
  }
  EventReader another(reader_.store());  // after a restart
  EXPECT_EQ(another.read({.group = "g"}, kReadAt)->events[0].id, id);
  ASSERT_TRUE(reader_.store().delete_group("g"));
  SetUp();
  EXPECT_THAT(read({}).events, IsEmpty()) << "what was learned of files that are gone";
}

TEST_F(EventReaderTest, ALineInTheMakingIsSeenWhenItIsWhole) {
  print(kReadAtMs, "a");
  auto fd = sys::open(reader_.store().events_path("g", "s"), O_WRONLY | O_APPEND).value();
  ASSERT_TRUE(sys::write_all(fd.get(), R"({"log":"b\n","stream":"stdout",)"));
  EXPECT_THAT(texts_of(read({})), ElementsAre("a"));
  ASSERT_TRUE(sys::write_all(fd.get(), "\"time\":\"2026-11-22T20:56:41.123456789Z\"}\n"));
  EXPECT_THAT(texts_of(read({})), ElementsAre("a", "b"));
}

TEST_F(EventReaderTest, OrderAndPagesHoldOverManyBlocks) {
  std::vector<PutEvent> events;
  constexpr int kCount = 30000;
  for (int i = 0; i < kCount; ++i) {
    // Back and forth within a second, so that neighbouring blocks overlap.
    events.push_back({kReadAtMs + (i * 7919) % 1000, fmt::format("event {}", i)});
  }
  put(events);
  std::vector<std::string> ids;
  EventQuery query;
  do {
    EventPage page = read(query);
    EXPECT_LE(page.events.size(), kEventPageMax);
    for (const StoredEvent& event : page.events) ids.push_back(event.id);
    query.after = page.next_token;
  } while (!query.after.empty());
  EXPECT_EQ(ids.size(), size_t{kCount});
  EXPECT_TRUE(std::ranges::is_sorted(ids));
  EXPECT_EQ(read({.start_ms = kReadAtMs + 7, .end_ms = kReadAtMs + 9}).events.size(), 60U);
}

TEST_F(EventReaderTest, ASearchThatFindsLittleGoesOnWhereItEnded) {
  std::vector<PutEvent> events;
  std::string filler(200000, 'x');
  for (int i = 0; i < 400; ++i) {  // 80 MB
    events.push_back({kReadAtMs + i, i == 5 || i == 390 ? "needle" : filler});
  }
  put(events);
  EventQuery query;
  query.accepts = [](const std::string& message) { return message == "needle"; };
  EventPage first = read(query);
  EXPECT_EQ(first.events.size(), 1U);
  ASSERT_NE(first.next_token, "");
  query.after = first.next_token;
  EventPage second = read(query);
  EXPECT_EQ(second.events.size(), 1U);
  EXPECT_EQ(second.next_token, "");
  EXPECT_LE(read({}).events.size(), 7U) << "a page has 1 MiB";
}

TEST_F(EventReaderTest, RoomOfOldEventsIsGivenBackAlsoOfTheFileThatIsWrittenTo) {
  std::vector<PutEvent> events(40000, {kReadAtMs, "old"});
  put(events);
  std::string path = reader_.store().stream_directory("g", "s") + "/put.log";
  ASSERT_GT(sys::stat(path)->st_blocks * 512, 1 << 20);
  ASSERT_TRUE(reader_.store().set_retention("g", 1));
  ASSERT_TRUE(reader_.store().expire(std::chrono::system_clock::now() + hours(24)));
  ASSERT_GT(sys::stat(path)->st_blocks * 512, 1 << 20) << "of the future by two hours, perhaps";
  ASSERT_TRUE(reader_.store().expire(std::chrono::system_clock::now() + hours(27)));
  EXPECT_LT(sys::stat(path)->st_blocks * 512, 1 << 16);
  put({{kReadAtMs + 1, "young"}});
  EXPECT_THAT(texts_of(read({})), ElementsAre("young"));
  EventReader another(reader_.store());
  EXPECT_THAT(texts_of(another.read({.group = "g"}, kReadAt).value()), ElementsAre("young"));
}

TEST_F(EventReaderTest, AStreamKnowsItsFirstAndLastEvent) {
  EXPECT_EQ(reader_.times_of("g", "s")->first_ms, std::nullopt);
  print(kReadAtMs, "a");
  put({{kReadAtMs - 5, "b"}});
  EXPECT_EQ(reader_.times_of("g", "s")->first_ms, kReadAtMs - 5);
  EXPECT_EQ(reader_.times_of("g", "s")->last_ms, kReadAtMs);
}

}  // namespace
}  // namespace berth::logs
