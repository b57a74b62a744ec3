#include "image/stream.h"

#include <gtest/gtest.h>

#include <future>
#include <string>

namespace berth::image {
namespace {

Result<std::string> read_all(ByteSource& source) {
  std::string all;
  while (true) {
    std::string_view bytes = TRY(source.read());
    if (bytes.empty()) return all;
    all += bytes;
  }
}

Status write(Pipe& pipe, std::string_view bytes) {
  while (!bytes.empty()) {
    std::span<char> room = TRY(pipe.room());
    size_t size = bytes.copy(room.data(), room.size());
    TRY(pipe.commit(size));
    bytes.remove_prefix(size);
  }
  return {};
}

std::string pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 13);
  return bytes;
}

TEST(Pipe, EveryReaderGetsAllBytes) {
  for (size_t size : {size_t{0}, size_t{1}, kPipeChunk - 1, kPipeChunk, kPipeChunk + 1,
                      kPipeChunk * kPipeChunksMax, kPipeChunk * (2 * kPipeChunksMax + 3) + 7}) {
    std::string sent = pattern(size);
    Pipe pipe(2);
    auto first = std::async(std::launch::async, [&] { return read_all(pipe.reader(0)); });
    auto second = std::async(std::launch::async, [&] { return read_all(pipe.reader(1)); });
    ASSERT_TRUE(write(pipe, sent));
    pipe.close_write({});
    EXPECT_TRUE(first.get().value() == sent) << size;
    EXPECT_TRUE(second.get().value() == sent) << size;
  }
}

TEST(Pipe, TheWriterWaitsForTheSlowestReader) {
  std::string sent = pattern(kPipeChunk * kPipeChunksMax * 3);
  Pipe pipe(2);
  auto writing = std::async(std::launch::async, [&] {
    auto written = write(pipe, sent);
    pipe.close_write({});
    return written;
  });
  // Held while the other one takes what it can: it must not be written over.
  std::string_view held = pipe.reader(0).read().value();
  for (size_t i = 0; i < kPipeChunksMax; ++i) (void)pipe.reader(1).read().value();
  EXPECT_TRUE(held == sent.substr(0, kPipeChunk));
  auto rest = std::async(std::launch::async, [&] { return read_all(pipe.reader(1)); });
  EXPECT_TRUE(read_all(pipe.reader(0)).value() == sent.substr(kPipeChunk));
  EXPECT_TRUE(writing.get());
  EXPECT_TRUE(rest.get().value() == sent.substr(kPipeChunk * kPipeChunksMax));
}

TEST(Pipe, AnErrorOfOneReachesTheOthers) {
  Pipe pipe(2);
  auto reading = std::async(std::launch::async, [&] { return read_all(pipe.reader(0)); });
  auto writing = std::async(std::launch::async, [&] {
    auto written = write(pipe, pattern(kPipeChunk * (kPipeChunksMax + 1)));
    pipe.close_write(written);
    return written;
  });
  pipe.close_read(Error{Errc::kExhausted, 0, "the disk is full"});
  EXPECT_EQ(writing.get().error().text, "the disk is full");
  EXPECT_EQ(reading.get().error().text, "the disk is full");
}

TEST(Pipe, ReadersGetTheErrorOfTheWriter) {
  Pipe pipe(1);
  ASSERT_TRUE(write(pipe, "begun"));
  pipe.close_write(Status(tl::unexpected<Error>(Error{Errc::kCorrupt, 0, "cut short"})));
  EXPECT_EQ(read_all(pipe.reader(0)).error().text, "cut short");
}

}  // namespace
}  // namespace berth::image
