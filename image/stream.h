// Bytes on their way: who gives them away (Sink), who makes them in place (Output) and who is asked
// for them (ByteSource).
#pragma once

#include "base/result.h"

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

using Sink = std::function<Status(std::string_view bytes)>;

// Memory that a decompressor writes to, so that its bytes need not be copied once more.
class Output {
 public:
  virtual ~Output() = default;
  // Where the next bytes go; never empty, the same until commit().
  virtual Result<std::span<char>> room() = 0;
  // The first `size` bytes of it are written.
  virtual Status commit(size_t size) = 0;
};

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // The next bytes, valid until the next call; empty at the end.
  virtual Result<std::string_view> read() = 0;
};

// Of a file, at a time.
constexpr size_t kReadChunk = 512 * 1024;
constexpr size_t kPipeChunk = 512 * 1024;
constexpr size_t kPipeChunksMax = 8;

// A bounded buffer between one writing thread and some that read, each of which gets all bytes. It
// is a ring of chunks:
//
//   chunk  0 1 2 3 4 5 6 7 0 1 ...
//              ^   ^     ^
//         reader   |     writer: it waits when it would overtake the last reader
//                  reader
//
// What any of them fails with reaches the others.
class Pipe final : public Output {
 public:
  explicit Pipe(size_t readers);
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // The writer's side. room() blocks while the buffer is full, and gives the error of the reader
  // that gave up.
  Result<std::span<char>> room() override;
  Status commit(size_t size) override;
  // No more will come: the end, or the error that the readers shall get.
  void close_write(Status status);

  // Its reader number `index`, for one thread.
  ByteSource& reader(size_t index) { return readers_[index]; }
  // A reader reads no more; the writer gets `error`.
  void close_read(Error error);

 private:
  struct Chunk {
    std::vector<char> bytes;
    size_t size = 0;
  };
  class Reader final : public ByteSource {
   public:
    explicit Reader(Pipe& pipe) : pipe_(pipe) {}
    Result<std::string_view> read() override { return pipe_.read(*this); }

   private:
    friend class Pipe;
    Pipe& pipe_;
    uint64_t next_ = 0;        // the chunk that it reads, or waits for
    bool is_reading_ = false;  // next_ is in its hands
  };

  Result<std::string_view> read(Reader& reader);
  Chunk& chunk(uint64_t number) { return ring_[number % kPipeChunksMax]; }
  bool is_full() const;
  void hand_over();

  std::array<Chunk, kPipeChunksMax> ring_;  // memory comes with the first use
  std::vector<Reader> readers_;
  size_t filled_ = 0;  // of the writer's chunk; its own
  std::mutex mutex_;   // of what follows, and of the readers
  std::condition_variable changed_;
  uint64_t written_ = 0;  // how many chunks are whole, and the number of the one being filled
  bool write_closed_ = false;
  Status write_status_;
  std::optional<Error> read_error_;
};

}  // namespace berth::image
