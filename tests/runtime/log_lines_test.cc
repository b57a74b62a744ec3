#include "runtime/log_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// What comes out of a splitter, as "stream:text".
class LogLines : public testing::Test {
 protected:
  static constexpr WallTime kTime{std::chrono::nanoseconds(1795381001123456789)};
  static constexpr auto kOut = LogStream::kStdout;
  static constexpr auto kErr = LogStream::kStderr;

  void write(LogStream stream, std::string_view bytes) {
    for (const LogEntry& entry : splitter_.take(stream, bytes, kTime)) note(entry);
  }
  void finish(LogStream stream) {
    if (auto rest = splitter_.finish(stream, kTime)) note(*rest);
  }
  void note(const LogEntry& entry) {
    EXPECT_EQ(entry.time, kTime);
    seen_.push_back(std::string(name_of(entry.stream)) + ":" + entry.text);
  }

  LineSplitter splitter_{kLogLineMax};
  std::vector<std::string> seen_;
};

TEST_F(LogLines, AreWholeHoweverTheyArrive) {
  write(kOut, "one\ntw");
  EXPECT_THAT(seen_, ElementsAre("stdout:one\n"));
  write(kOut, "o\n\nthree\n");
  EXPECT_THAT(seen_, ElementsAre("stdout:one\n", "stdout:two\n", "stdout:\n", "stdout:three\n"));
}

TEST_F(LogLines, StreamsDoNotMixWithinALine) {
  write(kOut, "out ");
  write(kErr, "err ");
  write(kOut, "put\n");
  write(kErr, "or\n");
  EXPECT_THAT(seen_, ElementsAre("stdout:out put\n", "stderr:err or\n"));
}

TEST_F(LogLines, AnUnfinishedLastLineComesOnce) {
  write(kOut, "no newline");
  EXPECT_THAT(seen_, IsEmpty());
  finish(kErr);
  EXPECT_THAT(seen_, IsEmpty());
  finish(kOut);
  finish(kOut);
  EXPECT_THAT(seen_, ElementsAre("stdout:no newline"));
}

TEST_F(LogLines, LongOnesComeInPieces) {
  std::string line = std::string(kLogLineMax, 'a') + std::string(kLogLineMax, 'b') + "end\n";
  for (size_t chunk : {line.size(), size_t{1000}, size_t{1}}) {
    for (size_t at = 0; at < line.size(); at += chunk) write(kOut, line.substr(at, chunk));
  }
  std::vector<std::string> one = {"stdout:" + std::string(kLogLineMax, 'a'),
                                  "stdout:" + std::string(kLogLineMax, 'b'), "stdout:end\n"};
  std::vector<std::string> expected;
  for (int i = 0; i < 3; ++i) expected.insert(expected.end(), one.begin(), one.end());
  EXPECT_EQ(seen_, expected);
}

TEST_F(LogLines, ACharacterAtTheBorderStaysWhole) {
  const std::string kCharacters[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2"};
  for (const std::string& character : kCharacters) {
    for (size_t before = 0; before <= character.size(); ++before) {
      for (size_t chunk : {size_t{1}, kLogLineMax, 4 * kLogLineMax}) {
        std::string line = std::string(kLogLineMax - before, 'x') + character + "tail\n";
        seen_.clear();
        for (size_t at = 0; at < line.size(); at += chunk) write(kOut, line.substr(at, chunk));
        std::string joined;
        for (const std::string& piece : seen_) {
          EXPECT_LE(piece.size(), kLogLineMax + 7);
          joined += piece.substr(7);
        }
        ASSERT_EQ(joined, line) << before << " bytes before the border, by " << chunk;
      }
    }
  }
}

TEST_F(LogLines, BytesThatAreNoTextEndNoSearch) {
  write(kErr, std::string(kLogLineMax + 10, '\x80') + "\n");
  EXPECT_EQ(seen_.size(), 2U) << "no character to keep whole, no endless search";
}

}  // namespace
}  // namespace berth::runtime
