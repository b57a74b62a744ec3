#include "runtime/log_writer.h"

#include "base/text.h"
#include "sys/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace berth::runtime {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

const WallTime kTime{std::chrono::nanoseconds(1795381001123456789)};
constexpr auto kOut = LogStream::kStdout;
constexpr auto kErr = LogStream::kStderr;

class LogWriterTest : public testing::Test {
 protected:
  std::string path() const { return directory_.path() + "/c.log"; }

  // The records so far as "stream:text".
  std::vector<std::string> records() const {
    std::vector<std::string> found;
    for (const std::string& line : split(sys::read_file(path(), 1 << 20).value(), '\n')) {
      if (line.empty()) continue;
      json record = json::parse(line);
      EXPECT_EQ(record.at("time"), "2026-11-22T20:56:41.123456789Z");
      found.push_back(record.at("stream").get<std::string>() + ":" +
                      record.at("log").get<std::string>());
    }
    return found;
  }

  void write(LogStream stream, std::string_view bytes) {
    ASSERT_TRUE(writer_.write(stream, bytes, kTime));
  }
  void finish(LogStream stream) { ASSERT_TRUE(writer_.finish(stream, kTime)); }

  sys::TemporaryDirectory directory_ = sys::TemporaryDirectory::make("/tmp", "berth-log-").value();
  LogWriter writer_ = LogWriter::open(path()).value();
};

TEST_F(LogWriterTest, IsDockersFormat) {
  write(kOut, "a \"b\"\n");
  EXPECT_EQ(sys::read_file(path(), 1000).value(),
            R"({"log":"a \"b\"\n","stream":"stdout","time":"2026-11-22T20:56:41.123456789Z"})"
            "\n");
}

TEST_F(LogWriterTest, LinesAreRecordsHoweverTheyArrive) {
  write(kOut, "one\ntw");
  EXPECT_THAT(records(), ElementsAre("stdout:one\n"));
  write(kOut, "o\n\nthree\n");
  EXPECT_THAT(records(),
              ElementsAre("stdout:one\n", "stdout:two\n", "stdout:\n", "stdout:three\n"));
}

TEST_F(LogWriterTest, StreamsDoNotMixWithinALine) {
  write(kOut, "out ");
  write(kErr, "err ");
  write(kOut, "put\n");
  write(kErr, "or\n");
  EXPECT_THAT(records(), ElementsAre("stdout:out put\n", "stderr:err or\n"));
}

TEST_F(LogWriterTest, UnfinishedLastLineIsWrittenOnce) {
  write(kOut, "no newline");
  EXPECT_THAT(records(), IsEmpty());
  finish(kErr);
  EXPECT_THAT(records(), IsEmpty());
  finish(kOut);
  finish(kOut);
  EXPECT_THAT(records(), ElementsAre("stdout:no newline"));
}

TEST_F(LogWriterTest, LongLineComesInPieces) {
  std::string line = std::string(kLogLineMax, 'a') + std::string(kLogLineMax, 'b') + "end\n";
  for (size_t chunk : {line.size(), size_t{1000}, size_t{1}}) {
    for (size_t at = 0; at < line.size(); at += chunk) write(kOut, line.substr(at, chunk));
  }
  std::vector<std::string> one = {"stdout:" + std::string(kLogLineMax, 'a'),
                                  "stdout:" + std::string(kLogLineMax, 'b'), "stdout:end\n"};
  std::vector<std::string> expected;
  for (int i = 0; i < 3; ++i) expected.insert(expected.end(), one.begin(), one.end());
  EXPECT_EQ(records(), expected);
}

TEST_F(LogWriterTest, CharacterAtTheBorderStaysWhole) {
  const std::string kCharacters[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2"};
  for (const std::string& character : kCharacters) {
    for (size_t before = 0; before <= character.size(); ++before) {
      for (size_t chunk : {size_t{1}, kLogLineMax, 4 * kLogLineMax}) {
        std::string line = std::string(kLogLineMax - before, 'x') + character + "tail\n";
        size_t seen = records().size();
        for (size_t at = 0; at < line.size(); at += chunk) write(kOut, line.substr(at, chunk));
        std::vector<std::string> all = records();
        std::string joined;
        for (size_t i = seen; i < all.size(); ++i) {
          EXPECT_LE(all[i].size(), kLogLineMax + 7);
          joined += all[i].substr(7);
        }
        ASSERT_EQ(joined, line) << before << " bytes before the border, by " << chunk;
      }
    }
    directory_ = sys::TemporaryDirectory::make("/tmp", "berth-log-").value();
    writer_ = LogWriter::open(path()).value();
  }
}

TEST_F(LogWriterTest, BytesThatAreNotUtf8AreReplaced) {
  write(kOut, "a\xff\xc3(\n");
  EXPECT_THAT(records(), ElementsAre("stdout:a\xef\xbf\xbd\xef\xbf\xbd(\n"));
  write(kErr, std::string(kLogLineMax + 10, '\x80') + "\n");
  EXPECT_EQ(records().size(), 3U) << "no character to keep whole, no endless search";
}

TEST_F(LogWriterTest, AppendsToWhatIsThere) {
  write(kOut, "first\n");
  writer_ = LogWriter::open(path()).value();
  write(kOut, "second\n");
  EXPECT_THAT(records(), ElementsAre("stdout:first\n", "stdout:second\n"));
}

}  // namespace
}  // namespace berth::runtime
