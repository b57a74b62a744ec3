#include "tools/session_transcript.h"

#include "base/json_tree.h"
#include "logs/event_reader.h"
#include "sys/file.h"

#include <gtest/gtest.h>

#include <numeric>

namespace berth::tools {
namespace {

using Texts = std::vector<std::string>;

// The events of a session whose terminal was read in these pieces.
Texts transcript_of(const Texts& shown) {
  auto directory = sys::TemporaryDirectory::make("/tmp", "berth-transcript-").value();
  ManualClock clock;
  logs::LogStore store(directory.path(), "eu-west-1");
  EXPECT_TRUE(store.create_group("g", clock.wall()));
  auto transcript = SessionTranscript::begin({directory.path(), "eu-west-1", "g"}, "s", clock);
  for (const std::string& piece : shown) EXPECT_TRUE(transcript->add(piece));
  EXPECT_TRUE(transcript->finish());
  Texts messages;
  auto page = logs::EventReader(store).read({.group = "g"}, clock.wall());
  for (const logs::StoredEvent& event : page->events) messages.push_back(event.message);
  return messages;
}

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

// In pieces of so many bytes.
Texts cut(const std::string& text, size_t size) {
  Texts pieces;
  for (size_t at = 0; at < text.size(); at += size) pieces.push_back(text.substr(at, size));
  return pieces;
}

TEST(SessionTranscript, AnEventIsALine) {
  EXPECT_EQ(transcript_of({"one\r\n\r\ntw", "o\n", "three"}), (Texts{"one", "two", "three"}));
}

TEST(SessionTranscript, ALongLineIsCutBetweenCharacters) {
  for (std::string_view character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2"}) {
    for (size_t shift : {0, 1, 2, 3}) {
      std::string line = std::string(shift, 'x') + repeated(character, 40000);
      Texts events = transcript_of(cut(line + "\r\n", 1000));
      EXPECT_GT(events.size(), 1U);
      for (const std::string& event : events) {
        EXPECT_TRUE(json::is_utf8(event)) << shift;
        EXPECT_LE(event.size(), kTranscriptLineMax);
      }
      EXPECT_EQ(std::accumulate(events.begin(), events.end(), std::string()), line);
    }
  }
}

TEST(SessionTranscript, BytesThatAreNoCharactersAreHeldBackNoLonger) {
  std::string line(kTranscriptLineMax + 100,
                   '\xa9');  // what continues characters, and nothing else
  Texts events = transcript_of({line});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_GT(events[0].size(), kTranscriptLineMax - 5);
  // The file of the stream is JSON: what is no UTF-8 is U+FFFD there, a byte each.
  EXPECT_EQ(events[0] + events[1], repeated("\xef\xbf\xbd", line.size()));
}

}  // namespace
}  // namespace berth::tools
